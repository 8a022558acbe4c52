"""From depth to the points that a robot must not touch, each in one array operation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError
from lsd_ros.inference.obstacles.rays import Plane, Rays
from lsd_ros.inference.obstacles.settings import EVERY_HEIGHT, PointsSettings
from lsd_ros.inference.obstacles.trust import Trust
from lsd_ros.types import Camera, Cloud, Estimate

Matrix = NDArray[np.float64]
UP_FROM_OPTICAL = np.array([0.0, -1.0, 0.0, 0.0])  # y of an optical frame looks down


class CloudBuilder:
    """
    Builds clouds with the same settings; the rays of the last camera are kept.

    :param settings: what to keep, and how
    :param trust: which depth to believe in, where it is shared with a scan
    """

    def __init__(self, settings: PointsSettings, trust: Trust | None = None) -> None:
        self.settings = settings
        self._trust = trust or Trust(settings)
        self._camera: Camera | None = None
        self._rays: Rays | None = None

    def build(self, estimate: Estimate, base_from_camera: Matrix | None = None) -> Cloud:
        """
        Turn the depth of an estimate into points in the frame of its camera.

        :param estimate: with depth
        :param base_from_camera: what heights are measured by, shape (4, 4); None: heights are
            above the camera, against its y axis
        :return: organised as the (decimated) image, or one row of the valid points
        :raises FrameError: the estimate has no depth
        """
        depth = self._trust.believed(estimate).depth
        image, camera = estimate.image, estimate.camera
        if image is None or camera is None:
            raise FrameError('a cloud needs an estimate with its image and its camera')
        rays = self._rays_of(camera)
        keep = self._kept(depth, rays, base_from_camera)
        if self.settings.decimation > 1:
            # only of what is kept: the ground before a pole must not stand for both
            nearest = nearest_pixels(np.where(keep, depth, np.nan), self.settings.decimation)
            depth, image, rays = depth[nearest], image[nearest], rays.at(nearest)
            keep = keep[nearest]
        planes = [rays.x * depth, rays.y * depth, depth]
        if self.settings.rgb:
            planes.append(rgb_bits(image))
        points = np.asarray(cv2.merge(planes), np.float32)
        complete = bool(keep.all())
        if self.settings.organised:
            points[~keep, :3] = np.nan
            return Cloud(estimate.stamp_ns, estimate.frame_id, points, dense=complete)
        listed = points.reshape(1, -1, points.shape[2]) if complete else points[keep][None]
        return Cloud(estimate.stamp_ns, estimate.frame_id, listed, dense=True)

    def _rays_of(self, camera: Camera) -> Rays:
        if self._rays is None or camera != self._camera:
            self._camera, self._rays = camera, Rays.of(camera)
        return self._rays

    def _kept(
        self, depth: Plane, rays: Rays, base_from_camera: Matrix | None
    ) -> NDArray[np.bool_]:
        """Return which points are valid, in range and in the height band."""
        wanted = self.settings
        distance = depth * rays.length
        # false for NaN, and for both infinities
        keep = (depth > 0) & (distance <= np.float32(wanted.max_range_m))
        if wanted.min_range_m:
            keep &= distance >= np.float32(wanted.min_range_m)
        if (wanted.min_height_m, wanted.max_height_m) == EVERY_HEIGHT:
            return keep
        up = UP_FROM_OPTICAL if base_from_camera is None else base_from_camera[2]
        x, y, z, offset = up.astype(np.float32)
        with np.errstate(invalid='ignore'):  # an infinite depth times zero
            height = depth * (x * rays.x + y * rays.y + z) + offset
        low, high = np.float32(wanted.min_height_m), np.float32(wanted.max_height_m)
        keep &= (height >= low) & (height <= high)
        return keep


def nearest_pixels(depth: Plane, size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """
    Pick the nearest valid pixel of every cell, so that a thin obstacle is never lost.

    Rows and columns that do not fill a cell make smaller cells at the lower and right border.

    :param depth: shape (H, W), float32
    :param size: width and height of a cell [pixels]
    :return: rows and columns of the chosen pixels, each of shape (ceil(H / size), ceil(W / size))
    """
    height, width = depth.shape
    rows, columns = -(-height // size), -(-width // size)
    padded = np.full((rows * size, columns * size), np.inf, dtype=np.float32)
    padded[:height, :width] = np.where(depth > 0, depth, np.inf)
    cells = (
        padded.reshape(rows, size, columns, size).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    )
    best = cells.argmin(axis=2)  # the first pixel of a cell without any valid one
    chosen_rows = np.arange(rows)[:, None] * size + best // size
    chosen_columns = np.arange(columns)[None, :] * size + best % size
    return chosen_rows, chosen_columns


def rgb_bits(image: NDArray[np.uint8]) -> Plane:
    """
    Pack colours as PCL and rviz read them: the bits of the integer 0x00RRGGBB as a float.

    :param image: RGB, shape (H, W, 3), uint8
    :return: shape (H, W), float32
    """
    red, green, blue = cv2.split(image)
    packed = cv2.merge([blue, green, red, np.zeros_like(red)])
    bits: Plane = packed.view(np.dtype('<f4'))[..., 0]
    return bits
