"""What the engine does about lens distortion: refuse it, undo it, or take it as undone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError
from lsd_ros.geometry.rectification import Rectifier
from lsd_ros.geometry.resize import contiguous
from lsd_ros.types import Camera, Frame


@dataclass(frozen=True)
class RectifiedImage:
    """
    An image without distortion.

    :param image: RGB, shape (H, W, 3), uint8
    :param camera: without distortion; None where it is not known
    :param unseen: where the lens has not looked, shape (H, W); None: everything was seen
    :param masked: where the robot itself is, shape (H, W); None: nowhere
    """

    image: NDArray[np.uint8]
    camera: Camera | None
    unseen: NDArray[np.bool_] | None = None
    masked: NDArray[np.bool_] | None = None

    @property
    def useless(self) -> NDArray[np.bool_] | None:
        """Return where there is no depth to be had, shape (H, W); None: nowhere."""
        if self.unseen is None or self.masked is None:
            return self.masked if self.unseen is None else self.unseen
        return self.unseen | self.masked

    def useless_in(
        self, window: tuple[int, int, int, int], shape: tuple[int, ...]
    ) -> NDArray[np.bool_] | None:
        """
        Return where there is no depth to be had in a window, at another size.

        :param window: (left, top, width, height) [pixels]
        :param shape: (height, width) of the result
        """
        useless = self.useless
        if useless is None:
            return None
        left, top, width, height = window
        part = useless[top : top + height, left : left + width].astype(np.float32)
        # a pixel that is partly unseen is not to be trusted
        return np.asarray(cv2.resize(part, shape[::-1], interpolation=cv2.INTER_AREA)) > 0


class DistortionPolicy:
    """
    Applies one choice to every frame; the maps of the last camera are kept.

    :param choice: ``refuse``, ``undistort`` or ``rectified``
    """

    def __init__(self, choice: str) -> None:
        self._choice = choice
        self._camera: Camera | None = None
        self._rectifier: Rectifier | None = None

    def apply(self, frame: Frame, masked: NDArray[np.bool_] | None = None) -> RectifiedImage:
        """
        Return the image as a pinhole camera would have seen it.

        :param masked: where the robot itself is in the frame, shape (H, W); None: nowhere
        :raises CameraError: there is distortion and it is to be refused
        """
        camera = frame.camera
        if camera is None:
            return RectifiedImage(frame.image, camera, masked=masked)
        if camera.distortion is None:
            rectified = self._choice == 'rectified'
            only = camera.rectified_twin() if rectified else camera.without_twin()
            return RectifiedImage(frame.image, only, masked=masked)
        if self._choice == 'refuse':
            raise CameraError(
                f'camera of frame {frame.frame_id!r} has {camera.distortion.model} distortion '
                f"{camera.distortion.coefficients}: set distortion to 'undistort', or to "
                "'rectified' where the images are rectified already"
            )
        if self._rectifier is None or self._camera != camera:
            self._camera, self._rectifier = camera, Rectifier(camera)
        if self._choice == 'rectified':
            return RectifiedImage(frame.image, self._rectifier.camera, masked=masked)
        unseen = ~self._rectifier.valid
        return RectifiedImage(
            self._rectifier.rectify(contiguous(frame.image)),
            self._rectifier.camera,
            unseen if unseen.any() else None,
            None if masked is None else self._rectifier.rectify(masked.astype(np.uint8)) > 0,
        )
