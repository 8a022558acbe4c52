"""The node and ``replay`` say the same about the same images, topic by topic."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')
pytest.importorskip('rosbags', reason='needs rosbags')

from nav_msgs.msg import Odometry
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2

from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.main import main
from lsd_ros.messages import encode
from lsd_ros.messages.decode import stamp_ns
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.types import Camera

STEP_NS = 100_000_000
FIRST_NS = 1_700_000_000_000_000_000
CAMERA = Camera(200, 120, 120.0, 120.0, 99.5, 59.5)
BLOCKS = np.random.default_rng(2).integers(20, 230, (12, 20, 3), np.uint8)
TOPICS = ('/depth/image_rect', '/depth/camera_info', '/points', '/scan', '/odom')
BLIND = ((10, 19), (22, 30), (32, 36), (38, 43), (47, 51))  # first fault, third good image
SETTINGS = {
    'scale.source': 'fixed',
    'mount.z_m': 1.0,
    'backend': 'torch',
    'threads': 1,
    'safety.max_age_s': 0.0,
    'safety.max_jump_s': 0.0,
    'safety.max_latency_s': 60.0,
    'safety.frozen_frames': 3,
    'diagnostics_period_s': 60.0,
}


def picture(number: int) -> Any:
    moved = np.kron(np.roll(BLOCKS, number, axis=1), np.ones((10, 10, 1), np.uint8))
    return moved + np.random.default_rng(number).integers(0, 3, moved.shape, np.uint8)


def images() -> list[tuple[int, Any, str]]:
    """Return stamps, images and encodings: good ones, and every fault that a bag can hold."""
    made = []
    for number in range(60):
        image, encoding = picture(number), 'rgb8'
        if 10 <= number < 16:
            image = np.zeros_like(image)
        elif 22 <= number < 27:
            image = picture(22)
        elif number == 32:
            encoding = 'hsv8'
        elif 38 <= number < 40:
            image = np.full_like(image, 255)
        stamp = FIRST_NS + number * STEP_NS + (2_500_000_000 if number >= 48 else 0)
        made.append((stamp, image, encoding))
    return made


def message(types: Any, stamp: int, image: Any, encoding: str) -> Any:
    made = encode.raw_image(types, image, stamp, 'camera_optical', 'rgb8')
    made.encoding = encoding
    return made


@pytest.fixture(scope='module')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import dataclasses

    from lsd_ros.models.checkpoint import save_weights
    from lsd_ros.models.preprocessing import Preprocessing

    path = tmp_path_factory.mktemp('weights') / 'small.safetensors'
    small = Preprocessing(width=96, height=64, fit='stretch')
    save_weights(dataclasses.replace(untrained_weights(), preprocessing=small), path)
    return path


def replayed(weights: Path, folder: Path, *options: str) -> dict[str, list[Any]]:
    """Return what ``replay`` writes, by topic: stamps, and whether an odometry is lost."""
    with BagWriter(folder / 'in') as writer:
        for stamp, image, encoding in images():
            info = encode.camera_info(writer.types, CAMERA, stamp, 'camera_optical')
            writer.add('/camera_info', info, stamp)
            writer.add('/image', message(writer.types, stamp, image, encoding), stamp)
    shared = {name: value for name, value in SETTINGS.items() if 'diagnostics' not in name}
    chosen = [part for name, value in shared.items() for part in ('--set', f'{name}={value}')]
    call = ['replay', str(folder / 'in'), '--out', str(folder / 'out'), '--weights', str(weights)]
    assert main([*call, *chosen, *options]) == 0
    with BagReader(folder / 'out') as bag:
        return _by_topic((r.topic, r.header_stamp_ns, r.message) for r in bag.messages(TOPICS))


def _by_topic(records: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {topic: [] for topic in TOPICS}
    for topic, stamp, content in records:
        lost = bool(topic == '/odom' and content.pose.covariance[0] >= 1e6)
        found[topic].append((stamp, lost))
    return found


def through_node(start_robot: Any, weights: Path) -> dict[str, list[Any]]:
    """Return what the running node publishes, likewise."""
    reliable = 'qos_overrides./image.subscription.reliability'
    robot = start_robot({**SETTINGS, 'weights': weights, reliable: 'reliable'})
    robot.activate()
    kinds = dict(zip(TOPICS, (Image, CameraInfo, PointCloud2, LaserScan, Odometry), strict=True))
    heard = {topic: robot.listen(kind, topic) for topic, kind in kinds.items()}
    info_topic = robot.node.create_publisher(CameraInfo, '/camera_info', 5)
    image_topic = robot.node.create_publisher(Image, '/image', 5)
    for each in (info_topic, image_topic):
        robot.until(each.get_subscription_count, 'the node listens')
    robot.spin(0.5)
    last = FIRST_NS
    for stamp, image, encoding in images():
        if stamp - last > 10**9:
            robot.spin(1.5)
        last, before = stamp, len(heard['/odom'])
        info = encode.camera_info(robot.types, CAMERA, stamp, 'camera_optical')
        info_topic.publish(info)
        image_topic.publish(message(robot.types, stamp, image, encoding))
        deadline = time.monotonic() + 1.0  # of a repeated image nothing comes
        while len(heard['/odom']) == before and time.monotonic() < deadline:
            robot.spin(0.02)
    robot.spin(0.5)
    return _by_topic(
        (topic, stamp_ns(each.header), each) for topic, said in heard.items() for each in said
    )


@pytest.fixture(scope='module')
def both(
    start_robot: Any, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    node = through_node(start_robot, weights)
    return node, replayed(weights, tmp_path_factory.mktemp('replayed'))


@pytest.mark.parametrize('topic', TOPICS)
def test_replay_says_what_the_node_says(
    topic: str, both: tuple[dict[str, list[Any]], dict[str, list[Any]]]
) -> None:
    node, replay = both
    assert replay[topic]
    said = [each for each in node[topic] if each in replay[topic]]
    assert said == replay[topic]
    # beside the images of the bag the node also knows the silence, and what cannot be read
    more = set(node[topic]) - set(replay[topic])
    stamps = [stamp for stamp, *_ in images()]
    assert topic == '/odom' or not more
    assert all(lost for _, lost in more)
    # it may say once more that it is lost while it is blind: from a fault to the third good image
    blind = [(stamps[first], stamps[good]) for first, good in BLIND]
    seconds = sorted((s - FIRST_NS) / 1e9 for s, _ in more)
    assert all(any(start <= s < end for start, end in blind) for s, _ in more), seconds


def test_nothing_is_said_about_faulty_images(
    both: tuple[dict[str, list[Any]], dict[str, list[Any]]],
) -> None:
    _, replay = both
    spoken = {stamp for stamp, _ in replay['/points']}
    numbers = {number for number, (stamp, *_) in enumerate(images()) if stamp in spoken}
    faulty = {*range(10, 16), *range(23, 27), 32, 38, 39}
    assert not numbers & faulty
    # two good ones more are needed each time, and three after a silence
    assert numbers == set(range(60)) - faulty - {16, 17, 27, 28, 33, 34, 40, 41, 48, 49}


def test_unguarded_replay_shows_everything_and_says_so(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = replayed(weights, tmp_path, '--unguarded')
    assert len(shown['/points']) == 59  # one could not be decoded
    assert 'UNGUARDED' in capsys.readouterr().out
