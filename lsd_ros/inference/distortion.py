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

Mask = NDArray[np.bool_]
Window = tuple[int, int, int, int]


class Useless:
    """
    Where there is no depth to be had; the same for every image of a camera.

    :param unseen: where the lens has not looked, shape (H, W); None: everything was seen
    :param masked: where the robot itself is, shape (H, W); None: nowhere
    """

    def __init__(self, unseen: Mask | None, masked: Mask | None) -> None:
        self.unseen = unseen
        if unseen is None or masked is None:
            self._where = masked if unseen is None else unseen
        else:
            self._where = unseen | masked
        self._within: dict[tuple[Window, tuple[int, ...]], Mask] = {}

    @property
    def where(self) -> Mask | None:
        """Return where, shape (H, W); None: nowhere."""
        return self._where

    def within(self, window: Window, shape: tuple[int, ...]) -> Mask | None:
        """
        Return where there is no depth to be had in a window, at another size; None: nowhere.

        :param window: (left, top, width, height) [pixels]
        :param shape: (height, width) of the result, which is not to be written to
        """
        if self._where is None:
            return None
        if (window, shape) not in self._within:
            left, top, width, height = window
            part = self._where[top : top + height, left : left + width].astype(np.float32)
            # a pixel that is partly unseen is not to be trusted
            small = cv2.resize(part, shape[::-1], interpolation=cv2.INTER_AREA)
            self._within[window, shape] = np.asarray(small) > 0
        return self._within[window, shape]


@dataclass(frozen=True)
class RectifiedImage:
    """
    An image without distortion.

    :param image: RGB, shape (H, W, 3), uint8; reduced as its frame is
    :param camera: of the whole image, without distortion; None where it is not known
    :param useless: where there is no depth to be had
    :param frame: what it was made of
    """

    image: NDArray[np.uint8]
    camera: Camera | None
    useless: Useless
    frame: Frame

    @property
    def has_rim(self) -> bool:
        """Return whether there is a black rim that the lens has not seen."""
        return self.useless.unseen is not None


@dataclass(frozen=True)
class _Lens:
    """
    What is the same for all images of a camera with distortion.

    :param camera: of the image as the camera gives it
    :param factor: that its images are reduced by
    :param whole: of the image as the camera gives it
    :param reduced: of the image as it is read
    :param useless: in the whole rectified image
    :param masked: where the robot itself was said to be, before rectification
    """

    camera: Camera
    factor: int
    whole: Rectifier
    reduced: Rectifier
    useless: Useless
    masked: Mask | None

    @classmethod
    def of(cls, camera: Camera, factor: int, masked: Mask | None) -> _Lens:
        whole = Rectifier(camera)
        reduced = whole if factor == 1 else Rectifier(camera.reduced(factor))
        unseen = ~whole.valid
        moved = None if masked is None else whole.rectify(masked.astype(np.uint8)) > 0
        useless = Useless(unseen if unseen.any() else None, moved)
        return cls(camera, factor, whole, reduced, useless, masked)

    def is_of(self, camera: Camera, factor: int, masked: Mask | None) -> bool:
        return (self.camera, self.factor) == (camera, factor) and self.masked is masked


class DistortionPolicy:
    """
    Applies one choice to every frame; the maps of the last camera are kept.

    :param choice: ``refuse``, ``undistort`` or ``rectified``
    """

    def __init__(self, choice: str) -> None:
        self._choice = choice
        self._lens: _Lens | None = None
        self._useless = Useless(None, None)

    def apply(self, frame: Frame, masked: Mask | None = None) -> RectifiedImage:
        """
        Return the image as a pinhole camera would have seen it.

        :param masked: where the robot itself is in the frame, shape (H, W), the same array as long
            as nothing changes; None: nowhere
        :raises CameraError: there is distortion and it is to be refused
        """
        camera = frame.camera
        if camera is not None and camera.distortion is not None:
            return self._without_distortion(frame, camera, masked)
        if camera is not None:
            rectified = self._choice == 'rectified'
            camera = camera.rectified_twin() if rectified else camera.without_twin()
        return RectifiedImage(frame.image, camera, self._masked(masked), frame)

    def _without_distortion(
        self, frame: Frame, camera: Camera, masked: Mask | None
    ) -> RectifiedImage:
        if self._choice == 'refuse':
            assert camera.distortion is not None
            raise CameraError(
                f'camera of frame {frame.frame_id!r} has {camera.distortion.model} distortion '
                f"{camera.distortion.coefficients}: set distortion to 'undistort', or to "
                "'rectified' where the images are rectified already"
            )
        if self._choice == 'rectified':
            return RectifiedImage(
                frame.image, camera.rectified_twin(), self._masked(masked), frame
            )
        lens = self._lens
        if lens is None or not lens.is_of(camera, frame.factor, masked):
            lens = self._lens = _Lens.of(camera, frame.factor, masked)
        image = lens.reduced.rectify(contiguous(frame.image))
        return RectifiedImage(image, lens.whole.camera, lens.useless, frame)

    def _masked(self, masked: Mask | None) -> Useless:
        if self._useless.where is not masked:
            self._useless = Useless(None, masked)
        return self._useless
