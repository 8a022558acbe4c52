"""Random window of images, mirrored and rolled ([0082]): the same for all frames of a snippet."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.stereo import mirrored
from lsd_ros.errors import SettingError
from lsd_ros.geometry.resize import resize_image
from lsd_ros.training.data.augmentation import AugmentationSettings
from lsd_ros.types import Camera

_FURTHEST_ROLL_DEG = 45.0


@dataclass(frozen=True)
class Window:
    """
    Part of an image, and the size that it becomes.

    A roll is about the centre of the part. That is a turn of the camera about its optical axis,
    which moves the principal point: pixels are as good as square, and depth along the axis stays.

    :param left: first column, before the roll [pixels]
    :param top: first row, before the roll [pixels]
    :param columns: width of the part [pixels]
    :param rows: height of the part [pixels]
    :param size: (width, height) of the result [pixels]
    :param flip: whether the result is mirrored left to right, after the roll
    :param roll_rad: turn of the part in the image, from x to y, clockwise as one looks at it
    """

    left: int
    top: int
    columns: int
    rows: int
    size: tuple[int, int]
    flip: bool = False
    roll_rad: float = 0.0

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut, resize and mirror an image, shape (H, W, 3) to (height, width, 3)."""
        small = resize_image(self._part(image, cv2.INTER_LINEAR), *self.size)
        return np.ascontiguousarray(small[:, ::-1]) if self.flip else small

    def depth(self, depth: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
        """
        Cut, resize and mirror depth; every value is one that was there.

        :param depth: of the whole image, of any size
        :param width: of the image that the window is a part of [pixels]
        :param height: of that image [pixels]
        :return: shape (height, width) of the window's size
        """
        whole: NDArray[Any] = depth
        if depth.shape != (height, width):
            whole = cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST)
        part = self._part(whole, cv2.INTER_NEAREST)
        small = cv2.resize(part, self.size, interpolation=cv2.INTER_NEAREST)
        return np.ascontiguousarray(small[:, ::-1] if self.flip else small)

    def camera(self, camera: Camera) -> Camera:
        """
        Return the camera of the result.

        :raises CameraError: the window leaves the image, or the image is distorted
        """
        if self.roll_rad:
            cut = self._rolled(camera)
        else:
            cut = camera.cropped(self.left, self.top, self.columns, self.rows)
        small = cut.resized(*self.size)
        return small.flipped() if self.flip else small

    def motions(self, motions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return motions between frames as they are in the result, shape (..., 4, 4)."""
        if self.roll_rad:
            roll = np.eye(4, dtype=np.float32)
            roll[:2, :2] = self._from_rolled
            motions = np.asarray(roll.T @ motions @ roll, np.float32)
        return mirrored(motions) if self.flip else motions

    def _rolled(self, camera: Camera) -> Camera:
        """Return the camera of the part; its upright rectangle may leave the image."""
        offset = np.array((camera.cx - self.left, camera.cy - self.top)) - self._middle
        cx, cy = (self._from_rolled.T @ offset + self._middle).tolist()
        return dataclasses.replace(
            camera, width=self.columns, height=self.rows, cx=cx, cy=cy, rectified=None
        )

    @property
    def _middle(self) -> NDArray[np.float64]:
        """Centre of the part in the part [pixels]."""
        return np.array((self.columns, self.rows)) / 2 - 0.5

    @property
    def _from_rolled(self) -> NDArray[np.float64]:
        """Offsets from the centre of the part, in the image, from those in the result."""
        cosine, sine = math.cos(self.roll_rad), math.sin(self.roll_rad)
        return np.array(((cosine, -sine), (sine, cosine)))

    def _part(self, image: NDArray[Any], interpolation: int) -> NDArray[Any]:
        if not self.roll_rad:
            return image[self.top : self.top + self.rows, self.left : self.left + self.columns]
        turn = self._from_rolled
        shift = np.array((self.left, self.top)) + self._middle - turn @ self._middle
        return cv2.warpAffine(
            image,
            np.column_stack((turn, shift)),
            (self.columns, self.rows),
            flags=interpolation | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def largest_window(width: int, height: int, size: tuple[int, int], fit: str) -> tuple[int, int]:
    """
    Return (columns, rows) of the largest part of an image that becomes the size.

    :param fit: ``crop``: of the same aspect; ``stretch``: the whole image
    :raises SettingError: fit is neither
    """
    if fit == 'stretch':
        return width, height
    if fit != 'crop':
        raise SettingError(f"fit is {fit!r}: choose 'crop' or 'stretch'")
    if width * size[1] > height * size[0]:
        return max(1, round(height * size[0] / size[1])), height
    return width, max(1, round(width * size[1] / size[0]))


def central_window(width: int, height: int, size: tuple[int, int], fit: str) -> Window:
    """Return the largest window, in the centre."""
    columns, rows = largest_window(width, height, size, fit)
    return Window((width - columns) // 2, (height - rows) // 2, columns, rows, size)


def random_window(
    rng: np.random.Generator,
    width: int,
    height: int,
    size: tuple[int, int],
    fit: str,
    given: AugmentationSettings,
) -> Window:
    """Draw a window of a random scale at a random place, flipped, rolled or not."""
    scale = float(rng.uniform(given.min_scale, 1.0))
    roll_rad = 0.0
    if given.roll_deg:
        roll_deg = np.clip(rng.normal(0, given.roll_deg), -_FURTHEST_ROLL_DEG, _FURTHEST_ROLL_DEG)
        roll_rad = math.radians(roll_deg)
    columns, rows = largest_window(width, height, size, fit)
    # what the rolled window takes of the image, upright around it
    wide, high = _around(columns * scale, rows * scale, roll_rad)
    scale *= min(1.0, width / wide, height / high)
    columns, rows = max(1, round(columns * scale)), max(1, round(rows * scale))
    wide, high = _around(columns, rows, roll_rad)
    left = _drawn_start(rng, wide, width) + (wide - columns) // 2
    top = _drawn_start(rng, high, height) + (high - rows) // 2
    return Window(left, top, columns, rows, size, bool(rng.random() < given.flip), roll_rad)


def _around(columns: float, rows: float, roll_rad: float) -> tuple[int, int]:
    """Return (width, height) of the upright rectangle around one that is rolled."""
    cosine, sine = abs(math.cos(roll_rad)), abs(math.sin(roll_rad))
    wide, high = columns * cosine + rows * sine, columns * sine + rows * cosine
    return max(1, round(wide)), max(1, round(high))


def _drawn_start(rng: np.random.Generator, length: int, whole: int) -> int:
    return int(rng.integers(0, max(0, whole - length) + 1))
