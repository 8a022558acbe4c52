"""The publishers of what a robot stops for; what they may say is decided elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from rclpy.lifecycle.publisher import LifecyclePublisher
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2

from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.publication import topics
from lsd_ros.publication.obstacles import Said
from lsd_ros.ros import qos
from lsd_ros.ros.connections import Connections, is_heard
from lsd_ros.ros.rate_limits import LogThrottle

QUEUE = 5
KINDS: dict[str, type[Any]] = {
    topics.DEPTH: Image,
    topics.CAMERA_INFO: CameraInfo,
    topics.UNCERTAINTY: Image,
    topics.POINTS: PointCloud2,
    topics.SCAN: LaserScan,
}

log = logging.getLogger(__name__)


class ObstacleOutputs:
    """
    The publishers of the obstacle topics.

    A topic that somebody listens to and that cannot be served has its reason in :meth:`problems`.
    """

    def __init__(self, connections: Connections) -> None:
        """Create every publisher."""
        self._repeats = LogThrottle()
        self._problems: dict[str, str] = {}
        self._publishers: dict[str, LifecyclePublisher[Any]] = {
            topic: connections.publisher(kind, topic, qos.reliable(QUEUE))
            for topic, kind in KINDS.items()
        }

    def heard(self, topic: str) -> bool:
        """Return whether somebody listens to an obstacle topic."""
        return is_heard(self._publishers[topic])

    def want_depth(self) -> bool:
        """Return whether somebody listens to any of them."""
        return any(map(self.heard, self._publishers))

    def want_uncertainty(self, settings: EngineSettings) -> bool:
        """Return whether somebody listens to what is made of the uncertainty."""
        masked = settings.points.max_uncertainty > 0 and any(
            map(self.heard, (topics.POINTS, topics.SCAN))
        )
        return masked or self.heard(topics.UNCERTAINTY)

    def publish(self, said: Iterable[Said]) -> None:
        """Publish what may be said, and remember why the rest is silent."""
        for each in said:
            publisher = self._publishers[each.topic]
            if each.problem:
                sentence = f'nothing comes on {publisher.topic_name}: {each.problem}'
                self._problems = {**self._problems, each.topic: sentence}
                if self._repeats.is_due(sentence):
                    log.warning(sentence)
                continue
            publisher.publish(each.message)
            if each.topic in self._problems:
                self._problems = {k: v for k, v in self._problems.items() if k != each.topic}

    def problems(self) -> list[str]:
        """Return why something that is listened to says nothing."""
        return [text for topic, text in self._problems.items() if self.heard(topic)]
