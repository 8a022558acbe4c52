"""Between which depths the ray of every pixel may meet an obstacle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError
from lsd_ros.inference.obstacles.obstacle_settings import ScanSettings
from lsd_ros.inference.obstacles.rays import Rays
from lsd_ros.types import Camera

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """
    The band of heights in which things are obstacles, as every pixel sees it.

    Height and distance along a ray are affine in its depth: whatever limits a point in space is a
    limit of depth, which depends on the camera and its mount alone.

    :param forward: x of the ray at depth 1 in the base frame, shape (H, W)
    :param left: y of the ray at depth 1 in the base frame, shape (H, W)
    :param near: depth from which on the ray is in the band [m], shape (H, W)
    :param far: depth until which it is, infinite where it never leaves it [m], shape (H, W)
    :param place: x, y of the camera in the base frame [m]
    """

    forward: Array
    left: Array
    near: Array
    far: Array
    place: tuple[float, float]

    @classmethod
    def of(cls, camera: Camera, base_from_camera: Array, wanted: ScanSettings) -> Band:
        """
        Look at the band from a mount.

        A depth that is too short by the share e lifts ground that is seen from a height h by e h;
        a mount that is tilted wrongly by an angle a lifts it by tan(a) times its distance.
        """
        rays = Rays.of(camera)
        directions = np.stack((rays.x, rays.y, np.ones_like(rays.x)), axis=-1, dtype=np.float64)
        forward, left, up = np.moveaxis(directions @ base_from_camera[:3, :3].T, -1, 0)
        x, y, height = (float(value) for value in base_from_camera[:3, 3])
        lifted = -wanted.ground_depth_error * np.minimum(up, 0)
        tilted = math.tan(math.radians(wanted.ground_slope_deg)) * np.hypot(forward, left)
        near, far = depths_between(
            height, up, wanted.min_height_m, wanted.max_height_m, lifted + tilted
        )
        return cls(forward, left, near, far, (x, y))

    @property
    def level(self) -> Array:
        """Return the length of every ray at depth 1, seen from above, shape (H, W)."""
        return np.hypot(self.forward, self.left)

    def ranges(self, depth: Array) -> Array:
        """Return how far from the base points of some depth are, seen from above [m]."""
        with np.errstate(invalid='ignore'):  # an infinite depth of a ray straight down
            x = self.place[0] + depth * self.forward
            y = self.place[1] + depth * self.left
        return np.asarray(np.hypot(x, y))

    def depth_at(self, range_m: float) -> Array:
        """
        Return the depth at which every ray leaves a circle around the base.

        :param range_m: radius of the circle
        :raises CameraError: the camera is outside of the circle
        """
        x, y = self.place
        inside = range_m**2 - x * x - y * y
        if inside <= 0:
            raise CameraError(
                f'the camera is {math.hypot(x, y):.2f} m from the base and scan.max_range_m is '
                f'{range_m:.2f}: the range must go beyond the camera'
            )
        square = np.maximum(self.forward**2 + self.left**2, 1e-12)
        along = x * self.forward + y * self.left
        return np.asarray((np.sqrt(along**2 + square * inside) - along) / square)


def depths_between(
    height: float, up: Array, low: float, high: float, rising: Array | float = 0.0
) -> tuple[Array, Array]:
    """
    Return from which to which depth a ray is between two heights; nowhere: far <= near.

    :param height: where the rays begin [m]
    :param up: how much they rise at depth 1, shape (H, W)
    :param low: lower height, where the rays begin [m]
    :param high: upper height [m]
    :param rising: how much the lower height rises along them at depth 1, shape (H, W)
    """
    above = _positive(height - low, up - rising)
    below = _positive(high - height, -up)
    return np.maximum(above[0], below[0]), np.minimum(above[1], below[1])


def _positive(start: float, slope: Array) -> tuple[Array, Array]:
    """Return from which to which depth ``start + slope depth`` is positive; empty: far <= near."""
    with np.errstate(divide='ignore', invalid='ignore'):
        root = -start / slope
    rises, falls = slope > 0, slope < 0
    near = np.where(rises, np.maximum(root, 0), 0.0)
    level = np.inf if start > 0 else 0.0
    return near, np.where(falls, np.maximum(root, 0), np.where(rises, np.inf, level))
