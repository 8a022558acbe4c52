"""
How wrong the motions of weights are: fitted to motions that are known, and checked against them.

The check is the normalised squared error (NEES; Bar-Shalom et al., 2001, section 5.4): the error
in units of what is claimed, squared, over its six numbers. 1 is right; above, the claim is too
small.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsd_ros.errors import FrameError
from lsd_ros.geometry.rigid import Matrix, rotation_vector
from lsd_ros.inference.odometry.noise import visual_memories_s, visual_root
from lsd_ros.inference.odometry.pose_state import PoseState, Step
from lsd_ros.types import MotionNoise

FEWEST_STEPS = 20
ROUNDS = 300  # of expectation and maximisation
SMALLEST_SHARE, SMALLEST_FLOOR, SMALLEST_DEG = 1e-4, 1e-6, 1e-4
LONGEST_SUM = 50  # steps over which it shows how long errors last
LONGEST_MEMORY_S = 60.0


@dataclass(frozen=True)
class JudgedSteps:
    """
    Consecutive steps of one sequence.

    :param found: previous_from_current [m], shape (N, 4, 4)
    :param true: the same as it was, shape (N, 4, 4)
    :param seconds: that each step took, shape (N,)
    :param factor: metres per network unit in ``found``
    :raises FrameError: there are too few to say anything
    """

    found: Matrix
    true: Matrix
    seconds: Matrix
    factor: float

    def __post_init__(self) -> None:
        """Check that there are enough."""
        if len(self.found) < FEWEST_STEPS:
            raise FrameError(
                f'{len(self.found)} known motions are too few to say how wrong they are: '
                f'give at least {FEWEST_STEPS}'
            )

    @property
    def errors(self) -> Matrix:
        """Return by what each step is wrong, in the axes of its previous camera, shape (N, 6)."""
        return np.stack([_error(*pair) for pair in zip(self.found, self.true, strict=True)])


def fitted_noise(judged: Sequence[JudgedSteps]) -> MotionNoise:
    """
    Return the noise that makes the errors of these steps, and of their sums, most likely.

    :raises FrameError: there is nothing to fit
    """
    if not judged:
        raise FrameError('there are no known motions to fit the noise of motion to')
    errors = np.concatenate([steps.errors for steps in judged])
    found = np.concatenate([steps.found for steps in judged])
    factors = np.concatenate([np.full(len(steps.found), steps.factor) for steps in judged])
    ways = found[:, :3, 3]
    directions = ways / np.maximum(np.linalg.norm(ways, axis=1), 1e-12)[:, None]
    along = np.einsum('ij,ij->i', errors[:, :3], directions) ** 2
    across = np.maximum(np.sum(errors[:, :3] ** 2, axis=1) - along, 0.0) / 2
    lengths = np.linalg.norm(ways, axis=1) / factors
    along_share, along_floor = _share_and_floor(along / factors**2, lengths)
    across_share, across_floor = _share_and_floor(across / factors**2, lengths)
    x, y, z = (
        max(float(np.rad2deg(root)), SMALLEST_DEG)
        for root in np.sqrt(np.mean(errors[:, 3:] ** 2, axis=0))
    )
    noise = MotionNoise(along_share, across_share, along_floor, across_floor, (x, y, z))
    translation_s, *rotation_s = _memories_s(judged, noise)
    a, b, c = rotation_s
    return dataclasses.replace(
        noise, translation_memory_s=translation_s, rotation_memory_s=(a, b, c)
    )


def nees_of_steps(judged: JudgedSteps, noise: MotionNoise) -> float:
    """Return the mean normalised squared error of single steps; 1 is right."""
    return float(np.mean(_unit_errors(judged, noise) ** 2))


def nees_of_poses(judged: JudgedSteps, noise: MotionNoise, horizon_s: float = 10.0) -> float:
    """
    Return the mean normalised squared error of poses accumulated over a time; 1 is right.

    :param horizon_s: over which they are accumulated; at most the whole sequence
    """
    typical = float(np.median(judged.seconds))
    length = max(1, min(len(judged.found), round(horizon_s / typical)))
    starts = range(0, len(judged.found) - length + 1, max(1, length // 2))
    return float(np.mean([_nees(judged, noise, start, start + length) for start in starts]))


def _nees(judged: JudgedSteps, noise: MotionNoise, start: int, end: int) -> float:
    state, truth = PoseState.origin(), np.eye(4)
    for index in range(start, end):
        found = judged.found[index]
        root = visual_root(found, noise, judged.factor)
        seconds = float(judged.seconds[index])
        state = state.moved(Step(found, seconds, root, visual_memories_s(noise), np.zeros(6)))
        truth = truth @ judged.true[index]
    error = _error(state.odom_from_camera, truth)
    return float(error @ np.linalg.solve(state.covariance, error)) / len(error)


def _error(found: Matrix, true: Matrix) -> Matrix:
    turn = rotation_vector(found[:3, :3] @ true[:3, :3].T)
    return np.concatenate([found[:3, 3] - true[:3, 3], turn])


def _share_and_floor(squares: Matrix, lengths: Matrix) -> tuple[float, float]:
    """
    Split errors into a share of the length and a floor.

    Each is the sum of two independent ones; expectation and maximisation (Dempster et al. 1977)
    finds the variances of both without ever leaving what is possible.

    :param squares: of the errors, shape (N,)
    :param lengths: of the steps, in the same unit, shape (N,)
    :return: share, floor in that unit
    """
    moving = np.maximum(lengths, 1e-6) ** 2
    share = (float(np.mean(squares)) + SMALLEST_FLOOR**2) / float(np.mean(moving)) / 2
    floor = share * float(np.mean(moving))
    for _ in range(ROUNDS):
        part = share * moving / (share * moving + floor)
        open_yet = part * floor  # variance of either part, given the sum
        share = float(np.mean((part**2 * squares + open_yet) / moving))
        floor = float(np.mean((1 - part) ** 2 * squares + open_yet))
        share, floor = max(share, SMALLEST_SHARE**2), max(floor, SMALLEST_FLOOR**2)
    return math.sqrt(share), math.sqrt(floor)


def _unit_errors(judged: JudgedSteps, noise: MotionNoise) -> Matrix:
    """Return the errors in units of what is claimed, shape (N, 6)."""
    return np.stack(
        [
            np.linalg.solve(visual_root(found, noise, judged.factor), error)
            for found, error in zip(judged.found, judged.errors, strict=True)
        ]
    )


def _memories_s(judged: Sequence[JudgedSteps], noise: MotionNoise) -> list[float]:
    """
    Return after what time errors have forgotten each other, by how fast their sums grow.

    :return: of translations together, and about x, y and z
    """
    length = min(LONGEST_SUM, min(len(steps.found) for steps in judged) // 2)
    grown, alone = [], []
    for steps in judged:
        unit = _unit_errors(steps, noise)
        sums = np.cumsum(np.concatenate([np.zeros((1, 6)), unit]), axis=0)
        grown.append((sums[length:] - sums[:-length]) ** 2 / length)
        alone.append(unit**2)
    sums, single = (np.mean(np.concatenate(squares), axis=0) for squares in (grown, alone))
    seconds = float(np.median(np.concatenate([steps.seconds for steps in judged])))
    memories = []
    for part in (slice(0, 3), slice(3, 4), slice(4, 5), slice(5, 6)):
        known = float(np.sum(single[part]))
        kept = _kept(float(np.sum(sums[part])) / known, length) if known > 0 else 0.0
        lasting = -seconds / math.log(kept) if kept > 0 else 0.0
        memories.append(min(lasting, LONGEST_MEMORY_S))
    return memories


def _kept(ratio: float, length: int) -> float:
    """Return the share of an error that the next step keeps, by the growth of sums of errors."""
    lags = np.arange(1, length)
    low, high = 0.0, 1.0 - 1e-6
    for _ in range(50):
        middle = (low + high) / 2
        growth = 1 + 2 * float(np.sum((1 - lags / length) * middle**lags))
        low, high = (middle, high) if growth < ratio else (low, middle)
    return low if low > 1e-3 else 0.0
