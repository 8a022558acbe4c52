"""What a robot must not touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError


@dataclass(frozen=True)
class Cloud:
    """
    Points seen by a camera, packed as sensor_msgs/PointCloud2 wants them.

    :param stamp_ns: of the image that they were seen in [ns]
    :param frame_id: frame of the coordinates
    :param points: shape (rows, columns, 3 or 4), float32, contiguous: x, y, z [m] and, where there
        are 4, the bits of the integer 0x00RRGGBB; invalid points are NaN; a list has one row
    :param dense: whether every point is valid
    :raises FrameError: the array has another shape or type
    """

    stamp_ns: int
    frame_id: str
    points: NDArray[np.float32]
    dense: bool

    def __post_init__(self) -> None:
        """Check shape and type."""
        if self.points.ndim != 3 or self.points.shape[2] not in (3, 4):
            raise FrameError(
                f'points of shape {self.points.shape} must be (rows, columns, 3 or 4)'
            )
        if self.points.dtype != np.float32 or not self.points.flags.c_contiguous:
            raise FrameError(f'points of type {self.points.dtype} must be contiguous float32')

    @property
    def has_rgb(self) -> bool:
        """Return whether the points carry colour."""
        return bool(self.points.shape[2] == 4)


@dataclass(frozen=True)
class Scan:
    """
    The nearest obstacle per bearing (sensor_msgs/LaserScan).

    :param stamp_ns: of the image that it was seen in [ns]
    :param frame_id: frame of the bearings, x forward and z up
    :param ranges: shape (N,), float32 [m]; -Inf nearer than the range, +Inf seen and free up to
        the end of the range, NaN not seen (REP-117)
    :param angle_min: bearing of the first range, counter-clockwise from x [rad]
    :param angle_increment: between two bearings [rad]
    :param range_min: nearest range that can be told [m]
    :param range_max: farthest range that can be told [m]
    :raises FrameError: the ranges have another shape or type, or the limits do not fit each other
    """

    stamp_ns: int
    frame_id: str
    ranges: NDArray[np.float32]
    angle_min: float
    angle_increment: float
    range_min: float
    range_max: float

    def __post_init__(self) -> None:
        """Check shape, type and limits."""
        if self.ranges.ndim != 1 or not self.ranges.size or self.ranges.dtype != np.float32:
            raise FrameError(
                f'ranges of {self.ranges.shape}, {self.ranges.dtype} must be (N,), float32'
            )
        if self.angle_increment <= 0 or not 0 <= self.range_min < self.range_max:
            raise FrameError(
                f'a scan with increment {self.angle_increment} rad and range {self.range_min} to '
                f'{self.range_max} m must have a positive increment and a range that grows'
            )

    @property
    def angle_max(self) -> float:
        """Return the bearing of the last range [rad]."""
        return self.angle_min + (len(self.ranges) - 1) * self.angle_increment
