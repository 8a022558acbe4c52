"""Poses at the stamps of images, between the stamps at which they were measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsd_ros.geometry.rigid import interpolated
from lsd_ros.types import Trajectory
from lsd_ros.types.stamps import nearest

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
    closest, off_ns = nearest(stamps_ns, known)
    for index, (stamp_ns, right) in enumerate(zip(stamps_ns, after, strict=True)):
        left = max(0, int(right) - 1)
        right = min(int(right), len(known) - 1)
        inside = known[left] <= stamp_ns <= known[right]
        if inside and known[right] - known[left] <= max_gap_ns and left != right:
            share = float(stamp_ns - known[left]) / float(known[right] - known[left])
            poses = trajectory.world_from_camera
            result[index] = interpolated(poses[left], poses[right], share)
        elif off_ns[index] <= END_TOLERANCE_NS:
            result[index] = trajectory.world_from_camera[closest[index]]
    return result
