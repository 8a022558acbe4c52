"""The executable ``system_probe``: records a camera for some seconds, and what is around it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsd_ros.errors import LsdError, RosError
from lsd_ros.ros import environment

FACTS = 'facts.json'
BAG = 'bag'
TRANSFORMS = ('/tf', '/tf_static')
DIAGNOSTICS = '/diagnostics'
LOOK_S = 10.0  # a busy machine discovers slowly


def main(argv: Sequence[str] | None = None) -> None:
    """Look at a running system; a known error is one line and exit code 1."""
    given_by_user = {
        name: os.environ.get(name, '') for name in (environment.TRANSPORT, environment.DISCOVERY)
    }
    environment.prepare()
    try:
        environment.require_rclpy()
        _probe(sys.argv[1:] if argv is None else list(argv), given_by_user)
    except LsdError as error:
        sys.exit(str(error))


def _probe(argv: list[str], given_by_user: dict[str, str]) -> None:
    import rclpy

    from lsd_ros.bags.writer import BagWriter
    from lsd_ros.ros.raw_subscriptions import Recorder
    from lsd_ros.ros.session import session, split_arguments

    own, ros = split_arguments(argv)
    given = _parser().parse_args(own)
    with session('lsd_ros_doctor', ros) as running:
        node = running.node
        image, info = _topics(node, given)
        topics = [image, info, *TRANSFORMS, DIAGNOSTICS]
        with BagWriter(given.out / BAG) as writer:
            recorder = Recorder(node, writer, topics)
            end = time.monotonic() + given.seconds
            while time.monotonic() < end and not running.stop.is_set():
                rclpy.spin_once(node, timeout_sec=0.05)
            facts = {
                'image': image,
                'camera_info': info,
                'seconds': given.seconds,
                'counts': dict(recorder.counts),
                'environment': given_by_user,
                'publishers': {topic: _publishers(node, topic) for topic in (image, info)},
            }
    (given.out / FACTS).write_text(json.dumps(facts, indent=2))


def _topics(node: Any, given: argparse.Namespace) -> tuple[str, str]:
    """Return the topics of images and calibration; look for them where they are not given."""
    import rclpy

    if given.image and given.camera_info:
        return given.image, given.camera_info
    end = time.monotonic() + LOOK_S
    image = given.image
    while not image and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.05)
        image = _camera(node)
    if not image:
        raise RosError(
            'nobody publishes sensor_msgs/Image here: start the camera driver, see that '
            'ROS_DOMAIN_ID is the same, or name its topic with --image'
        )
    return image, given.camera_info or _beside(image)


def _camera(node: Any) -> str:
    """Return the topic of a camera; one with camera info beside it goes first."""
    known = dict(node.get_topic_names_and_types())
    infos = [name for name, types in known.items() if 'sensor_msgs/msg/CameraInfo' in types]
    images = sorted(
        name
        for name, types in known.items()
        if 'sensor_msgs/msg/Image' in types
        and 'depth/' not in name
        and node.count_publishers(name)
    )
    return next((name for name in images if _beside(name) in infos), min(images, default=''))


def _beside(image: str) -> str:
    return f'{image.rsplit("/", 1)[0]}/camera_info'


def _publishers(node: Any, topic: str) -> list[dict[str, str]]:
    return [
        {
            'node': f'{peer.node_namespace.rstrip("/")}/{peer.node_name}',
            'type': peer.topic_type,
            'reliability': peer.qos_profile.reliability.name.lower(),
            'durability': peer.qos_profile.durability.name.lower(),
        }
        for peer in node.get_publishers_info_by_topic(topic)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='system_probe',
        description='Record a camera, its calibration, transforms and diagnostics for some '
        'seconds, and note who publishes them. What lsd_ros doctor starts.',
    )
    add = parser.add_argument
    add('out', type=Path, help='folder that the bag and facts.json are written into')
    add('--image', default='', metavar='TOPIC', help='images; default: a camera that is found')
    add('--camera-info', default='', metavar='TOPIC', help='default: beside the images')
    add('--seconds', type=float, default=6.0, metavar='S', help='how long (default: 6)')
    return parser


if __name__ == '__main__':
    main()
