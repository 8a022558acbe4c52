"""Rigid motions of a robot in float64: 4 x 4 matrices named ``b_from_a``, and small errors."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Trajectory
from lsd_ros.types.stamps import nearest

Matrix = NDArray[np.float64]
END_TOLERANCE_NS = 1_000_000  # an image this little before the first pose or after the last has it
_IDENTITY = np.eye(4)


def inverse(b_from_a: Matrix) -> Matrix:
    """Return ``a_from_b`` of a rigid motion, shape (4, 4)."""
    result = _IDENTITY.copy()
    turned_back = b_from_a[:3, :3].T
    result[:3, :3] = turned_back
    result[:3, 3] = -turned_back @ b_from_a[:3, 3]
    return result


def rotation_vector(matrix: Matrix) -> Matrix:
    """Return axis times angle [rad] of the rotation in a 3 x 3 or 4 x 4 matrix, shape (3,)."""
    return cv2.Rodrigues(matrix[:3, :3])[0].ravel().astype(np.float64)


def rotation_matrix(vector: Matrix) -> Matrix:
    """Return the rotation, shape (3, 3), about an axis times angle [rad], shape (3,)."""
    return cv2.Rodrigues(np.asarray(vector, np.float64))[0].astype(np.float64)


def cross_matrix(vector: Matrix) -> Matrix:
    """Return the matrix that takes another vector to the cross product of this one with it."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def orthonormal(matrix: Matrix) -> Matrix:
    """Take the rounding of many products out of a rigid motion, shape (4, 4)."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    result = matrix.copy()
    result[:3, :3] = left @ right
    result[3] = (0.0, 0.0, 0.0, 1.0)
    return result


def interpolated(first: Matrix, second: Matrix, share: float) -> Matrix:
    """
    Return the pose at a share of the way: translation linear, rotation on the shortest arc.

    :param first: shape (4, 4)
    :param second: shape (4, 4)
    :param share: 0: the first, 1: the second
    """
    pose = np.eye(4)
    turn = rotation_vector(first[:3, :3].T @ second[:3, :3])
    pose[:3, :3] = first[:3, :3] @ rotation_matrix(share * turn)
    pose[:3, 3] = (1 - share) * first[:3, 3] + share * second[:3, 3]
    return pose


def constant_twist(motion: Matrix) -> Matrix:
    """Return the twist that, held for unit time, makes this motion: velocity, turn, shape (6,)."""
    turn = rotation_vector(motion)
    angle = math.sqrt(turn @ turn)
    cross = cross_matrix(turn)
    # 1 / 12 is the limit; the next term of the series is angle^2 / 720
    factor = 1 / 12 if angle < 1e-4 else 1 / angle**2 - 1 / (2 * angle * math.tan(angle / 2))
    way = motion[:3, 3]
    across = cross @ way
    return np.concatenate([way - across / 2 + factor * (cross @ across), turn])


def error_jacobian(b_from_a: Matrix, moved_b: Matrix) -> Matrix:
    """
    Return what takes the error of a motion of body a to that of body b, rigidly fixed to it.

    An error is a translation and a small rotation, in the axes that the motion begins in. A wrong
    rotation turns b about a: d(b) = d(a) + lever x d(rotation).

    :param b_from_a: shape (4, 4)
    :param moved_b: the motion of b, shape (4, 4)
    :return: shape (6, 6)
    """
    rotation = b_from_a[:3, :3]
    lever = moved_b[:3, :3] @ b_from_a[:3, 3]
    jacobian = np.zeros((6, 6))
    jacobian[:3, :3] = jacobian[3:, 3:] = rotation
    jacobian[:3, 3:] = cross_matrix(lever) @ rotation
    return jacobian


def motion_from_vector(vector: Matrix) -> Matrix:
    """
    Turn what a pose network says into a motion, as :func:`lsd_ros.geometry.pose.pose_from_vector`.

    :param vector: translation, then axis times angle [rad], shape (6,)
    :return: ``b_from_a``: rotate, then translate, shape (4, 4)
    """
    motion = _IDENTITY.copy()
    motion[:3, :3] = rotation_matrix(vector[3:])
    motion[:3, 3] = vector[:3]
    return motion


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
