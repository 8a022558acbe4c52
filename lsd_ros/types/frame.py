"""Images as they go in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.types.camera import Camera


@dataclass(frozen=True)
class Frame:
    """
    One image of a camera.

    :param stamp_ns: time of exposure [ns]
    :param frame_id: optical frame of the camera
    :param image: RGB, shape (H, W, 3), uint8
    :param camera: of exactly this image; None while it is not known
    :raises FrameError: the image has another shape or type
    :raises CameraError: the camera is of another size than the image
    """

    stamp_ns: int
    frame_id: str
    image: NDArray[np.uint8]
    camera: Camera | None = None

    def __post_init__(self) -> None:
        """Check shape, type and camera size."""
        check_image(self.image)
        height, width = self.image.shape[:2]
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
