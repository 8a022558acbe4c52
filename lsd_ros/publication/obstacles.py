"""What a robot stops for, topic by topic: a message, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError, LsdError
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.obstacles.depth_filter import DepthFilter
from lsd_ros.inference.obstacles.drop_off import DropOff
from lsd_ros.inference.obstacles.obstacle_settings import (
    EVERY_HEIGHT,
    DropOffSettings,
    PointsSettings,
    ScanSettings,
)
from lsd_ros.inference.obstacles.scan import ScanBuilder
from lsd_ros.inference.timing import timed
from lsd_ros.messages import encode
from lsd_ros.messages.types import MessageTypes
from lsd_ros.publication import topics
from lsd_ros.publication.judging import Judgement
from lsd_ros.types import Cloud, Estimate, Scan

LEAST_BELIEVED = 0.1  # share of the depth; with less, silence is safer than a few points

Matrix = NDArray[np.float64]
_Wanted = tuple[PointsSettings, ScanSettings, DropOffSettings, float]
Heard = Callable[[str], bool]


def everybody(topic: str) -> bool:
    """Say that somebody listens to every topic."""
    return True


@dataclass(frozen=True)
class Said:
    """
    What becomes of a topic.

    :param topic: relative name
    :param message: None: the topic is silent
    :param problem: why it is silent, in one sentence; empty where it is not
    """

    topic: str
    message: Any = None
    problem: str = ''


@dataclass(frozen=True)
class Builders:
    """What makes obstacles, for as long as its settings stay the same."""

    settings: _Wanted
    trust: DepthFilter
    cloud: CloudBuilder
    scan: ScanBuilder

    @classmethod
    def of(cls, settings: EngineSettings) -> Builders:
        """Make them anew; cloud and scan share what they believe in."""
        trust = DepthFilter(settings.points)
        drop_off = DropOff(settings.drop_off, settings.scan)
        return cls(
            _of_builders(settings),
            trust,
            CloudBuilder(settings.points, trust, drop_off),
            ScanBuilder(settings.scan, trust, settings.max_depth_m, drop_off),
        )

    def check(self, estimate: Estimate) -> None:
        """
        Check that enough is believed for what is missing to be free; unsure is not free.

        :raises FrameError: it is not
        """
        limit = self.trust.settings.max_uncertainty
        if limit == 0 or estimate.uncertainty is None:
            return
        believed = np.isfinite(self.trust.believed(estimate).depth)
        share = believed.sum() / max(int(estimate.valid.sum()), 1)
        if share < LEAST_BELIEVED:
            raise FrameError(
                f'only {share:.0%} of the depth is as certain as points.max_uncertainty {limit} '
                'asks for: raise it, or train on images like these'
            )


class ObstaclePolicy:
    """
    Says of every obstacle topic what it may carry.

    :param types: family of message classes
    :param base_frame: frame of the scan
    """

    def __init__(self, types: MessageTypes, base_frame: str) -> None:
        self._types = types
        self._base_frame = base_frame
        self._builders: Builders | None = None

    def said(
        self,
        judgement: Judgement,
        settings: EngineSettings,
        heard: Heard = everybody,
    ) -> Iterator[Said]:
        """
        Make what may be said, topic by topic; what cannot be made does not keep back the rest.

        :param heard: whether anybody listens to a topic; others are not made
        """
        estimate = judgement.estimate
        if estimate.depth is None or not judgement.obstacles:
            return
        for topic in filter(heard, topics.OBSTACLES):
            try:
                message = self._made(topic, judgement, self._builders_of(settings), settings)
            except LsdError as error:
                yield Said(topic, problem=str(error))
            else:
                yield Said(topic, message)

    def _made(
        self, topic: str, judgement: Judgement, builders: Builders, settings: EngineSettings
    ) -> Any:
        estimate, stages, place = judgement.estimate, judgement.stages_s, judgement.place
        make: Callable[[], Any]
        if topic == topics.POINTS:
            with timed(stages, 'cloud'):
                cloud = self._cloud(builders, estimate, place)
            make = partial(encode.point_cloud, self._types, cloud)
        elif topic == topics.SCAN:
            with timed(stages, 'scan'):
                scan = self._scan(builders, estimate, place)
            make = partial(encode.laser_scan, self._types, scan)
        elif topic == topics.CAMERA_INFO:
            make = partial(self._camera_info, estimate)
        elif topic == topics.DEPTH:
            make = partial(encode.depth_image, self._types, estimate, settings.depth_encoding)
        else:
            make = partial(encode.uncertainty_image, self._types, estimate)
        with timed(stages, 'messages'):
            return make()

    def _camera_info(self, estimate: Estimate) -> Any:
        if estimate.camera is None:
            raise CameraError('the camera of the depth is not known')
        stamp_ns, frame_id = estimate.stamp_ns, estimate.frame_id
        return encode.camera_info(self._types, estimate.camera, stamp_ns, frame_id)

    def _cloud(self, builders: Builders, estimate: Estimate, place: Matrix | None) -> Cloud:
        builders.check(estimate)
        wanted = builders.cloud.settings
        if place is None and (wanted.min_height_m, wanted.max_height_m) != EVERY_HEIGHT:
            raise CameraError(nowhere(self._base_frame, estimate.frame_id))
        return builders.cloud.build(estimate, place)

    def _scan(self, builders: Builders, estimate: Estimate, place: Matrix | None) -> Scan:
        builders.check(estimate)
        if place is None:
            raise CameraError(nowhere(self._base_frame, estimate.frame_id))
        if not estimate.scale.metric:
            raise FrameError('depth is not metric, and other heights mean nothing')
        return builders.scan.build(estimate, place, self._base_frame)

    def _builders_of(self, settings: EngineSettings) -> Builders:
        if self._builders is None or self._builders.settings != _of_builders(settings):
            self._builders = Builders.of(settings)
        return self._builders


def nowhere(base_frame: str, frame_id: str) -> str:
    """Return what to say where the place of a camera is wanted and not known."""
    return (
        f'nobody says where the camera sits: publish the transform from {base_frame} to '
        f'{frame_id}, or set the mount.* parameters'
    )


def _of_builders(settings: EngineSettings) -> _Wanted:
    return settings.points, settings.scan, settings.drop_off, settings.max_depth_m
