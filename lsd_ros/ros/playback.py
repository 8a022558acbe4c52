"""Playing a bag over the middleware, in its own time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from lsd_ros.bags.reader import BagMessage, BagReader
from lsd_ros.errors import DatasetError, MessageError
from lsd_ros.foreign.printable import printable
from lsd_ros.ros.loop_detection import LoopDetector
from lsd_ros.ros.message_classes import message_class, starts_with_header
from lsd_ros.ros.restamping import Restamping

DEPTH = 10
LATCHED = ('/tf_static', '/robot_description')
ACKNOWLEDGE_S = 5.0


@dataclass(frozen=True)
class Playback:
    """
    How a bag is played.

    :param topics: topics to play; empty: all of them
    :param rate: 2 is twice as fast as it was recorded
    :param loop: begin again at the end, for ever
    :param start_s: seconds of the bag to skip
    :param clock_hz: how often to publish /clock; 0: not at all
    :param wait_for: topics that must have a subscriber before anything is published
    :param sensor_data: publish best effort instead of reliably
    :param restamp: move the stamps of messages that start with a header to the present
    """

    topics: tuple[str, ...] = ()
    rate: float = 1.0
    loop: bool = False
    start_s: float = 0.0
    clock_hz: float = 0.0
    wait_for: tuple[str, ...] = ()
    sensor_data: bool = False
    restamp: bool = False


class Player:
    """
    Publishes the messages of a bag, each when its time has come, and untouched but for stamps.

    A loop goes on in the rhythm of the bag. ``counts`` has the number of messages published on
    each topic; ``delay_ns`` is the time of the system clock at which a message was due, less the
    time of its record, at the rate of 1.
    """

    def __init__(
        self, node: Node, reader: BagReader, playback: Playback, stop: threading.Event
    ) -> None:
        """
        Make a publisher for every topic to play.

        :param stop: set it to end the playback early
        :raises DatasetError: the bag has no such topic, or nothing that can be played
        """
        self._node = node
        self._reader = reader
        self._playback = playback
        self._stop = stop
        self._log = node.get_logger()
        self.counts: Counter[str] = Counter()
        self.delay_ns = 0
        self._restamping = Restamping(playback.rate)
        types = {topic.name: topic.type for topic in reader.topics()}
        _check_known(playback.topics, types)
        chosen = playback.topics or tuple(types)
        self._headed: set[str] = set()
        self._publishers = self._publishers_of({topic: types[topic] for topic in chosen})
        self._clock = node.create_publisher(Clock, '/clock', 1) if playback.clock_hz else None
        _check_known(playback.wait_for, self._all_publishers)

    def play(self) -> int:
        """
        Play the bag to its end, or until it is stopped.

        :return: number of messages published
        :raises DatasetError: there is no message after the start
        """
        self._wait_for_subscribers()
        self._log.info(printable(f'playing {self._reader.path}'))
        while not self._stop.is_set():
            played = self._play_once()
            if not played and not self._stop.is_set():
                raise DatasetError(
                    f'{self._reader.path} holds nothing to play after {self._playback.start_s} s'
                )
            if not self._playback.loop:
                break
        self._wait_for_acknowledgement()
        return self.counts.total()

    def _play_once(self) -> int:
        timeline: Timeline | None = None
        rhythm = LoopDetector()
        count = 0
        self._restamping.begin_pass()
        for message in self._from_start():
            if timeline is None:
                timeline = Timeline(message.stamp_ns, self._playback.rate)
                self.delay_ns = time.time_ns() - message.stamp_ns
            self._sleep_until(message.stamp_ns, timeline)
            if self._stop.is_set():
                break
            count += self._publish(message)
            rhythm.note(message.topic, message.stamp_ns)
        if timeline is not None and self._playback.loop:
            self._sleep_until(rhythm.next_start_ns, timeline)
        return count

    def _from_start(self) -> Iterator[BagMessage]:
        start_ns: int | None = None
        for message in self._reader.messages(tuple(self._publishers)):
            if start_ns is None:
                start_ns = message.stamp_ns + round(self._playback.start_s * 1e9)
            if message.stamp_ns >= start_ns:
                yield message

    def _publish(self, message: BagMessage) -> bool:
        try:
            raw = message.raw
            if self._playback.restamp and message.topic in self._headed:
                raw = self._restamping.moved(raw)
            self._publishers[message.topic].publish(raw)
        except MessageError as error:
            self._log.warning(printable(f'a message of {message.topic} is not played: {error}'))
            return False
        self.counts[message.topic] += 1
        return True

    def _sleep_until(self, stamp_ns: int, timeline: Timeline) -> None:
        """Wait for the time of a message, with the clock ticking where there is one."""
        while (left := timeline.seconds_until(stamp_ns)) > 0 and not self._stop.is_set():
            if self._clock is None:
                self._stop.wait(left)
                continue
            self._tick(min(timeline.now_ns(), stamp_ns))  # its time may just have passed
            self._stop.wait(min(left, 1.0 / self._playback.clock_hz))
        self._tick(stamp_ns)  # never behind the message that comes next

    def _tick(self, now_ns: int) -> None:
        if self._clock is None:
            return
        seconds, nanoseconds = divmod(now_ns, 10**9)
        self._clock.publish(Clock(clock=Time(sec=seconds, nanosec=nanoseconds)))

    @property
    def _all_publishers(self) -> dict[str, Any]:
        clock = {} if self._clock is None else {'/clock': self._clock}
        return {**self._publishers, **clock}

    def _publishers_of(self, topics: dict[str, str]) -> dict[str, Any]:
        publishers = {}
        if self._playback.clock_hz:
            topics.pop('/clock', None)  # there is to be one clock only
        for topic, type_name in topics.items():
            try:
                kind = message_class(type_name)
                publishers[topic] = self._node.create_publisher(kind, topic, self._qos(topic))
                if starts_with_header(kind):
                    self._headed.add(topic)
            except (MessageError, InvalidTopicNameException) as error:
                # ROS 1 allows names that ROS 2 does not
                reason = str(error).splitlines()[0]
                self._log.warning(printable(f'{topic} is not played: {reason}'))
        if not publishers:
            raise DatasetError(f'{self._reader.path} holds no message that can be played')
        return publishers

    def _qos(self, topic: str) -> QoSProfile:
        qos = QoSProfile(depth=DEPTH)
        if self._playback.sensor_data:
            qos.reliability = ReliabilityPolicy.BEST_EFFORT
        if topic in LATCHED:
            qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
        return qos

    def _wait_for_subscribers(self) -> None:
        for topic in self._playback.wait_for:
            publisher = self._all_publishers[topic]
            if not publisher.get_subscription_count():
                self._log.info(printable(f'waiting for somebody to subscribe to {topic}'))
            while not publisher.get_subscription_count() and not self._stop.wait(0.02):
                pass

    def _wait_for_acknowledgement(self) -> None:
        """Leave only when reliable subscribers have what was published."""
        if self._stop.is_set():
            return
        deadline = time.monotonic() + ACKNOWLEDGE_S
        for publisher in self._all_publishers.values():
            left = max(0.0, deadline - time.monotonic())
            publisher.wait_for_all_acked(Duration(seconds=left))


def _check_known(wanted: Iterable[str], available: Iterable[str]) -> None:
    unknown = sorted(set(wanted) - set(available))
    if unknown:
        raise DatasetError(
            f'the bag has no topic {", ".join(unknown)}: it has {", ".join(sorted(available))}'
        )


class Timeline:
    """Maps the stamps of a bag to the time that passes now, from its making on."""

    def __init__(self, start_ns: int, rate: float) -> None:
        """Begin now at a stamp, at a rate."""
        self._start_ns = start_ns
        self._rate = rate
        self._began = time.monotonic()

    def seconds_until(self, stamp_ns: int) -> float:
        """Return the seconds from now until a stamp has its time; negative: it is over."""
        return self._began + (stamp_ns - self._start_ns) / 1e9 / self._rate - time.monotonic()

    def now_ns(self) -> int:
        """Return the stamp that has its time now."""
        return self._start_ns + round((time.monotonic() - self._began) * self._rate * 1e9)
