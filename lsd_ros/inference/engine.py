"""The engine: one frame in, one estimate out, live or from a bag."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.inference.backends.base import Backend
from lsd_ros.inference.backends.choice import open_backend
from lsd_ros.inference.depth_map import depth_map, uncertainty_map
from lsd_ros.inference.distortion import DistortionPolicy, RectifiedImage
from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.inference.scale import scale_of
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.models.checkpoint import SHIPPED, Weights, load_weights
from lsd_ros.types import Camera, Estimate, Frame, Scale

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineInfo:
    """
    What runs, and what with.

    :param weights: path of the weights file
    :param name: name that the weights give themselves
    :param trained: False: depth and motion mean nothing
    :param metric: whether the weights themselves are metric
    :param licence: what the training data asks of whoever uses the weights; empty: nothing
    :param backend: ``openvino``, ``onnxruntime`` or ``torch``
    :param device: ``cpu``, or ``cuda`` with the name of the card
    :param network_size: (width, height) that the backend is built for
    :param uncertainty: whether the weights know how far their depth may be off
    """

    weights: str
    name: str
    trained: bool
    metric: bool
    licence: str
    backend: str
    device: str
    network_size: tuple[int, int]
    uncertainty: bool = False


class Engine:
    """
    Depth and motion from frames; not safe for several threads at once.

    :param settings: everything that can be chosen
    :param weights: networks and their preprocessing
    :param path: where the weights come from, for people
    :raises BackendError: nothing can run the networks as asked
    """

    def __init__(self, settings: EngineSettings, weights: Weights, path: str | Path) -> None:
        self._settings = settings
        self._weights = weights
        self._path = str(path)
        self._distortion = DistortionPolicy(settings.distortion)
        self._odometry = Odometry(settings.odometry)
        self._network_size = (weights.preprocessing.width, weights.preprocessing.height)
        self._backend = self._built_backend()

    @classmethod
    def load(cls, settings: EngineSettings) -> Engine:
        """
        Load the weights that the settings name, and build what runs them.

        :raises WeightsError: the weights cannot be used
        :raises BackendError: nothing can run the networks as asked
        """
        path = settings.weights or SHIPPED
        weights = load_weights(path)
        if weights.card.licence:
            LOGGER.info('licence of weights %s: %s', weights.card.name, weights.card.licence)
        return cls(settings, weights, path)

    @property
    def info(self) -> EngineInfo:
        """Return what runs at this moment."""
        card = self._weights.card
        return EngineInfo(
            weights=self._path,
            name=card.name,
            trained=card.trained,
            metric=card.metric,
            licence=card.licence,
            backend=self._backend.name,
            device=self._backend.device,
            network_size=self._network_size,
            uncertainty=self._weights.depth.shape.uncertainty,
        )

    def process(
        self, frame: Frame, *, depth: bool = True, motion: bool = True, uncertainty: bool = False
    ) -> Estimate:
        """
        Estimate depth and motion.

        :param frame: the next one in time
        :param depth: whether depth is wanted; it asks for a calibrated camera
        :param motion: whether motion is wanted; without it the chain of motion is broken
        :param uncertainty: whether the deviation of the depth is wanted, where the weights know it
        :return: with what was wanted; ``motion`` is None until three frames follow each other
        :raises CameraError: depth is wanted and the frame has no camera, or its camera has
            distortion that the settings refuse
        :raises BackendError: the device failed
        :raises FrameError: the network gave values that are not finite
        """
        stages: dict[str, float] = {}
        scale = scale_of(self._settings.scale, self._weights.card)
        parts: dict[str, Any] = {}
        with _timed(stages, 'rectify'):
            rectified = self._distortion.apply(frame)
        with _timed(stages, 'resize'):
            small, small_camera = self._weights.preprocessing.prepare(
                rectified.image, rectified.camera
            )
        self._fit_backend(small)
        if depth:
            with _timed(stages, 'depth network'):
                maps = self._disparity(small, uncertainty=uncertainty)
            with _timed(stages, 'depth map'):
                parts.update(self._depth(maps, rectified, small, small_camera, scale))
        if motion:
            with _timed(stages, 'pose network'):
                parts.update(self._motion(frame.stamp_ns, small, scale))
        else:
            self._odometry.pause()
        return Estimate(frame.stamp_ns, frame.frame_id, scale, stages_s=stages, **parts)

    def apply(self, settings: EngineSettings) -> None:
        """
        Take over settings while running: scale, ranges, sizes, distortion, odometry.

        What asks for other weights or another backend waits for the next engine.
        """
        if settings.distortion != self._settings.distortion:
            self._distortion = DistortionPolicy(settings.distortion)
        self._odometry.settings = settings.odometry
        self._settings = settings

    def reset_odometry(self) -> None:
        """Make the next frame the origin of the odometry."""
        self._odometry.reset()

    def close(self) -> None:
        """Let go of the networks and of their memory."""
        del self._backend

    def _built_backend(self) -> Backend:
        started = time.perf_counter()
        backend = open_backend(self._settings, self._weights, *self._network_size)
        LOGGER.info(
            'network of %d x %d runs in %s on %s, ready after %.1f s',
            *self._network_size,
            backend.name,
            backend.device,
            time.perf_counter() - started,
        )
        return backend

    def _fit_backend(self, small: NDArray[np.uint8]) -> None:
        size = (small.shape[1], small.shape[0])
        if size != self._network_size:
            self._network_size = size
            self._backend = self._built_backend()

    def _disparity(self, small: NDArray[np.uint8], *, uncertainty: bool) -> NDArray[np.float32]:
        """Return disparity and, where it is wanted and known, its deviation."""
        maps = self._backend.disparity(small)
        maps = maps if uncertainty else maps[:1]
        if not np.isfinite(maps).all():
            raise FrameError(
                'the depth network gave values that are not finite: use other weights, or set '
                "precision to 'full'"
            )
        return maps.copy()  # the backend writes over its own

    def _depth(
        self,
        maps: NDArray[np.float32],
        rectified: RectifiedImage,
        small: NDArray[np.uint8],
        small_camera: Camera | None,
        scale: Scale,
    ) -> dict[str, Any]:
        """Return the parts of an estimate that belong to depth."""
        camera = rectified.camera
        if camera is None or small_camera is None:
            raise CameraError('depth needs a camera: publish camera info, or give a calibration')
        full = self._settings.depth_size == 'camera'
        left, top, width, height = self._weights.preprocessing.window(camera.width, camera.height)
        depth = depth_map(
            maps[0],
            (width, height) if full else (small_camera.width, small_camera.height),
            self._weights.depths,
            factor=scale.factor,
            min_depth_m=self._settings.min_depth_m,
            max_depth_m=self._settings.max_depth_m,
        )
        images = {'depth': depth}
        if len(maps) > 1:
            factor = self._weights.card.uncertainty_factor
            images['uncertainty'] = uncertainty_map(maps[1], depth, factor=factor)
        if not full:
            unseen = rectified.unseen_in((left, top, width, height), depth.shape)
            image, camera = small, small_camera
        else:
            images = {name: _placed(part, left, top, camera) for name, part in images.items()}
            image, unseen = rectified.image, rectified.unseen
        if unseen is not None:
            for part in images.values():
                part[unseen] = np.nan
        return {'camera': camera, 'image': image, 'disparity': maps[0], **images}

    def _motion(self, stamp_ns: int, small: NDArray[np.uint8], scale: Scale) -> dict[str, Any]:
        """Return the parts of an estimate that belong to motion."""
        odometry = self._odometry
        motion = odometry.update(stamp_ns, small, self._backend.motions, scale.factor)
        if motion is None:
            return {}
        return {
            'motion': motion,
            'odom_from_camera': odometry.odom_from_camera,
            'odom_covariance': odometry.covariance,
        }


def _placed(part: NDArray[np.float32], left: int, top: int, camera: Camera) -> NDArray[np.float32]:
    """Put what a window shows into the whole image; what the network does not see is NaN."""
    height, width = part.shape
    if (width, height) == (camera.width, camera.height):
        return part
    whole = np.full((camera.height, camera.width), np.nan, dtype=np.float32)
    whole[top : top + height, left : left + width] = part
    return whole


@contextmanager
def _timed(stages: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    stages[name] = time.perf_counter() - started
