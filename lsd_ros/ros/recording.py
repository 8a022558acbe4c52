"""Recording topics of a ROS system into a bag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rclpy.node import Node

from lsd_ros.bags.writer import BagWriter
from lsd_ros.ros.raw_subscriptions import RawSubscriptions


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
