"""Depth of a bag that is registered to its images, found by stamp."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lsd_ros.bags.camera_topics import IMAGE_TYPES, NONE, choose_info_topic, first_message
from lsd_ros.bags.reader import BagMessage, BagReader
from lsd_ros.errors import DatasetError, LsdError, MessageError
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.messages.decode import depth_to_metres
from lsd_ros.types import Camera
from lsd_ros.types.stamps import nearest

SAME_FOCAL = 0.02  # relative: cameras of one calibration differ less
_log = logging.getLogger(__name__)


def choose_depth_topic(
    bag: BagReader, image_topic: str, camera: Camera, frame: str, wanted: str = ''
) -> str | None:
    """
    Choose the depth that belongs to the images.

    :param camera: of the images
    :param frame: optical frame of the images
    :param wanted: name of the topic; empty: what fits; 'none': none
    :return: None where there is none that fits, or none is wanted
    :raises DatasetError: the wanted topic holds no depth, or of another camera
    """
    if wanted == NONE:
        return None
    candidates = [t for t in bag.topics() if t.type in IMAGE_TYPES and t.name != image_topic]
    if wanted:
        name = wanted.lstrip('/')
        candidates = [topic for topic in candidates if topic.name.lstrip('/') == name]
        if not candidates:
            raise DatasetError(f'{bag.path} has no images on {wanted}')
    # raw first, then what there is more of
    for topic in sorted(candidates, key=lambda t: (len(t.type), -t.count, t.name)):
        problem = _problem(bag, topic.name, camera, frame)
        if problem is None:
            return topic.name
        if wanted:
            raise DatasetError(f'{bag.path}: {topic.name} {problem}')
        if 'depth' in topic.name.lower():
            _log.info('%s: %s is left out: it %s', bag.path, topic.name, problem)
    return None


def _problem(bag: BagReader, topic: str, camera: Camera, frame: str) -> str | None:
    """Say why a topic is no depth of a camera; None: it is."""
    message = first_message(bag, topic)
    if message is None:
        return 'has no readable message'
    try:
        encoding = str(getattr(message.message, 'encoding', '')).lower()
        if encoding == 'mono16' and 'depth' not in topic.lower():
            return 'is mono16, which is a picture unless the topic is called depth'
        height, width = depth_to_metres(message.message).shape
    except MessageError as error:
        return f'is no depth: {error}'
    if (width, height) != (camera.width, camera.height):
        return f'is {width} x {height}, its images are {camera.width} x {camera.height}'
    own = str(message.message.header.frame_id)
    if own and frame and own.lstrip('/') != frame.lstrip('/'):
        return f'is seen from {own}, its images from {frame}: register it to them'
    return _problem_of_camera(bag, topic, camera)


def _problem_of_camera(bag: BagReader, topic: str, camera: Camera) -> str | None:
    info_topic = choose_info_topic(bag, topic, None)
    info = None if info_topic is None else first_message(bag, info_topic)
    if info is None:
        return None
    try:
        own = camera_from_info(info.message)
    except LsdError:
        return None  # an uncalibrated depth camera is most often a registered one
    shift = max(abs(own.cx - camera.cx), abs(own.cy - camera.cy))
    if abs(own.fx / camera.fx - 1) > SAME_FOCAL or shift > SAME_FOCAL * camera.width:
        return (
            f'is seen by another camera (fx {own.fx:.1f} instead of {camera.fx:.1f}): register '
            'it to the images'
        )
    return None


class DepthStream:
    """
    The depth of a topic, for images in the order of their stamps.

    :param bag: open; used by nothing else meanwhile
    :param max_offset_ns: depth further off than this belongs to no image
    """

    def __init__(self, bag: BagReader, topic: str, max_offset_ns: int) -> None:
        """Find the stamps; nothing is decoded yet."""
        self._bag, self._topic, self._max_offset_ns = bag, topic, max_offset_ns
        self._stamps_ns = np.array(sorted({stamp for stamp, _ in self._stamped()}), np.int64)
        self._messages = self._stamped()
        self._waiting: dict[int, BagMessage] = {}

    def at(self, stamp_ns: int) -> NDArray[np.float32] | None:
        """
        Return the depth of an image; None where there is none, or it cannot be decoded.

        :param stamp_ns: not before that of the call before [ns]
        :return: depth [m], shape (H, W)
        """
        if not len(self._stamps_ns):
            return None
        found, off_ns = nearest(np.array([stamp_ns], np.int64), self._stamps_ns)
        if off_ns[0] > self._max_offset_ns:
            return None
        wanted = int(self._stamps_ns[found[0]])
        for stamp in [stamp for stamp in self._waiting if stamp < wanted]:
            del self._waiting[stamp]
        while wanted not in self._waiting:
            following = next(self._messages, None)
            if following is None:
                return None
            stamp, message = following
            if stamp >= wanted:
                self._waiting[stamp] = message
        try:
            return depth_to_metres(self._waiting[wanted].message)
        except LsdError as error:
            _log.warning('skipped a depth on %s: %s', self._topic, error)
            return None

    def _stamped(self) -> Iterator[tuple[int, BagMessage]]:
        for message in self._bag.messages([self._topic]):
            try:
                yield message.header_stamp_ns or message.stamp_ns, message
            except MessageError as error:
                _log.warning('skipped a depth on %s: %s', self._topic, error)
