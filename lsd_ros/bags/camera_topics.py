"""Which topic of a bag is the camera, and which camera info belongs to it."""

from __future__ import annotations

import logging

from lsd_ros.bags.reader import BagMessage, BagReader, Topic
from lsd_ros.errors import DatasetError, MessageError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.messages.decode import image_to_rgb

_log = logging.getLogger(__name__)

NONE = 'none'  # in place of the name of a topic: not wanted
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
_DEPTH_ENCODINGS = ('16UC1', '32FC1')
_TRANSPORTS = ('/compressed', '/compressedDepth')


def choose_image_topic(bag: BagReader, wanted: str | None) -> str:
    """
    Choose the images to read.

    Without a wish, topics that are no depth come first, then those with a camera info, then those
    with more messages, then raw before compressed images, then the first by name.

    :param wanted: topic name, with or without its leading slash
    :raises DatasetError: the bag is empty or without images, or the topic is not one of images
    """
    topics = [topic for topic in bag.topics() if topic.count]
    if not topics:
        raise DatasetError(f'{bag.path} is empty: it holds no message')
    images = [topic for topic in topics if topic.type in IMAGE_TYPES]
    if not images:
        raise DatasetError(
            f'{bag.path} holds no images: it needs a topic of sensor_msgs/Image or '
            f'sensor_msgs/CompressedImage and has {", ".join(topic.name for topic in topics)}'
        )
    if wanted is not None:
        return _named(bag, wanted, images, 'image')
    infos = {topic.name for topic in topics if topic.type == CAMERA_INFO_TYPE}

    def rank(topic: Topic) -> tuple[bool, bool, int, int, str]:
        has_info = any(name in infos for name in info_names(topic.name))
        return _is_depth(bag, topic), not has_info, -topic.count, len(topic.type), topic.name

    ranked = sorted(images, key=rank)
    if len(ranked) > 1:
        others = ', '.join(topic.name for topic in ranked[1:])
        _log.info('reading %s; other images are on %s', ranked[0].name, others)
    return ranked[0].name


def choose_info_topic(bag: BagReader, image_topic: str, wanted: str | None) -> str | None:
    """
    Choose the camera info that belongs to an image topic.

    Without a wish: by the naming conventions of :func:`info_names`; else the only one whose size
    is that of the image and whose frame is not another one; else None.

    :raises DatasetError: the wanted topic is not one of camera infos
    """
    infos = [t for t in bag.topics() if t.type == CAMERA_INFO_TYPE and t.count]
    if wanted is not None:
        return _named(bag, wanted, infos, 'camera info')
    names = {topic.name for topic in infos}
    for name in info_names(image_topic):
        if name in names:
            return name
    fitting = [topic.name for topic in infos if _fits(bag, image_topic, topic.name)]
    if len(fitting) > 1:
        _log.warning('camera info of %s could be any of %s', image_topic, ', '.join(fitting))
    return fitting[0] if len(fitting) == 1 else None


def info_names(image_topic: str) -> list[str]:
    """
    Return the topics where the camera info of an image topic is by convention.

    ``image_transport``: beside the image; RealSense recordings: ``.../image/data`` and
    ``.../info/camera_info``; some drivers: below the image.
    """
    for transport in _TRANSPORTS:
        image_topic = image_topic.removesuffix(transport)
    parent, _, _ = image_topic.rpartition('/')
    names = [f'{parent}/camera_info', f'{image_topic}/camera_info']
    if image_topic.endswith('/image/data'):
        names.append(image_topic.removesuffix('/image/data') + '/info/camera_info')
    return names


def first_message(bag: BagReader, topic: str) -> BagMessage | None:
    """Return the first message of a topic; None where none is readable."""
    return next(bag.messages([topic]), None)


def _named(bag: BagReader, wanted: str, topics: list[Topic], what: str) -> str:
    names = [topic.name for topic in topics]
    for name in (wanted, '/' + wanted):
        if name in names:
            return name
    actual = next((topic.type for topic in bag.topics() if topic.name == wanted), None)
    problem = 'is not in this bag' if actual is None else f'holds {actual} and not {what} messages'
    choices = f'choose one of {", ".join(names)}' if names else 'no other topic holds them either'
    raise DatasetError(f'{bag.path}: topic {wanted!r} {problem}: {choices}')


def _is_depth(bag: BagReader, topic: Topic) -> bool:
    if 'depth' in topic.name.lower():
        return True
    message = first_message(bag, topic.name)
    try:
        return message is not None and (
            str(getattr(message.message, 'encoding', '')).upper() in _DEPTH_ENCODINGS
        )
    except MessageError:
        return False


def _fits(bag: BagReader, image_topic: str, info_topic: str) -> bool:
    image, info = first_message(bag, image_topic), first_message(bag, info_topic)
    if image is None or info is None:
        return False
    try:
        with ForeignCode(MessageError, 'it is damaged'):
            height, width = image_to_rgb(image.message).shape[:2]
            frames = {image.message.header.frame_id, info.message.header.frame_id} - {''}
            size = (info.message.width, info.message.height)
            return size == (width, height) and len(frames) < 2
    except MessageError:
        return False
