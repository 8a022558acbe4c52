"""The launch file, for real: its node, a bag played to it, and what it says where it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('launch_ros', reason='needs launch_ros: source a ROS distribution')
pytest.importorskip('rosbags', reason='needs rosbags')

from builtin_interfaces.msg import Time
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from lsd_ros.datasets.bag import BagReader
from lsd_ros.datasets.bag_writer import BagWriter

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLES = ('depth_node', 'bag_player', 'bag_recorder')
IMAGE = 'sensor_msgs/msg/Image'
INFO = 'sensor_msgs/msg/CameraInfo'
TIMEOUT_S = 120
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

source = PythonLaunchDescriptionSource(sys.argv[1])
arguments = [argument.split(':=') for argument in sys.argv[2:]]
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
)
sys.exit(service.run())
"""


@pytest.fixture
def installed(ros_domain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package as colcon would, with links to what is tested here."""
    prefix = tmp_path / 'install'
    index = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / 'lsd_ros').touch()
    share = prefix / 'share' / 'lsd_ros'
    share.mkdir()
    for folder in ('launch', 'config'):
        (share / folder).symlink_to(ROOT / folder)
    programs = prefix / 'lib' / 'lsd_ros'
    programs.mkdir(parents=True)
    for name in EXECUTABLES:
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m lsd_ros.ros.{name} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{prefix}:{os.environ["AMENT_PREFIX_PATH"]}')
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    return programs


def launch(*arguments: str) -> subprocess.CompletedProcess[str]:
    file = ROOT / 'launch' / 'depth.launch.py'
    return subprocess.run(
        [sys.executable, '-c', LAUNCH, str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def drive(path: Path) -> Path:
    """Write a bag of two seconds: a camera that sees a moving texture."""
    texture = np.random.default_rng(0).integers(0, 255, (128, 600, 3), dtype=np.uint8)
    with BagWriter(path) as writer:
        for index in range(20):
            header = Header(stamp=Time(sec=1, nanosec=index * 40_000_000), frame_id='camera')
            pixels = np.ascontiguousarray(texture[:, index : index + 416])
            image = Image(header=header, height=128, width=416, step=3 * 416, encoding='rgb8')
            image.data.frombytes(pixels.tobytes())
            info = CameraInfo(header=header, height=128, width=416)
            info.k = [300.0, 0.0, 208.0, 0.0, 300.0, 64.0, 0.0, 0.0, 1.0]
            info.p = [300.0, 0.0, 208.0, 0.0, 0.0, 300.0, 64.0, 0.0, 0.0, 0.0, 1.0, 0.0]
            stamp_ns = 10**9 + index * 100_000_000
            writer.add_raw(
                '/cam/info', 'sensor_msgs/msg/CameraInfo', serialize_message(info), stamp_ns
            )
            writer.add_raw(
                '/cam/image', 'sensor_msgs/msg/Image', serialize_message(image), stamp_ns
            )
    return path


def test_a_bag_is_played_to_the_active_node(installed: Path, tmp_path: Path) -> None:
    bag = drive(tmp_path / 'drive')
    recorded = tmp_path / 'recorded'
    with subprocess.Popen(
        [installed / 'bag_recorder', recorded, '/front/points', '/front/odom'],
        stderr=subprocess.PIPE,
        text=True,
    ) as recorder:
        result = launch(
            f'bag:={bag}',
            'image:=/cam/image',
            'camera_info:=/cam/info',
            'namespace:=front',
            'device:=cpu',
        )
        recorder.send_signal(signal.SIGINT)
        _, said = recorder.communicate(timeout=TIMEOUT_S)
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'the bag is over' in result.stdout
    assert recorder.returncode == 0, said
    with BagReader(recorded) as reader:
        counts = {topic.name: topic.count for topic in reader.topics()}
    assert counts['/front/points'] > 5
    assert counts['/front/odom'] > 5


def test_where_the_node_fails_the_launch_says_so_and_ends(installed: Path) -> None:
    result = launch('weights:=/there/is/none.safetensors')
    assert result.returncode == 1
    said = result.stdout + result.stderr
    assert 'weights /there/is/none.safetensors' in said
    assert 'depth_node could not be configured' in said


def test_a_wrong_topic_of_the_bag_is_a_sentence(installed: Path, tmp_path: Path) -> None:
    bag = drive(tmp_path / 'drive')
    result = launch(f'bag:={bag}', 'image:=/cam/image', 'camera_info:=/cam/infos')
    assert result.returncode == 1
    assert 'has no topic /cam/infos' in result.stdout + result.stderr
