"""What a robot stops for: depth, points and scan, said only while they are to be trusted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle.publisher import LifecyclePublisher
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2

from lsd_ros.errors import CameraError, FrameError, LsdError
from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.obstacles.scan import ScanBuilder
from lsd_ros.inference.obstacles.settings import EVERY_HEIGHT, PointsSettings, ScanSettings
from lsd_ros.inference.obstacles.trust import Trust
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.messages import encode
from lsd_ros.ros import qos
from lsd_ros.ros.connections import Connections, is_heard
from lsd_ros.ros.conversions import RclpyTypes
from lsd_ros.ros.mounting import Mounting
from lsd_ros.ros.repeats import Repeats
from lsd_ros.types import Estimate

QUEUE = 5
LEAST_BELIEVED = 0.1  # share of the depth; with less, silence is safer than a few points

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Builders:
    """What makes obstacles, for as long as its settings stay the same."""

    settings: tuple[PointsSettings, ScanSettings, float]
    trust: Trust
    cloud: CloudBuilder
    scan: ScanBuilder

    @classmethod
    def of(cls, settings: EngineSettings) -> Builders:
        """Make them anew; cloud and scan share what they believe in."""
        trust = Trust(settings.points)
        return cls(
            _of_builders(settings),
            trust,
            CloudBuilder(settings.points, trust),
            ScanBuilder(settings.scan, trust, settings.max_depth_m),
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


class ObstacleOutputs:
    """
    The publishers of the obstacle topics.

    A topic that somebody listens to and that cannot be served has its reason in :meth:`problems`.
    """

    def __init__(self, connections: Connections, mounting: Mounting, base_frame: str) -> None:
        """
        Create every publisher.

        :param base_frame: frame of the scan
        """
        self._mounting = mounting
        self._base_frame = base_frame
        self._types = RclpyTypes()
        self._builders: Builders | None = None
        self._repeats = Repeats()
        self._problems: dict[LifecyclePublisher[Any], str] = {}

        def publisher(kind: type[Any], topic: str) -> LifecyclePublisher[Any]:
            return connections.publisher(kind, topic, qos.reliable(QUEUE))

        self._depth = publisher(Image, 'depth/image_rect')
        self._camera_info = publisher(CameraInfo, 'depth/camera_info')
        self._uncertainty = publisher(Image, 'depth/uncertainty')
        self._points = publisher(PointCloud2, 'points')
        self._scan = publisher(LaserScan, 'scan')

    def want_depth(self) -> bool:
        """Return whether somebody listens to any of them."""
        every = (self._depth, self._camera_info, self._uncertainty, self._points, self._scan)
        return any(map(is_heard, every))

    def want_uncertainty(self, settings: EngineSettings) -> bool:
        """Return whether somebody listens to what is made of the uncertainty."""
        masked = settings.points.max_uncertainty > 0 and any(
            map(is_heard, (self._points, self._scan))
        )
        return masked or is_heard(self._uncertainty)

    def publish(
        self,
        estimate: Estimate,
        settings: EngineSettings,
        base_from_camera: NDArray[np.float64] | None,
    ) -> None:
        """
        Publish all that somebody listens to; what cannot be made does not keep back the rest.

        :param estimate: with depth in metres
        :param base_from_camera: where the camera sits, shape (4, 4); None: not known
        """
        builders = self._builders
        if builders is None or builders.settings != _of_builders(settings):
            builders = self._builders = Builders.of(settings)
        place = base_from_camera
        for publisher, make in (
            (self._depth, lambda: encode.depth_image(self._types, estimate)),
            (self._camera_info, lambda: self._camera_info_of(estimate)),
            (self._uncertainty, lambda: encode.uncertainty_image(self._types, estimate)),
            (self._points, lambda: self._points_of(builders, estimate, place)),
            (self._scan, lambda: self._scan_of(builders, estimate, place)),
        ):
            self._say(publisher, make)

    def problems(self) -> list[str]:
        """Return why something that is listened to says nothing."""
        return [text for publisher, text in self._problems.items() if is_heard(publisher)]

    def _say(self, publisher: LifecyclePublisher[Any], make: Callable[[], Any]) -> None:
        if not is_heard(publisher):
            return
        try:
            publisher.publish(make())
        except LsdError as error:
            sentence = f'nothing comes on {publisher.topic_name}: {error}'
            self._problems = {**self._problems, publisher: sentence}
            if self._repeats.is_due(sentence):
                log.warning(sentence)
            return
        if publisher in self._problems:
            self._problems = {k: v for k, v in self._problems.items() if k is not publisher}

    def _camera_info_of(self, estimate: Estimate) -> Any:
        if estimate.camera is None:
            raise CameraError('the camera of the depth is not known')
        stamp_ns, frame_id = estimate.stamp_ns, estimate.frame_id
        return encode.camera_info(self._types, estimate.camera, stamp_ns, frame_id)

    def _points_of(
        self, builders: Builders, estimate: Estimate, place: NDArray[np.float64] | None
    ) -> Any:
        builders.check(estimate)
        builder = builders.cloud
        band = builder.settings.min_height_m, builder.settings.max_height_m
        if place is None and band != EVERY_HEIGHT:
            raise CameraError(self._mounting.problem(estimate.frame_id))
        return encode.point_cloud(self._types, builder.build(estimate, place))

    def _scan_of(
        self, builders: Builders, estimate: Estimate, place: NDArray[np.float64] | None
    ) -> Any:
        builders.check(estimate)
        if place is None:
            raise CameraError(self._mounting.problem(estimate.frame_id))
        scan = builders.scan.build(estimate, place, self._base_frame)
        return encode.laser_scan(self._types, scan)


def _of_builders(settings: EngineSettings) -> tuple[PointsSettings, ScanSettings, float]:
    return settings.points, settings.scan, settings.max_depth_m
