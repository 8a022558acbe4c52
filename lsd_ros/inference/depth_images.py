"""From what the depth network says of a window to images of depth of the size that is wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.geometry.resize import contiguous
from lsd_ros.inference.depth_map import depth_map, uncertainty_map
from lsd_ros.inference.distortion import RectifiedImage
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.weights import Weights
from lsd_ros.types import Camera, Scale

NO_CAMERA = 'depth needs a camera: publish camera info, or give a calibration'


class DepthImages:
    """
    Makes the parts of an estimate that belong to depth.

    :param weights: whose network said it
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def made(
        self,
        maps: NDArray[np.float32],
        rectified: RectifiedImage,
        small: NDArray[np.uint8],
        small_camera: Camera | None,
        scale: Scale,
        settings: EngineSettings,
    ) -> dict[str, Any]:
        """
        Make depth, its uncertainty where it is known, and what belongs to them.

        :param maps: disparity and, where it is known, its deviation, shape (1 or 2, h, w)
        :param rectified: the whole image
        :param small: as the network sees it, shape (h, w, 3)
        :param small_camera: of ``small``
        :return: arguments of :class:`lsd_ros.types.Estimate`
        :raises CameraError: the camera is not known
        :raises FrameError: depth of the camera's size is wanted and the image was reduced
        """
        camera = rectified.camera
        if camera is None or small_camera is None:
            raise CameraError(NO_CAMERA)
        full = settings.depth_size == 'camera'
        if full and rectified.frame.factor > 1:
            raise FrameError(
                f'the image was read smaller, by {rectified.frame.factor}, and depth_size is '
                "'camera': read it whole, or set depth_size to 'network'"
            )
        left, top, width, height = self._weights.preprocessing.window(camera.width, camera.height)
        depth = depth_map(
            maps[0],
            (width, height) if full else (small_camera.width, small_camera.height),
            self._weights.depths,
            factor=scale.factor,
            min_depth_m=settings.min_depth_m,
            max_depth_m=settings.max_depth_m,
        )
        images = {'depth': depth}
        if len(maps) > 1:
            factor = self._weights.card.uncertainty_factor
            images['uncertainty'] = uncertainty_map(maps[1], depth, factor=factor)
        if not full:
            unseen = rectified.useless.within((left, top, width, height), depth.shape)
            image, camera = small, small_camera
        else:
            images = {name: _placed(part, left, top, camera) for name, part in images.items()}
            image, unseen = contiguous(rectified.image), rectified.useless.where
        if unseen is not None:
            for part in images.values():
                part[unseen] = np.nan
        return {'camera': camera, 'image': image, 'disparity': maps[0], **images}


def _placed(part: NDArray[np.float32], left: int, top: int, camera: Camera) -> NDArray[np.float32]:
    """Put what a window shows into the whole image; what the network does not see is NaN."""
    height, width = part.shape
    if (width, height) == (camera.width, camera.height):
        return part
    whole = np.full((camera.height, camera.width), np.nan, dtype=np.float32)
    whole[top : top + height, left : left + width] = part
    return whole
