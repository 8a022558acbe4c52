"""
Camera odometry seen from the robot: from the optical frame to the base frame (REP-103, REP-105).

The engine follows the camera in the optical frame of its first image. A robot wants its base in a
frame whose x looks forward, y left and z up, and which is the base frame of the first image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lsd_ros.errors import FrameError
from lsd_ros.geometry.rigid import (
    Matrix,
    constant_twist,
    error_jacobian,
    inverse,
    orthonormal,
    rotation_matrix,
)
from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.types import Estimate

# REP-103: a body looks along x with y left and z up, a camera along z with x right and y down
BODY_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class BaseOdometry:
    """
    Pose and velocity of the base frame, as nav_msgs/Odometry wants them.

    :param stamp_ns: of the image [ns]
    :param odom_from_base: pose of the base in the odometry frame, shape (4, 4)
    :param pose_covariance: in the odometry frame, shape (6, 6)
    :param twist: in the base frame, shape (6,): vx, vy, vz [m/s], wx, wy, wz [rad/s]
    :param twist_covariance: in the base frame, shape (6, 6)
    :param lost: whether all of this means nothing at the moment, as its covariances say
    """

    stamp_ns: int
    odom_from_base: Matrix
    pose_covariance: Matrix
    twist: Matrix
    twist_covariance: Matrix
    lost: bool = False


def base_from_optical(mount: MountSettings) -> Matrix:
    """
    Return where the optical frame of a camera sits in the base frame.

    :param mount: position, and rotation as yaw about z, then pitch about y, then roll about x
    :return: shape (4, 4)
    """
    angles = (mount.roll_deg, mount.pitch_deg, mount.yaw_deg)
    roll, pitch, yaw = (
        rotation_matrix(math.radians(angle) * axis)
        for angle, axis in zip(angles, np.eye(3), strict=True)
    )
    matrix = np.eye(4)
    matrix[:3, :3] = yaw @ pitch @ roll @ BODY_FROM_OPTICAL
    matrix[:3, 3] = (mount.x_m, mount.y_m, mount.z_m)
    return matrix


def odometry_in_base(estimate: Estimate, base_from_camera: Matrix) -> BaseOdometry:
    """
    Move the camera's accumulated pose and its last motion to the base frame.

    The camera is taken to sit rigidly on the robot. Where the odometry is lost, it says so: the
    last pose known, no velocity, and covariances of ``LOST_VARIANCE``.

    :param estimate: with pose and covariance of the camera
    :param base_from_camera: shape (4, 4)
    :return: the odometry of the base
    :raises FrameError: the estimate has no pose
    """
    motion, pose, covariance = (
        estimate.motion,
        estimate.odom_from_camera,
        estimate.odom_covariance,
    )
    if pose is None or covariance is None:
        raise FrameError(f'the estimate of stamp {estimate.stamp_ns} ns has no pose')
    camera_from_base = inverse(base_from_camera)
    odom_from_base = orthonormal(base_from_camera @ pose @ camera_from_base)
    if motion is None or not estimate.scale.metric:
        return lost_at(estimate.stamp_ns, odom_from_base)
    step = base_from_camera @ inverse(motion.current_from_previous) @ camera_from_base
    seconds = (motion.current_ns - motion.previous_ns) * 1e-9
    return BaseOdometry(
        stamp_ns=estimate.stamp_ns,
        odom_from_base=odom_from_base,
        pose_covariance=_covariance_of_base(covariance, base_from_camera, odom_from_base),
        twist=constant_twist(step) / seconds,
        twist_covariance=_covariance_of_base(motion.covariance, base_from_camera, step)
        / seconds**2,
    )


def lost_at(stamp_ns: int, odom_from_base: Matrix) -> BaseOdometry:
    """
    Return an odometry that is lost: the place means nothing, and the covariances say so.

    :param stamp_ns: of the moment [ns]
    :param odom_from_base: the last pose known, shape (4, 4)
    """
    unknown = LOST_VARIANCE * np.eye(6)
    return BaseOdometry(stamp_ns, odom_from_base, unknown, np.zeros(6), unknown.copy(), lost=True)


def _covariance_of_base(covariance: Matrix, base_from_camera: Matrix, moved: Matrix) -> Matrix:
    jacobian = error_jacobian(base_from_camera, moved)
    result: Matrix = jacobian @ covariance @ jacobian.T
    return (result + result.T) / 2
