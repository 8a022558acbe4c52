"""Where the floor is missing: what is seen past the place where the floor ought to be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.obstacles.obstacle_settings import DropOffSettings, ScanSettings
from lsd_ros.inference.obstacles.rays import Plane, Rays
from lsd_ros.types import Camera

Matrix = NDArray[np.float64]
RAISED_M = 0.1  # above the band's lower end, so that whoever listens takes it for an obstacle
STILL = 1e-3


@dataclass(frozen=True)
class Missing:
    """
    Where floor is missing in a frame.

    :param where: shape (H, W)
    :param floor: depth at which the ray of each pixel meets the floor that ought to be there [m],
        shape (H, W), float32; infinite where it never does
    """

    where: NDArray[np.bool_]
    floor: Plane


@dataclass(frozen=True)
class _View:
    camera: Camera
    place: Matrix
    floor: Plane
    limit: Plane
    raised: tuple[Plane, Plane, Plane]


class DropOff:
    """
    Finds the edges of stairs, platforms and holes.

    A ray that meets the floor of the mount at some depth, and is seen to go on until it is clearly
    below it, shows that the floor is missing there. Ground that falls, and depth that is too long,
    is allowed for as the scan allows for the contrary.

    :param wanted: how deep a hole must be
    :param scan: what ground may be wrong by, and the band of obstacles
    """

    def __init__(self, wanted: DropOffSettings, scan: ScanSettings) -> None:
        self._wanted = wanted
        self._scan = scan
        self._view: _View | None = None

    @property
    def is_wanted(self) -> bool:
        """Return whether missing floor is looked for."""
        return self._wanted.min_depth_m > 0

    def find(self, depth: Plane, camera: Camera, base_from_camera: Matrix) -> Missing | None:
        """
        Find where floor is missing.

        :param depth: shape (H, W), float32; NaN tells nothing, +Inf is far below
        :param camera: of that depth
        :param base_from_camera: the mount, the floor at z = 0, shape (4, 4)
        :return: None where it is not looked for, or nowhere
        """
        if not self.is_wanted:
            return None
        view = self._view_of(camera, base_from_camera)
        beyond = (depth >= view.limit).astype(np.uint8)  # false for NaN and -Inf
        # one pixel alone is noise
        where = cv2.erode(beyond, np.ones((3, 3), np.uint8), borderValue=1) > 0
        return Missing(np.asarray(where), view.floor) if where.any() else None

    def judged(self, camera: Camera, base_from_camera: Matrix) -> NDArray[np.bool_] | None:
        """Return where missing floor is looked for, shape (H, W); None: nowhere."""
        if not self.is_wanted:
            return None
        return np.isfinite(self._view_of(camera, base_from_camera).limit)

    def raised(self, camera: Camera, base_from_camera: Matrix) -> tuple[Plane, Plane, Plane]:
        """
        Return where to put a point for each pixel whose floor is missing.

        It is above that place, as high as an obstacle is at least.

        :return: x, y, z in the frame of the camera, each of shape (H, W), float32 [m]
        """
        return self._view_of(camera, base_from_camera).raised

    def _view_of(self, camera: Camera, place: Matrix) -> _View:
        view = self._view
        if view is None or view.camera != camera or np.abs(view.place - place).max() >= STILL:
            view = self._view = self._made(camera, place)
        return view

    def _made(self, camera: Camera, place: Matrix) -> _View:
        rays = Rays.of(camera)
        directions = np.stack((rays.x, rays.y, np.ones_like(rays.x)), axis=-1, dtype=np.float64)
        forward, left, up = np.moveaxis(directions @ place[:3, :3].T, -1, 0)
        height = float(place[2, 3])
        falling = np.maximum(-up, 1e-9)
        floor = np.where((up < 0) & (height > 0), height / falling, np.inf)
        slope = math.tan(math.radians(self._scan.ground_slope_deg)) * np.hypot(forward, left)
        steep = falling * (1 - self._scan.ground_depth_error) - slope
        x, y = place[0, 3] + floor * forward, place[1, 3] + floor * left
        with np.errstate(invalid='ignore'):
            near = np.hypot(x, y) <= self._wanted.max_range_m  # false for NaN
        judged = np.isfinite(floor) & (steep > 0) & near
        deep = (height + self._wanted.min_depth_m) / np.where(judged, steep, 1.0)
        limit = np.where(judged, deep, np.nan)
        raised_m = np.full_like(floor, self._scan.min_height_m + RAISED_M)
        points = np.stack([x, y, raised_m], axis=-1) - place[:3, 3]
        points = np.where(judged[..., None], points, np.nan) @ place[:3, :3]
        planes = tuple(np.ascontiguousarray(p, np.float32) for p in np.moveaxis(points, -1, 0))
        limit, floor = limit.astype(np.float32), floor.astype(np.float32)
        return _View(camera, place.copy(), floor, limit, (planes[0], planes[1], planes[2]))
