"""What a bag holds, in the words of JSON."""

from __future__ import annotations

from typing import Any

from lsd_ros.bags.camera_topics import (
    IMAGE_TYPES,
    choose_info_topic,
    first_message,
)
from lsd_ros.bags.reader import BagReader
from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.messages.decode import image_to_rgb
from lsd_ros.types.camera import describe_camera


def summary(bag: BagReader) -> dict[str, Any]:
    """
    Describe a bag by its indexes and the first message of each image topic.

    :return: path, formats, size_bytes, start_ns, duration_s, messages, topics and images
    """
    starts = [storage.start_ns for storage in bag.storages if storage.start_ns is not None]
    ends = [storage.end_ns for storage in bag.storages if storage.end_ns is not None]
    duration_s = (max(ends) - min(starts)) / 1e9 if starts and ends else 0.0
    topics = bag.topics()
    return {
        'kind': 'bag',
        'path': str(bag.path),
        'formats': sorted({storage.kind for storage in bag.storages}),
        'files': len(bag.storages),
        'size_bytes': bag.size_bytes,
        'start_ns': min(starts) if starts else None,
        'duration_s': duration_s,
        'messages': sum(topic.count for topic in topics),
        'topics': [
            {
                'name': topic.name,
                'type': topic.type,
                'count': topic.count,
                'rate_hz': _rate_hz(topic.count, duration_s),
            }
            for topic in topics
        ],
        'damage': bag.damage,
        'images': [
            _image(bag, topic.name)
            for topic in topics
            if topic.type in IMAGE_TYPES and topic.count
        ],
    }


def _rate_hz(count: int, duration_s: float) -> float | None:
    return (count - 1) / duration_s if count > 1 and duration_s > 0 else None


def _image(bag: BagReader, topic: str) -> dict[str, Any]:
    result: dict[str, Any] = {'topic': topic, 'camera_info_topic': None, 'camera': None}
    try:
        with ForeignCode(DatasetError, 'its first message is damaged'):
            _look_at(bag, topic, result)
    except LsdError as error:
        result['error'] = str(error)
    return result


def _look_at(bag: BagReader, topic: str, result: dict[str, Any]) -> None:
    """Add what the first image of a topic says, and the camera info that belongs to it."""
    first = first_message(bag, topic)
    if first is None:
        raise DatasetError('its first message is damaged')
    image = first.message
    result['encoding'] = getattr(image, 'encoding', None) or image.format
    result['frame_id'] = image.header.frame_id
    result['width'], result['height'] = _size(image)
    result['camera_info_topic'] = choose_info_topic(bag, topic, None)
    if result['camera_info_topic'] is not None:
        info = first_message(bag, result['camera_info_topic'])
        result['camera'] = info and describe_camera(camera_from_info(info.message))


def _size(image: Any) -> tuple[int, int]:
    if hasattr(image, 'width'):
        return int(image.width), int(image.height)
    height, width = image_to_rgb(image).shape[:2]
    return width, height
