"""Motions and trajectories."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError

_IDENTITY = np.eye(3)
_LAST_ROW = np.array([0.0, 0.0, 0.0, 1.0])


@dataclass(frozen=True)
class RelativePose:
    """
    The motion of one camera between two stamps.

    :param current_from_previous: shape (4, 4), takes points of the previous camera to the current
    :param previous_ns: stamp of the previous frame [ns]
    :param current_ns: stamp of the current frame [ns], later than the previous one
    :param covariance: of the motion, in the previous camera, shape (6, 6)
    :raises FrameError: the matrix is not a finite rigid motion, or time does not move forward
    """

    current_from_previous: NDArray[np.float64]
    previous_ns: int
    current_ns: int
    covariance: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check that the matrix is rigid and that time moves forward."""
        check_rigid(self.current_from_previous[None], 'relative pose')
        check_covariance(self.covariance, 'relative pose')
        if self.current_ns <= self.previous_ns:
            raise FrameError(
                f'motion from {self.previous_ns} to {self.current_ns} ns must move forward in time'
            )


@dataclass(frozen=True)
class MotionNoise:
    """
    How wrong the motions of a pose network are, one standard deviation each.

    Measured against true motions at one frame rate. What a network sees changes slowly, so its
    errors do too: without the memories the error of many steps would look far too small. The
    defaults are those of an unknown network, which is not trusted much.

    :param along: of a translation along its direction, as a share of its length
    :param across: of a translation across its direction, as a share of its length
    :param along_floor: along its direction whatever its length, added in squares [network units]
    :param across_floor: the same across its direction [network units]
    :param rotation_deg: of the rotation of one step, about x, y and z of the camera [deg]
    :param translation_memory_s: after which the correlation of errors has fallen to 1 / e [s]; 0:
        independent
    :param rotation_memory_s: the same, about x, y and z of the camera [s]
    :raises FrameError: one of them is not a finite number, or negative
    """

    along: float = 0.3
    across: float = 0.05
    along_floor: float = 2e-3
    across_floor: float = 2e-3
    rotation_deg: tuple[float, float, float] = (0.5, 0.5, 0.5)
    translation_memory_s: float = 2.0
    rotation_memory_s: tuple[float, float, float] = (2.0, 2.0, 2.0)

    def __post_init__(self) -> None:
        """Check every value."""
        shares = (self.along, self.across, self.along_floor, self.across_floor)
        values = (*shares, *self.rotation_deg, self.translation_memory_s, *self.rotation_memory_s)
        if len(values) != 11 or not all(0 <= value < math.inf for value in values):
            raise FrameError(
                f'noise of motion {values} must be seven finite numbers, none negative'
            )


@dataclass(frozen=True)
class BasePose:
    """
    Where another source (wheels, an IMU, SLAM) says that the robot is (nav_msgs/Odometry).

    :param stamp_ns: of the measurement [ns]
    :param odom_from_base: pose of the base in the frame of that source, shape (4, 4)
    :param twist_covariance: of the velocity, in the base frame, shape (6, 6) [m^2/s^2, rad^2/s^2];
        None where the source does not say
    :raises FrameError: the pose is not a finite rigid motion, or the covariance is not finite
    """

    stamp_ns: int
    odom_from_base: NDArray[np.float64]
    twist_covariance: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check that the pose is rigid."""
        check_rigid(self.odom_from_base[None], 'pose of the base')
        if self.twist_covariance is not None:
            check_covariance(self.twist_covariance, 'velocity of the base')


@dataclass(frozen=True)
class Trajectory:
    """
    Poses of one camera over time.

    :param stamps_ns: strictly increasing, shape (N,), int64
    :param world_from_camera: shape (N, 4, 4), float64
    :raises FrameError: the lengths differ, stamps do not increase, or a pose is not rigid
    """

    stamps_ns: NDArray[np.int64]
    world_from_camera: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check lengths, order and poses."""
        if self.world_from_camera.shape != (len(self.stamps_ns), 4, 4):
            raise FrameError(
                f'{len(self.stamps_ns)} stamps do not fit poses of shape '
                f'{self.world_from_camera.shape}: one 4 x 4 pose per stamp'
            )
        if np.any(self.stamps_ns[1:] <= self.stamps_ns[:-1]):  # a difference may overflow
            raise FrameError('stamps of a trajectory must strictly increase: sort them first')
        check_rigid(self.world_from_camera, 'pose of a trajectory')

    def __len__(self) -> int:
        """Return the number of poses."""
        return len(self.stamps_ns)


def check_rigid(matrices: NDArray[np.float64], what: str) -> None:
    """
    Check that matrices of shape (N, 4, 4) are finite rigid motions.

    :raises FrameError: one is not
    """
    if matrices.shape[-2:] != (4, 4):
        raise FrameError(f'{what} of shape {matrices.shape} must be 4 x 4')
    if not np.isfinite(matrices).all():
        raise FrameError(f'{what} has values that are not finite')
    if not rotation_error(matrices[:, :3, :3]) <= 1e-4:
        raise FrameError(f'{what} is not a rotation and a translation')
    if (matrices[:, 3] != _LAST_ROW).any():
        raise FrameError(f'{what} must end with the row 0 0 0 1')


def rotation_error(matrices: NDArray[np.float64]) -> float:
    """
    Return the largest number of R R^T - 1 over matrices of shape (N, 3, 3).

    It is infinite where one mirrors, and may be NaN where numbers overflow.
    """
    with np.errstate(over='ignore', invalid='ignore'):
        error = np.abs(matrices @ matrices.transpose(0, 2, 1) - _IDENTITY).max(initial=0)
        mirrors = np.linalg.det(matrices).min(initial=1) < 0
    return math.inf if mirrors else float(error)


def check_covariance(covariance: NDArray[np.float64], what: str) -> None:
    """
    Check that a covariance is finite and of shape (6, 6).

    :raises FrameError: it is not
    """
    if covariance.shape != (6, 6) or not np.all(np.isfinite(covariance)):
        raise FrameError(f'covariance of a {what} must be 6 x 6 and finite')
