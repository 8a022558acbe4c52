"""
The images of one camera in a bag, as frames in the order of their header stamps.

The bag is read twice. The first pass takes only stamps and camera infos and knows the order from
them; the second holds an image back until its turn. Images that are held back lie in memory up to
64 MiB and in a temporary file beyond, so that a bag in any order needs little memory, and one that
is in order needs nothing.
"""

from __future__ import annotations

import bisect
import dataclasses
import logging
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from lsd_ros.bags.camera_topics import choose_image_topic, choose_info_topic
from lsd_ros.bags.reader import BagMessage, BagReader
from lsd_ros.errors import DatasetError, LsdError, MessageError
from lsd_ros.messages.bit_depth import BitDepth
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.messages.decode import frame_from_message
from lsd_ros.types import Camera, Frame
from lsd_ros.types.frame_source import FrameStats

_log = logging.getLogger(__name__)

HELD_IN_MEMORY = 64 * 2**20
_LOGGED_SENTENCES = 5


class BagFrames:
    """
    The images of one topic, as frames.

    An image whose header has no stamp gets the time of its recording. Duplicates are dropped,
    images that cannot be decoded are skipped; :attr:`stats` counts them.

    :param bag: open; not closed here
    :param image_topic: None: see :func:`lsd_ros.bags.camera_topics.choose_image_topic`
    :param camera_info_topic: None: see :func:`lsd_ros.bags.camera_topics.choose_info_topic`
    :param camera: what to use instead of any camera info
    :ivar factor_of: says of (width, height) by how much an image may be reduced; None: images are
        read as they are
    :raises DatasetError: a topic is wrong, or the bag is empty or without images
    """

    def __init__(
        self,
        bag: BagReader,
        image_topic: str | None = None,
        camera_info_topic: str | None = None,
        camera: Camera | None = None,
    ) -> None:
        """Choose the topics, and find the order of the images."""
        self._bag = bag
        self.factor_of: Callable[[int, int], int] | None = None
        self.stats = FrameStats()
        self.image_topic = choose_image_topic(bag, image_topic)
        self.camera_info_topic = None
        if camera is None:
            self.camera_info_topic = choose_info_topic(bag, self.image_topic, camera_info_topic)
        self._schedule = _Schedule()
        self._cameras = _Cameras(camera)
        self._scan()

    def __len__(self) -> int:
        """Return the number of images, duplicates not counted."""
        return len(self._schedule)

    @property
    def stamps_ns(self) -> list[int]:
        """Return the stamps of the images, in order, duplicates not counted [ns]."""
        return self._schedule.stamps

    @property
    def first_camera(self) -> Camera | None:
        """Return the camera of the first frame; None: not known."""
        stamps = self._schedule.stamps
        return self._cameras.at(stamps[0]) if stamps else None

    @property
    def camera_problem(self) -> str:
        """Say why the first frame has no camera; empty where it has one."""
        if self.first_camera is not None:
            return ''
        if self._cameras.problem:
            topic, why = self.camera_info_topic, self._cameras.problem
            return f'the camera info on {topic} is of no use: {why}'
        if self.camera_info_topic is None:
            return (
                f'the images on {self.image_topic} have no calibration: record the camera info, '
                'or give the calibration file of the camera'
            )
        return f'no camera info on {self.camera_info_topic} can be read'

    def __iter__(self) -> Iterator[Frame]:
        """
        Read the frames from the start; ``stats`` starts anew.

        :raises DatasetError: not one of the images could be decoded
        """
        bits = BitDepth()  # as the node finds it out
        stats = self.stats = dataclasses.replace(self._schedule.stats)
        failure = None
        for stamp_ns, message in self._in_order():
            try:
                frame = frame_from_message(
                    message.message, self._cameras.at(stamp_ns), bits, factor_of=self.factor_of
                )
            except LsdError as error:
                failure = error
                self._skip(error)
                continue
            stats.frames += 1
            yield dataclasses.replace(frame, stamp_ns=stamp_ns)
        stats.unreadable = self._bag.lost(self.image_topic)
        if not stats.frames:
            raise DatasetError(
                f'{self._bag.path}: none of the {stats.undecodable} images on {self.image_topic} '
                f'can be read: {failure or "their headers are damaged"}'
            )

    def _scan(self) -> None:
        topics = [self.image_topic, self.camera_info_topic]
        for message in self._bag.messages([topic for topic in topics if topic is not None]):
            if message.topic == self.image_topic:
                self._schedule.add(_stamp_ns(message))
            else:
                self._cameras.add(message)
        self._schedule.close()
        self._cameras.close(self.camera_info_topic)
        if self.camera_info_topic is None and self._cameras.at(0) is None:
            _log.warning('%s has no camera info for %s', self._bag.path, self.image_topic)

    def _in_order(self) -> Iterator[tuple[int, BagMessage]]:
        turn = 0
        with _Held() as held:
            messages = self._bag.messages([self.image_topic])
            for message, rank in zip(messages, self._schedule.ranks, strict=False):
                if rank is None:
                    continue
                if rank != turn:
                    held.put(rank, message)
                    continue
                yield self._schedule.stamps[rank], message
                turn += 1
                while turn in held:
                    yield self._schedule.stamps[turn], held.take(turn)
                    turn += 1

    def _skip(self, error: LsdError) -> None:
        stats = self.stats
        stats.undecodable += 1
        if stats.undecodable <= _LOGGED_SENTENCES:
            _log.warning('skipped an image on %s: %s', self.image_topic, error)
        if stats.undecodable == _LOGGED_SENTENCES:
            _log.warning('further images that cannot be decoded are only counted')


def _stamp_ns(message: BagMessage) -> int | None:
    """Return the stamp of an image; that of the record where it has none; None where damaged."""
    try:
        return message.header_stamp_ns or message.stamp_ns
    except MessageError as error:
        _log.warning('skipped an image on %s: %s', message.topic, error)
        return None


class _Schedule:
    """
    The order of images by stamp.

    ``ranks`` has the place of each image in the order of recording, None for one that is to be
    left out; ``stamps`` has the stamps in their order.
    """

    def __init__(self) -> None:
        self.stats = FrameStats()
        self.ranks: list[int | None] = []
        self.stamps: list[int] = []
        self._first: dict[int, int] = {}
        self._latest: int | None = None
        self._count = 0

    def __len__(self) -> int:
        return len(self.stamps)

    def add(self, stamp_ns: int | None) -> None:
        """Note the next image in the order of recording."""
        if stamp_ns is None:
            self.stats.undecodable += 1
        elif stamp_ns in self._first:
            self.stats.duplicates += 1
        else:
            self._first[stamp_ns] = self._count
            if self._latest is not None and stamp_ns < self._latest:
                self.stats.out_of_order += 1
            self._latest = max(stamp_ns, self._latest or stamp_ns)
        self._count += 1

    def close(self) -> None:
        """Settle the order."""
        self.stamps = sorted(self._first)
        self.ranks = [None] * self._count
        for rank, stamp_ns in enumerate(self.stamps):
            self.ranks[self._first[stamp_ns]] = rank
        self._first.clear()


class _Cameras:
    """The camera over time: camera infos may come once, per image, or change."""

    def __init__(self, fixed: Camera | None) -> None:
        self._fixed = fixed
        self._infos: dict[bytes, BagMessage] = {}
        self._seen: list[tuple[int, bytes]] = []
        self._stamps: list[int] = []
        self._cameras: list[Camera | None] = []
        self.problem = ''

    def add(self, info: BagMessage) -> None:
        """Note a camera info; of equal ones only the first is kept."""
        try:
            raw = info.raw
            stamp_ns = info.header_stamp_ns
        except MessageError as error:
            _log.warning('skipped a camera info on %s: %s', info.topic, error)
            return
        content = raw[:4] + raw[12:]  # all but the stamp
        self._infos.setdefault(content, info)
        self._seen.append((stamp_ns, content))

    def close(self, topic: str | None) -> None:
        """Decode the different infos, and settle from when each is valid."""
        cameras = {content: self._decoded(info) for content, info in self._infos.items()}
        previous = None
        for stamp_ns, content in sorted(self._seen, key=lambda seen: seen[0]):
            if content != previous:
                self._stamps.append(stamp_ns)
                self._cameras.append(cameras[content])
            previous = content
        if len(set(self._cameras)) > 1:
            _log.info('camera info on %s changes %d times', topic, len(self._cameras) - 1)
        self._seen.clear()

    def at(self, stamp_ns: int) -> Camera | None:
        """Return the camera at a time: the latest one until then, else the first."""
        if self._fixed is not None or not self._cameras:
            return self._fixed
        return self._cameras[max(0, bisect.bisect_right(self._stamps, stamp_ns) - 1)]

    def _decoded(self, info: BagMessage) -> Camera | None:
        try:
            return camera_from_info(info.message)
        except LsdError as error:
            self.problem = str(error)
            _log.warning('ignored a camera info on %s: %s', info.topic, error)
            return None


class _Held:
    """Messages held back until their turn: in memory while they are few, else in a file."""

    def __init__(self) -> None:
        self._file: Any = tempfile.SpooledTemporaryFile(max_size=HELD_IN_MEMORY)  # noqa: SIM115
        self._places: dict[int, tuple[BagMessage, int, int]] = {}

    def __enter__(self) -> _Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, rank: int) -> bool:
        return rank in self._places

    def put(self, rank: int, message: BagMessage) -> None:
        """Hold a message back."""
        self._file.seek(0, 2)
        start = self._file.tell()
        self._file.write(message.data)
        empty = dataclasses.replace(message, data=b'')
        self._places[rank] = (empty, start, len(message.data))

    def take(self, rank: int) -> BagMessage:
        """Return a message whose turn has come."""
        empty, start, size = self._places.pop(rank)
        self._file.seek(start)
        message = dataclasses.replace(empty, data=self._file.read(size))
        if not self._places:
            self._file.seek(0)
            self._file.truncate()
        return message
