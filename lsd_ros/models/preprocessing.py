"""
From a camera image to the network's input, and the camera that goes with it.

Its settings are saved inside the weights file, so that training and run time cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.geometry.resize import halved, resize_image, size_in_aspect
from lsd_ros.models.network_settings import SIZE_MULTIPLE
from lsd_ros.settings import setting
from lsd_ros.types import Camera

REDUCTIONS = (8, 4, 2)  # what JPEG can be read smaller by
LEFT = 1.8  # times the network input: less, and grey levels change by more than JPEG changes them


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes network input."""

    width: int = setting(416, 'Width of the network input ([0084])', minimum=SIZE_MULTIPLE)
    height: int = setting(128, 'Height of the network input ([0084])', minimum=SIZE_MULTIPLE)
    fit: str = setting(
        'keep_aspect',
        'How an image of another aspect fits: stretched, cut from the centre, or the network size '
        'changed to about as many pixels in the aspect of the image',
        choices=('stretch', 'crop', 'keep_aspect'),
    )
    colour: str = setting(
        'rgb',
        'What the network sees: colour, or the luminance three times',
        choices=('rgb', 'grey'),
    )
    mean: tuple[float, ...] = setting((0.45, 0.45, 0.45), 'Subtracted from RGB in 0 .. 1')
    std: tuple[float, ...] = setting((0.225, 0.225, 0.225), 'Divides RGB in 0 .. 1 less the mean')

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
        if self.width % SIZE_MULTIPLE or self.height % SIZE_MULTIPLE:
            raise SettingError(
                f'network input of {self.width} x {self.height} must be a multiple of '
                f'{SIZE_MULTIPLE} both ways'
            )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise SettingError(
                f'mean {self.mean} and std {self.std} must be three numbers each, std positive'
            )

    def network_size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the network input for an image of another size."""
        if self.fit != 'keep_aspect':
            return self.width, self.height
        return size_in_aspect(self.width * self.height, width, height, SIZE_MULTIPLE)

    def window(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return (left, top, width, height) of the part of the image that the network sees."""
        if self.fit != 'crop':
            return 0, 0, width, height
        columns, rows = width, height
        if width * self.height > height * self.width:
            columns = max(1, round(height * self.width / self.height))
        else:
            rows = max(1, round(width * self.height / self.width))
        return (width - columns) // 2, (height - rows) // 2, columns, rows

    def reduction(self, width: int, height: int) -> int:
        """Return by how much an image may be read smaller for what the network sees of it."""
        _, _, columns, rows = self.window(width, height)
        wide, high = self.network_size(width, height)
        spare = min(columns / wide, rows / high) / LEFT
        return next((factor for factor in REDUCTIONS if factor <= spare), 1)

    def prepare(
        self,
        image: NDArray[np.uint8],
        camera: Camera | None,
        *,
        whole: tuple[int, int] | None = None,
        factor: int = 1,
    ) -> tuple[NDArray[np.uint8], Camera | None]:
        """
        Cut and resize an image, and its camera with it.

        What is large enough is halved first: it takes half the time, and changes grey levels by
        less than one in the mean.

        :param image: rectified RGB, shape (H, W, 3), uint8
        :param camera: of that image, or of the whole one, without distortion
        :param whole: (width, height) of the image before it was reduced; None: it was not
        :param factor: that it was reduced by
        :return: shape (h, w, 3), uint8, of the network size, and its camera
        """
        width, height = whole or (image.shape[1], image.shape[0])
        left, top, columns, rows = self.window(width, height)
        size = self.network_size(width, height)
        enough = self.reduction(width, height)
        while factor < enough:
            image, factor = halved(image), 2 * factor
        if factor == 1:
            small = resize_image(image[top : top + rows, left : left + columns], *size)
        else:
            window = left / factor, top / factor, columns / factor, rows / factor
            small = resize_image(image, *size, window)
        if camera is None:
            return small, None
        return small, camera.cropped(left, top, columns, rows).resized(*size)
