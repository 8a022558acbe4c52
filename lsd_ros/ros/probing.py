"""Watching topics of a ROS system: how much, how old, how regular."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from lsd_ros.messages.cdr import header_stamp_ns
from lsd_ros.ros.message_classes import message_class, starts_with_header
from lsd_ros.ros.raw_subscriptions import RawSubscriptions

LONG = 1.5  # times the median: an interval in which a message is missing
QUEUE = 10
SENTENCES = 20  # different ones that are kept of each status


@dataclass
class Watched:
    """
    What came on one topic.

    :param type_name: of its messages
    :param stamped: whether these start with a header
    :param ages_ms: from stamp to arrival, after the warm-up
    :param arrivals_s: after the warm-up
    :param stamps_s: of the headers, after the warm-up
    :param measures_from_s: when the warm-up of this topic is over, by the monotonic clock
    """

    type_name: str
    stamped: bool
    measures_from_s: float
    count: int = 0
    size: int = 0
    ages_ms: array[float] = field(default_factory=lambda: array('d'))
    arrivals_s: array[float] = field(default_factory=lambda: array('d'))
    stamps_s: array[float] = field(default_factory=lambda: array('d'))

    def report(self) -> dict[str, Any]:
        """Return it in values that JSON can carry."""
        regular = np.diff(self.stamps_s if self.stamped else self.arrivals_s)
        return {
            'type': self.type_name,
            'count': self.count,
            'bytes': self.size,
            'measured': len(self.arrivals_s),
            'latency_ms': percentiles(self.ages_ms),
            'interval_ms': percentiles(np.diff(self.arrivals_s) * 1e3),
            'gaps': int((regular > LONG * np.median(regular)).sum()) if len(regular) else 0,
        }


class Probe:
    """
    Notes size, age and arrival of every message on some topics; the messages stay serialised.

    :param warm_up_s: after the first message of a topic, only counts of it are kept for so long
    :param diagnostics: also remember what /diagnostics said, and its newest values
    """

    def __init__(
        self, node: Node, topics: Sequence[str], warm_up_s: float = 0.0, diagnostics: bool = False
    ) -> None:
        self._clock = node.get_clock()
        self._warm_up_s = warm_up_s
        self._watched: dict[str, Watched] = {}
        self._diagnostics: dict[str, dict[str, Any]] = {}
        self._subscriptions = RawSubscriptions(node, topics, self._note)
        if diagnostics:
            node.create_subscription(DiagnosticArray, '/diagnostics', self._remember, QUEUE)

    def report(self) -> dict[str, Any]:
        """Return what was seen, in values that JSON can carry."""
        return {
            'topics': {topic: seen.report() for topic, seen in sorted(self._watched.items())},
            'missing': sorted(self._subscriptions.missing),
            'diagnostics': self._diagnostics,
        }

    def _note(self, topic: str, type_name: str, data: bytes) -> None:
        now_ns = self._clock.now().nanoseconds
        now_s = time.monotonic()
        seen = self._watched.get(topic) or self._watch(topic, type_name, now_s)
        seen.count += 1
        seen.size += len(data)
        if now_s < seen.measures_from_s:
            return
        seen.arrivals_s.append(now_s)
        if seen.stamped:
            stamp_ns = header_stamp_ns(data)
            seen.stamps_s.append(stamp_ns / 1e9)
            seen.ages_ms.append((now_ns - stamp_ns) / 1e6)

    def _watch(self, topic: str, type_name: str, now_s: float) -> Watched:
        stamped = starts_with_header(message_class(type_name))
        seen = Watched(type_name, stamped, now_s + self._warm_up_s)
        return self._watched.setdefault(topic, seen)

    def _remember(self, message: Any) -> None:
        for status in message.status:
            known = self._diagnostics.setdefault(status.name, {'sentences': []})
            known['values'] = {pair.key: pair.value for pair in status.values}
            for sentence in status.message.split('; '):
                if sentence not in known['sentences'] and len(known['sentences']) < SENTENCES:
                    known['sentences'].append(sentence)


def percentiles(values: Sequence[float] | np.ndarray[Any, Any]) -> dict[str, float] | None:
    """Return the percentiles of some values; None where there are none."""
    if not len(values):
        return None
    p50, p95, p99, most = np.percentile(np.asarray(values), (50, 95, 99, 100))
    return {'p50': float(p50), 'p95': float(p95), 'p99': float(p99), 'max': float(most)}
