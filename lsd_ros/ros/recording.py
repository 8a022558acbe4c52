"""Recording topics of a ROS system into a bag."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from lsd_ros.datasets.bag_writer import BagWriter
from lsd_ros.errors import MessageError
from lsd_ros.ros.message_classes import message_class

DEPTH = 100
LOOK_EVERY_S = 0.05


class Recorder:
    """Writes every message of some topics as it came, with the time at which it came."""

    def __init__(self, node: Node, writer: BagWriter, topics: Sequence[str]) -> None:
        """Look for the topics until each is there; a name is resolved as any name of the node."""
        self._node = node
        self._writer = writer
        self._log = node.get_logger()
        self._missing = {node.resolve_topic_name(topic) for topic in topics}
        self.counts: Counter[str] = Counter()
        node.create_timer(LOOK_EVERY_S, self._subscribe)

    @property
    def missing(self) -> set[str]:
        """Return the topics that nobody has published so far."""
        return set(self._missing)

    def _subscribe(self) -> None:
        """Subscribe to what has appeared, in the way that its publishers offer."""
        if not self._missing:
            return
        for topic, type_names in self._node.get_topic_names_and_types():
            publishers = self._node.get_publishers_info_by_topic(topic)
            if topic not in self._missing or not publishers:
                continue
            self._missing.remove(topic)
            try:
                kind = message_class(type_names[0])
            except MessageError as error:
                self._log.error(f'{topic} is not recorded: {error}')
                continue
            callback = functools.partial(self._write, topic, type_names[0])
            qos = _offered([publisher.qos_profile for publisher in publishers])
            self._node.create_subscription(kind, topic, callback, qos, raw=True)
            self._log.info(f'recording {topic}')

    def _write(self, topic: str, type_name: str, data: bytes) -> None:
        now_ns = self._node.get_clock().now().nanoseconds
        self._writer.add_raw(topic, type_name, data, now_ns)
        self.counts[topic] += 1


def _offered(profiles: Sequence[QoSProfile]) -> QoSProfile:
    """Ask for the most that every publisher of a topic offers."""
    qos = QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
    if all(profile.reliability == ReliabilityPolicy.RELIABLE for profile in profiles):
        qos.reliability = ReliabilityPolicy.RELIABLE
    if all(profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in profiles):
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return qos
