"""Subscriptions to whatever appears on some topics, as serialised messages; also into a bag."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from lsd_ros.bags.writer import BagWriter
from lsd_ros.errors import MessageError
from lsd_ros.ros.message_classes import message_class

DEPTH = 100
LOOK_EVERY_S = 0.05


class RawSubscriptions:
    """
    Looks for topics until each is there, and subscribes in the way that its publishers offer.

    :param topics: a name is resolved as any name of the node
    :param callback: called with topic, type and serialised message
    """

    def __init__(
        self, node: Node, topics: Sequence[str], callback: Callable[[str, str, bytes], None]
    ) -> None:
        self._node = node
        self._callback = callback
        self._log = node.get_logger()
        self._missing = {node.resolve_topic_name(topic) for topic in topics}
        node.create_timer(LOOK_EVERY_S, self._look)

    @property
    def missing(self) -> set[str]:
        """Return the topics that nobody has published so far."""
        return set(self._missing)

    def _look(self) -> None:
        if not self._missing:
            return
        for topic, type_names in self._node.get_topic_names_and_types():
            publishers = self._node.get_publishers_info_by_topic(topic)
            if topic in self._missing and publishers:
                self._missing.remove(topic)
                self._subscribe(topic, type_names[0], [each.qos_profile for each in publishers])

    def _subscribe(self, topic: str, type_name: str, profiles: Sequence[QoSProfile]) -> None:
        try:
            kind = message_class(type_name)
        except MessageError as error:
            self._log.error(f'cannot subscribe to {topic}: {error}')
            return
        callback = functools.partial(self._callback, topic, type_name)
        self._node.create_subscription(kind, topic, callback, _offered(profiles), raw=True)
        self._log.info(f'subscribed to {topic}')


class Recorder:
    """Writes every message of some topics as it came, with the time at which it came."""

    def __init__(self, node: Node, writer: BagWriter, topics: Sequence[str]) -> None:
        """Record each topic from when it is there."""
        self._clock = node.get_clock()
        self._writer = writer
        self._subscriptions = RawSubscriptions(node, topics, self._write)
        self.counts: Counter[str] = Counter()

    @property
    def missing(self) -> set[str]:
        """Return the topics that nobody has published so far."""
        return self._subscriptions.missing

    def _write(self, topic: str, type_name: str, data: bytes) -> None:
        self._writer.add_raw(topic, type_name, data, self._clock.now().nanoseconds)
        self.counts[topic] += 1


def _offered(profiles: Sequence[QoSProfile]) -> QoSProfile:
    """Ask for the most that every publisher of a topic offers."""
    qos = QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
    if all(profile.reliability == ReliabilityPolicy.RELIABLE for profile in profiles):
        qos.reliability = ReliabilityPolicy.RELIABLE
    if all(profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in profiles):
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return qos
