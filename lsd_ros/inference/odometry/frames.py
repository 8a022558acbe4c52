"""
Camera odometry seen from the robot: from the optical frame to the base frame (REP-103, REP-105).

The engine follows the camera in the optical frame of its first image. A robot wants its base in a
frame whose x looks forward, y left and z up, and which is the base frame of the first image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError
from lsd_ros.inference.settings import MountSettings
from lsd_ros.types import Estimate

# REP-103: a body looks along x with y left and z up, a camera along z with x right and y down
BODY_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class BaseOdometry:
    """
    Pose and velocity of the base frame, as nav_msgs/Odometry wants them.

    :param stamp_ns: of the image [ns]
    :param odom_from_base: pose of the base in the odometry frame, shape (4, 4)
    :param pose_covariance: in the odometry frame, shape (6, 6)
    :param twist: in the base frame, shape (6,): vx, vy, vz [m/s], wx, wy, wz [rad/s]
    :param twist_covariance: in the base frame, shape (6, 6)
    """

    stamp_ns: int
    odom_from_base: Matrix
    pose_covariance: Matrix
    twist: Matrix
    twist_covariance: Matrix


def base_from_optical(mount: MountSettings) -> Matrix:
    """
    Return where the optical frame of a camera sits in the base frame.

    :param mount: position, and rotation as yaw about z, then pitch about y, then roll about x
    :return: shape (4, 4)
    """
    angles = (mount.roll_deg, mount.pitch_deg, mount.yaw_deg)
    roll, pitch, yaw = (
        cv2.Rodrigues(math.radians(angle) * axis)[0]
        for angle, axis in zip(angles, np.eye(3), strict=True)
    )
    matrix = np.eye(4)
    matrix[:3, :3] = yaw @ pitch @ roll @ BODY_FROM_OPTICAL
    matrix[:3, 3] = (mount.x_m, mount.y_m, mount.z_m)
    return matrix


def odometry_in_base(estimate: Estimate, base_from_camera: Matrix) -> BaseOdometry:
    """
    Move the camera's accumulated pose and its last motion to the base frame.

    The camera is taken to sit rigidly on the robot.

    :param estimate: with motion, pose and covariance of the camera
    :param base_from_camera: shape (4, 4)
    :return: the odometry of the base
    :raises FrameError: the estimate has no motion or no pose
    """
    motion, pose, covariance = (
        estimate.motion,
        estimate.odom_from_camera,
        estimate.odom_covariance,
    )
    if motion is None or pose is None or covariance is None:
        raise FrameError(f'the estimate of stamp {estimate.stamp_ns} ns has no motion and pose')
    camera_from_base = _inverse(base_from_camera)
    odom_from_base = base_from_camera @ pose @ camera_from_base
    previous_from_current = _inverse(motion.current_from_previous)
    step = base_from_camera @ previous_from_current @ camera_from_base
    seconds = (motion.current_ns - motion.previous_ns) * 1e-9
    return BaseOdometry(
        stamp_ns=estimate.stamp_ns,
        odom_from_base=odom_from_base,
        pose_covariance=_covariance_of_base(covariance, base_from_camera, odom_from_base),
        twist=_logarithm(step) / seconds,
        twist_covariance=_covariance_of_base(motion.covariance, base_from_camera, step)
        / seconds**2,
    )


def _inverse(matrix: Matrix) -> Matrix:
    inverse = np.eye(4)
    inverse[:3, :3] = matrix[:3, :3].T
    inverse[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return inverse


def _covariance_of_base(covariance: Matrix, base_from_camera: Matrix, moved: Matrix) -> Matrix:
    """
    Rotate a covariance of the camera into the axes of the base, and carry it along the lever arm.

    A wrong rotation turns the base about the camera: d(base) = d(camera) + lever x d(rotation).
    """
    rotation = base_from_camera[:3, :3]
    lever = moved[:3, :3] @ base_from_camera[:3, 3]
    jacobian = np.zeros((6, 6))
    jacobian[:3, :3] = jacobian[3:, 3:] = rotation
    jacobian[:3, 3:] = _cross(lever) @ rotation
    result = jacobian @ covariance @ jacobian.T
    return (result + result.T) / 2


def _logarithm(matrix: Matrix) -> Matrix:
    """Return the constant twist that makes this motion in unit time, shape (6,)."""
    rotation_vector = cv2.Rodrigues(matrix[:3, :3])[0].ravel().astype(np.float64)
    angle = float(np.linalg.norm(rotation_vector))
    cross = _cross(rotation_vector)
    # 1 / 12 is the limit; the next term of the series is angle^2 / 720
    factor = 1 / 12 if angle < 1e-4 else 1 / angle**2 - 1 / (2 * angle * math.tan(angle / 2))
    velocity = (np.eye(3) - cross / 2 + factor * cross @ cross) @ matrix[:3, 3]
    return np.concatenate([velocity, rotation_vector])


def _cross(vector: Matrix) -> Matrix:
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
