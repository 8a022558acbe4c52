"""Poses at the stamps of images, between the stamps at which they were measured."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Trajectory

END_TOLERANCE_NS = 1_000_000  # an image this little before the first pose or after the last has it


def poses_at(
    trajectory: Trajectory, stamps_ns: NDArray[np.int64], max_gap_ns: int
) -> NDArray[np.float64]:
    """
    Interpolate poses: the translation linearly, the rotation along the shortest arc (slerp).

    :param stamps_ns: where poses are wanted, shape (N,)
    :param max_gap_ns: between two measured poses further apart there is none
    :return: shape (N, 4, 4), NaN where there is no pose
    """
    result = np.full((len(stamps_ns), 4, 4), np.nan)
    known = trajectory.stamps_ns
    after = np.searchsorted(known, stamps_ns)
    for index, (stamp_ns, right) in enumerate(zip(stamps_ns, after, strict=True)):
        left = max(0, int(right) - 1)
        right = min(int(right), len(known) - 1)
        nearest = left if abs(stamp_ns - known[left]) <= abs(known[right] - stamp_ns) else right
        inside = known[left] <= stamp_ns <= known[right]
        if inside and known[right] - known[left] <= max_gap_ns and left != right:
            share = float(stamp_ns - known[left]) / float(known[right] - known[left])
            poses = trajectory.world_from_camera
            result[index] = between(poses[left], poses[right], share)
        elif abs(int(stamp_ns - known[nearest])) <= END_TOLERANCE_NS:
            result[index] = trajectory.world_from_camera[nearest]
    return result


def between(
    first: NDArray[np.float64], second: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """
    Return the pose at a share of the way from the first to the second.

    :param first: shape (4, 4)
    :param second: shape (4, 4)
    :param share: 0: the first, 1: the second
    """
    turn, _ = cv2.Rodrigues(first[:3, :3].T @ second[:3, :3])
    part, _ = cv2.Rodrigues(share * turn)
    pose = np.eye(4)
    pose[:3, :3] = first[:3, :3] @ part
    pose[:3, 3] = (1 - share) * first[:3, 3] + share * second[:3, 3]
    return pose


def inverse(b_from_a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``a_from_b`` of a rigid motion, shape (4, 4)."""
    rotation = b_from_a[:3, :3].T
    result = np.eye(4)
    result[:3, :3] = rotation
    result[:3, 3] = -rotation @ b_from_a[:3, 3]
    return result
