"""Stereo pairs: two rectified cameras side by side, with a known motion between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError, SettingError

TOLERANCE_NS = 1_000_000  # drivers stamp both cameras of a pair at one trigger


@dataclass(frozen=True)
class StereoPair:
    """
    Two cameras that see the same moments.

    :param left: name of the sequence of the left camera
    :param right: name of the sequence of the right camera
    :param baseline_m: from the left camera to the right one, along x of both [m]
    """

    left: str
    right: str
    baseline_m: float

    @classmethod
    def parse(cls, text: str) -> StereoPair:
        """
        Read ``LEFT RIGHT METRES``.

        :raises SettingError: it is something else
        """
        words = text.split()
        try:
            left, right, baseline_m = *words[:2], float(words[2])
            is_usable = len(words) == 3 and math.isfinite(baseline_m) and baseline_m > 0
        except (ValueError, IndexError):
            is_usable = False
        if not is_usable or left == right:
            raise SettingError(
                f'the stereo pair {text!r} must be the names of two sequences, left and right, '
                'and the metres between their cameras: for example "drive_left drive_right 0.54"'
            )
        return cls(left, right, baseline_m)

    def right_from_left(self) -> NDArray[np.float32]:
        """Return the motion from one camera to the other, shape (4, 4) [m]."""
        motion = np.eye(4, dtype=np.float32)
        motion[0, 3] = -self.baseline_m
        return motion


def beside(
    pairs: Sequence[StereoPair], sequences: Sequence[TrainingSequence]
) -> dict[int, tuple[int, NDArray[np.float32]]]:
    """
    Say which sequence shows the moments of another one from the side.

    :return: number of the other sequence and other_from_this [m], by the number of a sequence
    :raises DatasetError: a sequence is missing, is in two pairs, or cameras or stamps of a pair
        differ
    """
    numbers = {sequence.name: number for number, sequence in enumerate(sequences)}
    found: dict[int, tuple[int, NDArray[np.float32]]] = {}
    for pair in pairs:
        for name in (pair.left, pair.right):
            if name not in numbers:
                raise DatasetError(
                    f'the stereo pair of {pair.left} and {pair.right} has no sequence {name}: '
                    f'the data have {", ".join(numbers)}'
                )
            if numbers[name] in found:
                raise DatasetError(f'{name} is in two stereo pairs: it has one other camera')
        left, right = numbers[pair.left], numbers[pair.right]
        _check_pair(sequences[left], sequences[right])
        motion = pair.right_from_left()
        found[left] = right, motion
        found[right] = left, np.linalg.inv(motion)
    return found


def mirrored(motion: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a motion as it is in images mirrored left to right, shape (..., 4, 4)."""
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0]).astype(np.float32)
    return np.asarray(mirror @ motion @ mirror, np.float32)


def _check_pair(left: TrainingSequence, right: TrainingSequence) -> None:
    both = f'{left.name} and {right.name} are no stereo pair'
    if left.camera != right.camera:
        raise DatasetError(
            f'{both}: their cameras differ ({left.camera} and {right.camera}): rectify them to '
            'one camera matrix and size'
        )
    if len(left) != len(right):
        raise DatasetError(f'{both}: they have {len(left)} and {len(right)} images')
    apart = np.abs(left.stamps_ns - right.stamps_ns)
    if apart.max() > TOLERANCE_NS:
        index = int(apart.argmax())
        raise DatasetError(
            f'{both}: the stamps of their images {index} are {apart[index] / 1e6:.1f} ms apart: '
            'keep only what both cameras saw at once'
        )
