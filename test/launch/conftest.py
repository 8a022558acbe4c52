"""An installed package, a bag to play, and a way to launch what is launched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLES = ('depth_node', 'depth_nodes', 'bag_player', 'bag_recorder')
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


@pytest.fixture
def running() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts a command; what still runs is interrupted after the test."""
    processes = []

    def run(*command: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT_S)


@pytest.fixture
def started(running) -> Callable[..., subprocess.Popen[str]]:
    """Return what starts a launch file with arguments."""

    def start(file: str, *arguments: str) -> subprocess.Popen[str]:
        return running(sys.executable, '-c', LAUNCH, ROOT / 'launch' / file, *arguments)

    return start


@pytest.fixture
def drive(tmp_path: Path) -> Callable[..., Path]:
    """
    Return what writes a bag of two seconds: cameras that see a moving texture.

    It takes the names of the camera info and of the image of each camera.
    """
    from builtin_interfaces.msg import Time
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import CameraInfo, Image
    from std_msgs.msg import Header

    from lsd_ros.bags.writer import BagWriter

    texture = np.random.default_rng(0).integers(0, 255, (128, 600, 3), dtype=np.uint8)

    def write(*topics: tuple[str, str]) -> Path:
        path = tmp_path / 'drive'
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
                for names in topics:
                    for topic, message in zip(names, (info, image), strict=True):
                        kind = f'sensor_msgs/msg/{type(message).__name__}'
                        writer.add_raw(topic, kind, serialize_message(message), stamp_ns)
        return path

    return write
