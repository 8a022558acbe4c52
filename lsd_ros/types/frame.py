"""Images as they go in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.types.camera import Camera


@dataclass(frozen=True)
class Reduction:
    """
    What an image was before it was read at a smaller size.

    A pixel stands for ``factor`` pixels each way, the last ones of a row or column for what is
    left: the image begins where it began, and may end a part of a pixel later.

    :param width: of the whole image [pixels]
    :param height: of the whole image [pixels]
    :param factor: 2 or more
    :param whole: reads all of it, RGB, shape (height, width, 3)
    """

    width: int
    height: int
    factor: int
    whole: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True)
class Frame:
    """
    One image of a camera.

    :param stamp_ns: time of exposure [ns]
    :param frame_id: optical frame of the camera
    :param image: RGB, shape (H, W, 3), uint8
    :param camera: of exactly this image, or of the whole one; None while it is not known
    :param reduction: None: ``image`` is all that the camera gave
    :raises FrameError: the image has another shape or type
    :raises CameraError: the camera is of another size than the image
    """

    stamp_ns: int
    frame_id: str
    image: NDArray[np.uint8]
    camera: Camera | None = None
    reduction: Reduction | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Return (width, height) of the image as the camera gave it [pixels]."""
        if self.reduction is not None:
            return self.reduction.width, self.reduction.height
        return self.image.shape[1], self.image.shape[0]

    @property
    def factor(self) -> int:
        """Return how many pixels of the camera a pixel stands for, each way."""
        return 1 if self.reduction is None else self.reduction.factor

    @property
    def whole(self) -> NDArray[np.uint8]:
        """Return the image as the camera gave it; one that was reduced is read again."""
        return self.image if self.reduction is None else self.reduction.whole()

    def __post_init__(self) -> None:
        """Check shape, type and camera size."""
        check_image(self.image)
        width, height = self.size
        expected = -(-height // self.factor), -(-width // self.factor)
        if self.image.shape[:2] != expected:
            raise FrameError(
                f'image of {self.image.shape} must be {expected}: it is {width} x {height} '
                f'reduced by {self.factor}'
            )
        if self.camera is not None and (self.camera.width, self.camera.height) != (width, height):
            raise CameraError(
                f'camera of {self.camera.width} x {self.camera.height} does not fit '
                f'an image of {width} x {height}: give the calibration of this image size'
            )


def check_image(image: NDArray[Any]) -> None:
    """
    Check that an image is RGB, shape (H, W, 3), uint8, and not empty.

    :raises FrameError: it is not
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise FrameError(
            f'image of {image.shape}, {image.dtype} must be RGB: (height, width, 3), uint8'
        )
