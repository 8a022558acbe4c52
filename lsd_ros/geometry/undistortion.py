"""Images of a real lens as those of a pinhole camera, cut so that no border stays black."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError
from lsd_ros.geometry.rectification import Rectifier
from lsd_ros.types import Camera

_COARSE_COLUMNS = 320


class Undistorter:
    """
    Undistorts images and depth, and cuts them to the largest window that the lens has seen.

    :param camera: of the distorted images
    :raises CameraError: the camera has no distortion, or its lens sees next to nothing
    """

    def __init__(self, camera: Camera) -> None:
        """Compute the maps and the window."""
        self._rectifier = Rectifier(camera)
        left, top, width, height = largest_window(self._rectifier.valid)
        if width < camera.width // 8 or height < camera.height // 8:
            raise CameraError(
                f'undistorting leaves {width} x {height} of {camera.width} x {camera.height} '
                'pixels: the calibration does not fit its lens'
            )
        self._window = np.s_[top : top + height, left : left + width]
        self.camera = self._rectifier.camera.cropped(left, top, width, height)
        assert camera.distortion is not None  # the rectifier has refused it
        self.camera_from_rectified = np.eye(4)
        rotation = np.array(camera.distortion.rectification).reshape(3, 3)
        self.camera_from_rectified[:3, :3] = rotation.T
        self._axis_share = _axis_share(self.camera, rotation)

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """
        Undistort an image.

        :param image: shape (H, W, 3)
        :return: shape (h, w, 3), of :attr:`camera`
        :raises FrameError: the image is of another size
        """
        return np.ascontiguousarray(self._rectifier.rectify(image)[self._window])

    def depth(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Undistort depth that is registered to the image, without mixing neighbours.

        :param depth: shape (H, W), float32 [m]
        :return: shape (h, w), of :attr:`camera`
        :raises FrameError: the depth is of another size
        """
        along_old_axis = self._rectifier.rectify_depth(depth)[self._window]
        return np.asarray(along_old_axis / self._axis_share, np.float32)


def largest_window(valid: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """
    Find the largest rectangle in which everything is valid.

    It is found on blocks of pixels, and then grown pixel by pixel.

    :param valid: shape (H, W)
    :return: left, top, width, height
    """
    block = -(-valid.shape[1] // _COARSE_COLUMNS)
    rows, columns = valid.shape[0] // block, valid.shape[1] // block
    blocks = valid[: rows * block, : columns * block].reshape(rows, block, columns, block)
    all_valid = np.asarray(blocks.all(axis=(1, 3)), np.bool_)
    left, top, right, bottom = (block * edge for edge in _largest_box(all_valid))
    while top > 0 and valid[top - 1, left:right].all():
        top -= 1
    while bottom < valid.shape[0] and valid[bottom, left:right].all():
        bottom += 1
    while left > 0 and valid[top:bottom, left - 1].all():
        left -= 1
    while right < valid.shape[1] and valid[top:bottom, right].all():
        right += 1
    return left, top, right - left, bottom - top


def _axis_share(camera: Camera, rotation: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what a step along the new optical axis is along the old one, for every pixel."""
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    old_z_of_new = rotation.T[2]
    share = old_z_of_new[0] * x + old_z_of_new[1] * y[:, None] + old_z_of_new[2]
    return np.asarray(share, np.float32)


def _largest_box(valid: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Find the largest box by the histogram of each row: (left, top, right, bottom)."""
    best, area = (0, 0, 0, 0), 0
    heights = np.zeros(valid.shape[1], np.intp)
    for row, seen in enumerate(valid):
        heights = np.where(seen, heights + 1, 0)
        rising: list[tuple[int, int]] = []  # (left edge, height), heights increasing
        for column, height in enumerate([*heights.tolist(), 0]):
            left = column
            while rising and rising[-1][1] >= height:
                left, tall = rising.pop()
                if tall * (column - left) > area:
                    area = tall * (column - left)
                    best = (left, row + 1 - tall, column, row + 1)
            rising.append((left, height))
    return best
