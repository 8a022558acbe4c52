"""Frames as training wants them: undistorted, no wider than asked for, grey where asked for."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import DatasetError
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.geometry.undistortion import Undistorter
from lsd_ros.types import Camera, Frame


class Prepared(NamedTuple):
    """
    A frame ready to be written.

    :param frame: with the camera of the written image, without distortion
    :param world_from_camera: shape (4, 4); None where unknown
    """

    frame: Frame
    world_from_camera: NDArray[np.float64] | None


class FramePreparation:
    """
    Prepares the frames of one source; maps are computed once per camera.

    :param rectified: whether images are rectified although their camera has a distortion
    """

    def __init__(self, given: ExtractionSettings, *, rectified: bool) -> None:
        self._given = given
        self._rectified = rectified
        self._undistorters: dict[Camera, Undistorter] = {}

    def frame(self, frame: Frame, pose: NDArray[np.float64] | None) -> Prepared:
        """
        Prepare a frame and its pose.

        :raises DatasetError: the frame has no camera
        :raises CameraError: its calibration cannot be right
        """
        if frame.camera is None:
            raise DatasetError(
                'the images have no calibration: record the camera info, or give the calibration '
                'file of the camera'
            )
        image, camera = frame.image, frame.camera
        if self._rectified:
            camera = camera.rectified_twin()
        elif camera.distortion is not None:
            undistorter = self._undistorter(camera)
            image, camera = undistorter.image(image), undistorter.camera
            pose = None if pose is None else pose @ undistorter.camera_from_rectified
        camera = camera.without_twin()
        image, camera = self._narrowed(image, camera)
        if self._given.colour == 'grey':
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
        return Prepared(dataclasses.replace(frame, image=image, camera=camera), pose)

    def depth(
        self, depth: NDArray[np.float32], source: Camera, made: Camera
    ) -> NDArray[np.float32]:
        """
        Prepare depth like the image that it is registered to; values are picked, not mixed.

        :param source: camera of the image as it came
        :param made: camera of the prepared image
        """
        if source.distortion is not None and not self._rectified:
            depth = self._undistorter(source).depth(depth)
        height, width = depth.shape
        rows = ((np.arange(made.height) + 0.5) * height / made.height).astype(int)
        columns = ((np.arange(made.width) + 0.5) * width / made.width).astype(int)
        return np.asarray(depth[rows[:, None], columns], np.float32)

    def _undistorter(self, camera: Camera) -> Undistorter:
        if camera not in self._undistorters:
            self._undistorters[camera] = Undistorter(camera)
        return self._undistorters[camera]

    def _narrowed(
        self, image: NDArray[np.uint8], camera: Camera
    ) -> tuple[NDArray[np.uint8], Camera]:
        width = self._given.max_width
        if not width or camera.width <= width:
            return image, camera
        from lsd_ros.geometry.resize import resize_image  # loads torch

        height = max(1, round(camera.height * width / camera.width))
        return resize_image(image, width, height), camera.resized(width, height)
