"""Undistortion: from the image of a real lens to that of its rectified pinhole twin."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.types import Camera, Distortion


class Rectifier:
    """
    Rectifies the images of one camera; its maps are computed once.

    :param camera: of the distorted image
    :raises CameraError: the camera has no distortion
    """

    def __init__(self, camera: Camera) -> None:
        if camera.distortion is None:
            raise CameraError('this camera has no distortion: its image is rectified already')
        fx, fy, cx, cy = camera.distortion.rectified
        self._camera = Camera(camera.width, camera.height, fx, fy, cx, cy)
        self._maps = _maps(camera, camera.distortion, self._camera)
        everywhere = np.full((camera.height, camera.width), 255, np.uint8)
        self._valid: NDArray[np.bool_] = self._remapped(everywhere) == 255

    @property
    def camera(self) -> Camera:
        """Return the camera of the rectified image: of the same size, without distortion."""
        return self._camera

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Return which rectified pixels the lens has seen, shape (H, W); the others are black."""
        return self._valid

    def rectify(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """
        Rectify an image, bilinearly.

        :param image: shape (H, W) or (H, W, channels), of the camera's size
        :return: the same shape, black where the lens has not seen
        :raises FrameError: the image is of another size
        """
        self._check_size(image)
        return self._remapped(image)

    def rectify_depth(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Rectify depth by its nearest pixels: a mean over an edge is the depth of nothing.

        :param depth: shape (H, W), of the camera's size [m]
        :return: the same shape, NaN where the lens has not seen
        :raises FrameError: the depth is of another size
        """
        self._check_size(depth)
        maps = cv2.convertMaps(*self._maps, cv2.CV_32FC1)  # those of fixed point round down
        nearest = cv2.remap(
            depth, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan
        )
        return np.asarray(nearest, np.float32)

    def _check_size(self, image: NDArray[Any]) -> None:
        if image.shape[:2] != self._valid.shape:
            raise FrameError(
                f'image of {image.shape[1]} x {image.shape[0]} does not fit the camera of '
                f'{self._camera.width} x {self._camera.height}: give the calibration of this size'
            )

    def _remapped(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(cv2.remap(image, *self._maps, cv2.INTER_LINEAR), np.uint8)


def _maps(
    camera: Camera, lens: Distortion, rectified: Camera
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return fixed-point maps (CV_16SC2): remapping with them is faster than with floats."""
    fisheye = lens.model == 'equidistant'
    build: Any = cv2.fisheye.initUndistortRectifyMap if fisheye else cv2.initUndistortRectifyMap
    columns, rows = build(
        camera.matrix,
        np.array(lens.coefficients),
        np.array(lens.rectification).reshape(3, 3),
        rectified.matrix,
        (camera.width, camera.height),
        cv2.CV_16SC2,
    )
    return columns, rows
