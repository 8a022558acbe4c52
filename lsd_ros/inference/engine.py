"""The engine: one frame in, one estimate out, live or from a bag."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, NotFiniteError
from lsd_ros.foreign.printable import printable
from lsd_ros.inference.backends.base import Backend
from lsd_ros.inference.backends.choice import open_backend
from lsd_ros.inference.body_mask import BodyMask
from lsd_ros.inference.depth_images import NO_CAMERA, DepthImages
from lsd_ros.inference.distortion import DistortionPolicy, RectifiedImage
from lsd_ros.inference.engine_info import EngineInfo
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.ground_watch import GroundWatch
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.network_motion import NetworkMotion
from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.inference.preparing import PreparedNetworks
from lsd_ros.inference.scale.source import Matrix, Observation
from lsd_ros.inference.scale.source_factory import scale_source
from lsd_ros.inference.temporal import TemporalFilter
from lsd_ros.inference.timing import timed
from lsd_ros.models.pose_view import PoseView
from lsd_ros.models.shipped import weights_file
from lsd_ros.models.weights import Weights, read_weights
from lsd_ros.types import Camera, Estimate, Frame, Scale, SeenGround

LOGGER = logging.getLogger(__name__)

BackendOpener = Callable[[EngineSettings, Weights, int, int], Backend]


class Engine:
    """
    Depth and motion from frames; not safe for several threads at once.

    :param settings: everything that can be chosen
    :param weights: networks and their preprocessing
    :param path: where the weights come from, for people
    :param opened: builds what runs the networks
    :param beside: whether networks for images of another size are built beside the running ones,
        and an image that needs them is refused until they are ready; else they are waited for
    :raises BackendError: nothing can run the networks as asked
    """

    def __init__(
        self,
        settings: EngineSettings,
        weights: Weights,
        path: str | Path,
        opened: BackendOpener = open_backend,
        *,
        beside: bool = False,
    ) -> None:
        self._settings = settings
        self._weights = weights
        self._path = str(path)
        self._distortion = DistortionPolicy(settings.distortion)
        self._mask = BodyMask(settings.mask)
        self.odometry_in = OdometryHistory()
        self._odometry = Odometry(settings.odometry, weights.card.motion_noise, self.odometry_in)
        self._scale = scale_source(settings.scale, weights.card, self.odometry_in)
        self._ground = GroundWatch()
        self._depth_images = DepthImages(weights)
        self._temporal = TemporalFilter()
        self._prepared = PreparedNetworks(
            lambda width, height: opened(self._settings, weights, width, height),
            (weights.preprocessing.width, weights.preprocessing.height),
            beside=beside,
        )

    @classmethod
    def load(
        cls,
        settings: EngineSettings,
        *,
        weights_of: Callable[[str | Path], Weights] = read_weights,
        opened: BackendOpener = open_backend,
        beside: bool = False,
    ) -> Engine:
        """
        Load the weights that the settings name, and build what runs them.

        :param weights_of: loads weights
        :param opened: builds what runs them, as :func:`open_backend` does
        :param beside: whether those of another size are built beside them
        :raises WeightsError: the weights cannot be used
        :raises BackendError: nothing can run the networks as asked
        """
        path = weights_file(settings.weights)
        weights = weights_of(path)
        made_for = weights.card.note or 'they do not say what they are for'
        LOGGER.info('%s', printable(f'weights {weights.card.name or path}: {made_for}'))
        return cls(settings, weights, path, opened, beside=beside)

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
            backend=self._prepared.backend.name,
            device=self._prepared.backend.device,
            precision=self._prepared.backend.precision,
            reason=self._prepared.backend.reason,
            network_size=self._prepared.size,
            uncertainty=self._weights.depth_shape.uncertainty,
            motion_noise=card.motion_noise,
            masked=self._mask.share,
            fusion={
                verdict.name.lower(): count for verdict, count in self._odometry.verdicts.items()
            },
        )

    def process(
        self,
        frame: Frame,
        *,
        depth: bool = True,
        motion: bool = True,
        uncertainty: bool = False,
        ground: bool = False,
        base_from_camera: Matrix | None = None,
        inspect: Callable[[NDArray[np.uint8]], None] | None = None,
    ) -> Estimate:
        """
        Estimate depth and motion.

        The networks come first: a source of the scale may look at what they say before it becomes
        metres, and what it needs is computed in any case.

        :param frame: the next one in time
        :param depth: whether depth is wanted; it asks for a calibrated camera
        :param motion: whether motion is wanted; without it the chain of motion is broken
        :param uncertainty: whether the deviation of the depth is wanted, where the weights know it
        :param ground: whether to look for the ground now and then, where the mount is known and
            depth is computed
        :param base_from_camera: where the camera sits on the robot, for the ground, for sources of
            the scale and to fuse another odometry, shape (4, 4); None where it is not known
        :param inspect: shown the image as large as the network will see it, shape (h, w, 3), or as
            it came where that is smaller; may raise, and leave the frame as if it had never been
        :return: with what was wanted; ``motion`` is None until three frames follow each other, and
            until then, and without a metric scale, ``odom_covariance`` says that the pose is lost
        :raises CameraError: depth is wanted and the frame has no camera, or its camera has
            distortion that the settings refuse
        :raises BackendError: the device failed
        :raises PreparingError: the networks for images of this size are still being built
        :raises NotFiniteError: the network gave values that are not finite
        """
        stages: dict[str, float] = {}
        rectified = self._rectified(frame, stages, needs_camera=depth)
        small, small_camera = self._small(frame, rectified, stages, inspect)
        maps, moved = self._networks(
            frame.stamp_ns,
            small,
            small_camera,
            stages,
            depth=depth,
            motion=motion,
            uncertainty=uncertainty,
        )
        seen = Observation(frame.stamp_ns, None, small_camera, moved, base_from_camera)
        scale, found = self._scaled(seen, maps, rectified, stages, ground=ground)
        with timed(stages, 'odometry'):
            parts = self._motion(moved, scale, base_from_camera, wanted=motion)
        if depth and maps is not None:
            maps = self._steadied(maps, small_camera, moved, stages)
            with timed(stages, 'depth map'):
                parts |= self._depth_images.made(
                    maps, rectified, small, small_camera, scale, self._settings
                )
        return Estimate(
            frame.stamp_ns, frame.frame_id, scale, ground=found, stages_s=stages, **parts
        )

    def reduction(self, width: int, height: int) -> int:
        """
        Return by how much a frame may be reduced, 1, 2, 4 or 8, for what is wanted of it.

        :param width: of the whole image [pixels]
        :param height: of the whole image [pixels]
        """
        if self._settings.depth_size == 'camera':
            return 1
        return self._weights.preprocessing.reduction(width, height)

    def apply(self, settings: EngineSettings) -> None:
        """
        Take over settings while running: scale, ranges, sizes, distortion, odometry.

        What asks for other weights or another backend waits for the next engine.
        """
        if settings.distortion != self._settings.distortion:
            self._distortion = DistortionPolicy(settings.distortion)
        self._odometry.settings = settings.odometry
        if settings.scale != self._settings.scale:
            self._scale = scale_source(settings.scale, self._weights.card, self.odometry_in)
        self._settings = settings

    def reset_odometry(self) -> None:
        """Make the next frame the origin of the odometry."""
        self._odometry.reset()

    def reset(self) -> None:
        """Forget all that was learned on the way, as after a jump of time."""
        self._odometry.reset()
        self._scale.reset()
        self._temporal.forget()
        self.odometry_in.clear()

    def close(self) -> None:
        """Let go of the networks and of their memory."""
        self._prepared.close()

    def _rectified(
        self, frame: Frame, stages: dict[str, float], *, needs_camera: bool
    ) -> RectifiedImage:
        with timed(stages, 'rectify'):
            rectified = self._distortion.apply(frame, self._mask.of(*frame.size))
        if needs_camera and rectified.camera is None:
            raise CameraError(NO_CAMERA)
        return rectified

    def _small(
        self,
        frame: Frame,
        rectified: RectifiedImage,
        stages: dict[str, float],
        inspect: Callable[[NDArray[np.uint8]], None] | None,
    ) -> tuple[NDArray[np.uint8], Camera | None]:
        """
        Return the image as the network sees it, and its camera.

        It has been looked at by then, and the networks fit it.
        """
        with timed(stages, 'resize'):
            small, small_camera = self._weights.preprocessing.prepare(
                rectified.image, rectified.camera, whole=frame.size, factor=frame.factor
            )
        if inspect is not None:
            with timed(stages, 'inspect'):
                inspect(self._inspected(frame, rectified, small))
        width, height = frame.size
        self._prepared.fit((small.shape[1], small.shape[0]), f'images of {width} x {height}')
        return small, small_camera

    def _inspected(
        self, frame: Frame, rectified: RectifiedImage, small: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        if rectified.has_rim:  # it is black, and would be the sharpest edge of all
            small, _ = self._weights.preprocessing.prepare(
                frame.image, None, whole=frame.size, factor=frame.factor
            )
        return min(small, frame.image, key=len)

    def _networks(
        self,
        stamp_ns: int,
        small: NDArray[np.uint8],
        small_camera: Camera | None,
        stages: dict[str, float],
        *,
        depth: bool,
        motion: bool,
        uncertainty: bool,
    ) -> tuple[NDArray[np.float32] | None, NetworkMotion | None]:
        """Run the networks that are wanted or needed; return what they say in their own unit."""
        maps = moved = None
        motion |= self._scale.needs_motion or (depth and self._settings.temporal.filter)
        if depth or (self._scale.needs_depth and small_camera is not None):
            with timed(stages, 'depth network'):
                maps = self._disparity(small, uncertainty=uncertainty)
        if motion:
            moved = self._observed(stamp_ns, small, small_camera, stages)
        else:
            self._odometry.pause()
        return maps, moved

    def _observed(
        self,
        stamp_ns: int,
        small: NDArray[np.uint8],
        small_camera: Camera | None,
        stages: dict[str, float],
    ) -> NetworkMotion | None:
        """Return the motion since the frame before, in the network's own unit."""
        stages['pose network'] = 0.0  # the first images are too few to ask it

        def motions(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
            with timed(stages, 'pose network'):
                vectors: NDArray[np.float32] = self._prepared.backend.motions(frames[None])[0]
            return view.vectors(vectors)

        with timed(stages, 'pose input'):
            view = PoseView(small_camera, self._weights.pose_shape.focal_px)
            moved = self._odometry.observe(stamp_ns, view.image(small), motions)
        stages['pose input'] -= stages['pose network']
        return moved

    def _disparity(self, small: NDArray[np.uint8], *, uncertainty: bool) -> NDArray[np.float32]:
        """Return disparity and, where it is wanted and known, its deviation."""
        known: NDArray[np.float32] = self._prepared.backend.disparities(small[None])[0]
        maps = known if uncertainty else known[:1]
        if not np.isfinite(maps).all():
            raise NotFiniteError(
                'the depth network gave values that are not finite: use other weights, or set '
                "precision to 'full'"
            )
        return maps.copy()  # the backend writes over its own

    def _scaled(
        self,
        seen: Observation,
        maps: NDArray[np.float32] | None,
        rectified: RectifiedImage,
        stages: dict[str, float],
        *,
        ground: bool,
    ) -> tuple[Scale, SeenGround | None]:
        """Return the scale of a frame, and the ground where it was looked for and seen."""
        mounted = seen.base_from_camera is not None
        look = ground and mounted and self._ground.is_due(seen.stamp_ns)
        with timed(stages, 'scale'):
            if (look or self._scale.needs_depth) and maps is not None:
                depths = self._weights.depths
                far, near = 1 / depths.max_depth, 1 / depths.min_depth
                inverse_depth = maps[0] * np.float32(near - far) + np.float32(far)
                useless = self._useless_in(rectified, inverse_depth.shape)
                seen = replace(seen, inverse_depth=inverse_depth, useless=useless)
            scale = self._scale.update(seen)
        if not look:
            return scale, None
        with timed(stages, 'ground'):
            known_m = self._settings.scale.camera_height_m
            return scale, self._ground.look(seen, scale, known_m)

    def _steadied(
        self,
        maps: NDArray[np.float32],
        small_camera: Camera | None,
        moved: NetworkMotion | None,
        stages: dict[str, float],
    ) -> NDArray[np.float32]:
        """Compare what the depth network says with the frame before, where that is wanted."""
        wanted = self._settings.temporal
        if not wanted.filter or small_camera is None:
            self._temporal.forget()
            return maps
        with timed(stages, 'temporal filter'):
            depths = self._weights.depths
            far, near = 1 / depths.max_depth, 1 / depths.min_depth
            inverse_depth = maps[0] * np.float32(near - far) + np.float32(far)
            camera = small_camera.resized(maps.shape[2], maps.shape[1])
            motion = None if moved is None else moved.current_from_previous
            steady = self._temporal.steadied(inverse_depth, camera, motion, wanted)
            disparity = (steady - np.float32(far)) / np.float32(near - far)
            return np.stack([np.clip(disparity, 0, 1), *maps[1:]])

    def _useless_in(
        self, rectified: RectifiedImage, shape: tuple[int, ...]
    ) -> NDArray[np.bool_] | None:
        """Return where what the network says means nothing, at the size that it says it in."""
        window = self._weights.preprocessing.window(*rectified.frame.size)
        return rectified.useless.within(window, shape)

    def _motion(
        self,
        moved: NetworkMotion | None,
        scale: Scale,
        base_from_camera: Matrix | None,
        *,
        wanted: bool,
    ) -> dict[str, Any]:
        """Go on by a step; return the parts of an estimate that belong to motion."""
        odometry = self._odometry
        step = None if moved is None else odometry.advance(moved, scale, base_from_camera)
        if not wanted:
            return {}
        return {
            'motion': step,
            'odom_from_camera': odometry.odom_from_camera,
            'odom_covariance': odometry.covariance,
        }
