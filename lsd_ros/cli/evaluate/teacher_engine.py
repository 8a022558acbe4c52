"""A teacher in the place of an engine, so that it is judged as its students are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lsd_ros.errors import CameraError
from lsd_ros.inference.depth_map import depth_map
from lsd_ros.inference.engine_info import EngineInfo
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.inference.scale.constant_scale import checkpoint_scale
from lsd_ros.inference.scale.source import Observation
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.pose_view import PoseView
from lsd_ros.models.weights import WeightsCard
from lsd_ros.training.trained_teacher import Taught, read_teacher
from lsd_ros.types import Estimate, Frame, Scale

FINEST = 0


class TeacherEngine:
    """
    Depth and motion of a teacher's training; slow, and as large as the camera image.

    :param run: folder of the training
    :param settings: ranges and odometry
    :param read: reads the training
    :raises TrainingError: it is no teacher's, or has no whole checkpoint
    """

    def __init__(
        self,
        run: Path,
        settings: EngineSettings,
        read: Callable[[Path], Taught] = read_teacher,
    ) -> None:
        self._taught = read(run)
        self._settings = settings
        self._preprocessing = self._taught.wanted.preprocessing
        self._normalise = Normalise(self._preprocessing)
        self._odometry = Odometry(settings.odometry)
        card = _card(self._taught)
        self._scale = checkpoint_scale(settings.scale, card)
        self.info = EngineInfo(
            weights=str(run),
            name=card.name,
            trained=card.trained,
            metric=card.metric,
            licence=card.licence,
            backend='torch',
            device='cpu',
            network_size=(self._preprocessing.width, self._preprocessing.height),
        )

    def process(
        self, frame: Frame, *, depth: bool = True, motion: bool = True, uncertainty: bool = False
    ) -> Estimate:
        """
        Estimate depth and motion; see :meth:`lsd_ros.inference.engine.Engine.process`.

        A teacher knows nothing of its uncertainty.

        :raises CameraError: depth is wanted and the network does not see the whole image
        """
        small, camera = self._preprocessing.prepare(frame.image, frame.camera)
        scale = self._scale.update(Observation(frame.stamp_ns, camera=camera))
        parts: dict[str, Any] = {}
        if depth:
            parts = {
                'camera': frame.camera,
                'image': frame.image,
                'depth': self._depth(small, frame, scale),
            }
        if motion:
            view = PoseView(camera, self._taught.wanted.pose.focal_px)
            moved = self._odometry.update(
                frame.stamp_ns,
                view.image(small),
                lambda frames: view.vectors(self._motions(frames)),
                scale,
            )
            if moved is not None:
                parts |= {'motion': moved, 'odom_from_camera': self._odometry.odom_from_camera}
        return Estimate(frame.stamp_ns, frame.frame_id, scale, **parts)

    def reset_odometry(self) -> None:
        """Make the next frame the origin of the odometry."""
        self._odometry.reset()

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _depth(self, small: NDArray[np.uint8], frame: Frame, scale: Scale) -> NDArray[np.float32]:
        height, width = frame.image.shape[:2]
        if self._preprocessing.window(width, height) != (0, 0, width, height):
            raise CameraError(
                "input.fit_at_use is 'crop', which leaves parts of the image without depth: "
                "train with 'keep_aspect' or 'stretch'"
            )
        with torch.inference_mode():
            disparity = self._taught.network(self._normalise(torch.from_numpy(small)[None]))
        return depth_map(
            disparity[FINEST][0, 0].numpy(),
            (width, height),
            self._taught.wanted.input.depths,
            factor=scale.factor,
            min_depth_m=self._settings.min_depth_m,
            max_depth_m=self._settings.max_depth_m,
        )

    def _motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            planes = self._normalise(torch.from_numpy(frames))
            motions = self._taught.pose(planes.flatten(0, 1)[None])[0]
        return np.asarray(motions.numpy(), np.float32)


def _card(taught: Taught) -> WeightsCard:
    """Return what a teacher's weights would say of themselves."""
    name = f'teacher of {taught.step} steps'
    return WeightsCard(name=name, trained=True, **taught.wanted.learned_metres)
