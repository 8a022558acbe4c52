"""What wheels, an IMU or SLAM said in a bag about where the robot was."""

from __future__ import annotations

import logging

from lsd_ros.bags.reader import BagReader
from lsd_ros.errors import DatasetError, FrameError, MessageError
from lsd_ros.messages import decode
from lsd_ros.types import BasePose

ODOMETRY_TYPE = 'nav_msgs/msg/Odometry'
_log = logging.getLogger(__name__)


def bag_odometry(bag: BagReader, base_frame: str, topic: str | None = None) -> list[BasePose]:
    """
    Read the odometry of a robot, in the order of its stamps.

    :param base_frame: frame that it must be of
    :param topic: None: the only one that there is
    :raises DatasetError: the topic is not there or not clear, or nothing on it can be used
    """
    name = odometry_topic(bag, topic)
    poses: dict[int, BasePose] = {}
    problem = 'it is empty'
    for message in bag.messages([name]):
        try:
            pose = decode.odometry(message.message, base_frame)
        except (FrameError, MessageError) as error:
            problem = str(error)
            _log.debug('a message on %s is left out: %s', name, error)
        else:
            poses[pose.stamp_ns] = pose
    if not poses:
        raise DatasetError(f'{bag.path} has no odometry on {name} that can be used: {problem}')
    return [poses[stamp_ns] for stamp_ns in sorted(poses)]


def odometry_topic(bag: BagReader, wanted: str | None) -> str:
    """
    Choose the topic of the odometry.

    :param wanted: None: the only one that there is
    :raises DatasetError: it is not there or not clear
    """
    names = [topic.name for topic in bag.topics() if topic.type == ODOMETRY_TYPE]
    if wanted is not None:
        names_wanted = [name for name in names if name.lstrip('/') == wanted.lstrip('/')]
        if not names_wanted:
            raise DatasetError(
                f'{bag.path} has no odometry on {wanted}: choose one of '
                f'{", ".join(names) or "none"}'
            )
        return names_wanted[0]
    if not names:
        raise DatasetError(f'{bag.path} has no topic of {ODOMETRY_TYPE}: choose another bag')
    if len(names) > 1:
        raise DatasetError(
            f'{bag.path} has odometry on {", ".join(names)}: say which with --odometry'
        )
    return names[0]
