"""
One step of two sources: the pose network and the odometry that comes in.

A Kalman update in the base frame, of the visual step by the other one. Where they contradict each
other (a slipping wheel, a failing network), one of them is left out: the one that is further from
the motion that went before.
"""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from lsd_ros.geometry.rigid import (
    Matrix,
    constant_twist,
    error_jacobian,
    inverse,
    rotation_matrix,
    rotation_vector,
)
from lsd_ros.inference.odometry import noise
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.inference.odometry.pose_state import Step

# 99.9 % of the chi-square distribution with 1 to 6 degrees of freedom
GATES = (10.83, 13.82, 16.27, 18.47, 20.52, 22.46)
# How fast a robot changes its motion, one standard deviation: what a surprise is measured by.
ACCELERATION_M_S2, ACCELERATION_RAD_S2 = 3.0, 3.0


class FusionOutcome(enum.Enum):
    """What became of a step."""

    FUSED = 'fused'
    UNFUSED = 'visual alone: nothing from odometry_in'
    INPUT_REJECTED = 'visual alone: odometry_in contradicts it'
    VISUAL_REJECTED = 'odometry_in alone: the pose network contradicts it'


@dataclasses.dataclass(frozen=True)
class Witness:
    """
    What another odometry says about a step.

    :param previous_from_current: of the base, shape (4, 4)
    :param deviations: in the base frame, shape (6,)
    :param known: which of them mean anything, shape (6,), bool
    """

    previous_from_current: Matrix
    deviations: Matrix
    known: np.ndarray


def witness_of(
    history: OdometryHistory, previous_ns: int, current_ns: int, settings: OdometrySettings
) -> Witness | None:
    """Ask the history about an interval; None where it does not cover it."""
    moved = history.between(previous_ns, current_ns)
    if moved is None:
        return None
    given = history.twist_covariance(previous_ns, current_ns)
    seconds = (current_ns - previous_ns) * 1e-9
    deviations = noise.input_deviations(moved, seconds, given, settings)
    return Witness(moved, deviations, noise.informative(moved))


def step_of_witness(
    witness: Witness, seconds: float, base_from_camera: Matrix, settings: OdometrySettings
) -> Step:
    """Return the step of the camera as the other odometry alone says it."""
    camera_from_base = inverse(base_from_camera)
    moved = camera_from_base @ witness.previous_from_current @ base_from_camera
    to_camera = error_jacobian(camera_from_base, moved)
    return Step(
        moved,
        seconds,
        np.zeros((6, 6)),
        np.zeros(6),
        np.zeros(6),
        to_camera @ np.diag(witness.deviations),
        settings.input_error_memory_s,
    )


def fused(
    step: Step,
    witness: Witness,
    last_twist: Matrix | None,
    base_from_camera: Matrix,
    settings: OdometrySettings,
    *,
    scale_from_input: bool,
) -> tuple[Step, FusionOutcome]:
    """
    Fuse a visual step with what another odometry says.

    :param last_twist: velocity of the camera before, shape (6,); None: not known
    :param scale_from_input: the scale was told by the same odometry, so that its error is none
        that the other could correct
    """
    moved = base_from_camera @ step.previous_from_current @ inverse(base_from_camera)
    to_base = error_jacobian(base_from_camera, moved)
    error, scale = to_base @ step.visual, to_base @ step.scale
    covariance = error @ error.T
    if not scale_from_input:
        covariance = covariance + np.outer(scale, scale)
    known = np.flatnonzero(witness.known)
    difference = _difference(witness.previous_from_current, moved)[known]
    innovation = covariance[np.ix_(known, known)] + np.diag(witness.deviations[known] ** 2)
    distance = float(difference @ np.linalg.solve(innovation, difference))
    if distance > GATES[len(known) - 1]:
        alone = step_of_witness(witness, step.seconds, base_from_camera, settings)
        if last_twist is None or _surprise(step, last_twist) <= _surprise(alone, last_twist):
            return step, FusionOutcome.INPUT_REJECTED
        return alone, FusionOutcome.VISUAL_REJECTED
    gain = np.zeros((6, 6))
    gain[:, known] = np.linalg.solve(innovation, covariance[known]).T
    motion = _corrected(moved, gain[:, known] @ difference, base_from_camera)
    to_camera = error_jacobian(inverse(base_from_camera), motion)
    rest = to_camera @ (np.eye(6) - gain)
    result = dataclasses.replace(
        step,
        previous_from_current=motion,
        visual=rest @ error,
        scale=step.scale if scale_from_input else rest @ scale,
        input=to_camera @ gain @ np.diag(witness.deviations),
        input_memory_s=settings.input_error_memory_s,
    )
    return result, FusionOutcome.FUSED


def _corrected(moved: Matrix, correction: Matrix, base_from_camera: Matrix) -> Matrix:
    """Return the motion of the camera after a correction of that of the base."""
    corrected = moved.copy()
    corrected[:3, :3] = rotation_matrix(correction[3:]) @ moved[:3, :3]
    corrected[:3, 3] += correction[:3]
    motion: Matrix = inverse(base_from_camera) @ corrected @ base_from_camera
    return motion


def _difference(first: Matrix, second: Matrix) -> Matrix:
    """Return by what the first motion differs from the second: translation, rotation, (6,)."""
    turn = rotation_vector(first[:3, :3] @ second[:3, :3].T)
    return np.concatenate([first[:3, 3] - second[:3, 3], turn])


def _surprise(step: Step, last_twist: Matrix) -> float:
    """Return how far a step is from going on as before, in squared standard deviations."""
    change = constant_twist(step.previous_from_current) / step.seconds - last_twist
    accelerated = np.array([ACCELERATION_M_S2] * 3 + [ACCELERATION_RAD_S2] * 3) * step.seconds
    return float(np.sum((change / accelerated) ** 2))
