"""``lsd_ros doctor``: against recordings, and against a running camera."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.main import main
from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.messages import encode
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.types import Camera

CAMERA = Camera(416, 128, 241.0, 241.0, 207.5, 63.5)
FRAME = 'camera_optical_frame'
MOUNT = MountSettings(z_m=1.65)


@pytest.fixture(scope='module')
def frames() -> list[Any]:
    return [s.frame.image for s in SyntheticDrive('road', 0, CAMERA, 20, rate_hz=10.0)]


def bag_of(
    path: Path,
    images: list[Any],
    *,
    frame_id: str = FRAME,
    info_frame: str | None = None,
    calibrated: bool = True,
    place: Any = None,
) -> Path:
    with BagWriter(path) as writer:
        for number, image in enumerate(images):
            stamp = 1_700_000_000_000_000_000 + number * 100_000_000
            message = encode.raw_image(writer.types, image, stamp, frame_id)
            writer.add('/camera/image_raw', message, stamp)
            if calibrated:
                info = encode.camera_info(writer.types, CAMERA, stamp, info_frame or frame_id)
                writer.add('/camera/camera_info', info, stamp)
        if place is not None:
            moved = encode.transform(writer.types, stamp, 'base_link', frame_id, place)
            writer.add('/tf_static', encode.transforms(writer.types, [moved]), stamp)
    return path


@pytest.fixture
def doctor(tmp_path: Path) -> Any:
    def run(path: Path | None, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
        report = tmp_path / 'report.json'
        words = ['doctor', *([] if path is None else [str(path)]), '--json', str(report), *options]
        code = main([*words, '--backend', 'torch', '--set', 'threads=1'])
        return code, {line['name']: line for line in json.loads(report.read_text())}

    return run


def colours(lines: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: line['colour'] for name, line in lines.items()}


def test_sound_robot_has_no_red_line(
    frames: list[Any], tmp_path: Path, doctor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = bag_of(tmp_path / 'bag', frames, place=base_from_optical(MOUNT))
    code, lines = doctor(bag)
    assert colours(lines) == {
        'rate': 'green',
        'calibration': 'green',
        'mount': 'green',
        'images': 'green',
        'ground': 'green',
        'scale': 'green',
        'latency': lines['latency']['colour'],  # of this machine
        'weights': 'yellow',  # their licence
    }
    assert code == ('red' in colours(lines).values())
    assert '10.0 images a second of 416 x 128' in lines['rate']['said']
    assert '1.65 m high, looks 0 deg down, by transforms' in lines['mount']['said']
    shown = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(shown) == len(lines)  # one line each
    assert all(line.startswith(('green ', 'yellow ', 'red ')) for line in shown)


def body_frame() -> Any:
    place = np.eye(4)
    place[2, 3] = 1.65
    return place


@pytest.mark.parametrize(
    ('sick', 'name', 'words', 'remedy'),
    [
        ({'place': body_frame()}, 'mount', 'looks 90 deg up', 'REP-103'),
        ({'calibrated': False}, 'calibration', 'no camera', 'calibrate'),
        ({'info_frame': 'other'}, 'calibration', "camera info of 'other'", 'same camera'),
        (
            {'place': base_from_optical(MountSettings(z_m=5.0))},
            'ground',
            'times as far below the camera as the mount says',
            'measure height and pitch',
        ),
        (
            {'place': base_from_optical(MountSettings(z_m=1.65, pitch_deg=30))},
            'ground',
            'tilted by 3',
            'measure height and pitch',
        ),
    ],
)
def test_what_is_wrong_is_red_with_its_remedy(
    frames: list[Any],
    tmp_path: Path,
    doctor: Any,
    sick: dict[str, Any],
    name: str,
    words: str,
    remedy: str,
) -> None:
    code, lines = doctor(bag_of(tmp_path / 'bag', frames, **sick))
    assert code == 1
    assert lines[name]['colour'] == 'red'
    assert words in lines[name]['said']
    assert remedy in lines[name]['remedy']


def test_dark_images_and_a_gap_are_named(frames: list[Any], tmp_path: Path, doctor: Any) -> None:
    night = [image // 30 if number % 3 == 0 else image for number, image in enumerate(frames)]
    code, lines = doctor(bag_of(tmp_path / 'bag', night))
    assert (code, lines['images']['colour']) == (1, 'red')
    assert '7 are dark' in lines['images']['said']
    assert 'uncover the lens' in lines['images']['remedy']
    assert lines['mount']['colour'] == 'yellow'


def test_path_that_is_none_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['doctor', 'none.mcap', '--backend', 'torch']) == 1
    assert 'none.mcap does not exist' in capsys.readouterr().err


def test_running_camera_is_examined_and_none_is_said_to_be_none(
    frames: list[Any],
    doctor: Any,
    ros_domain: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rclpy = pytest.importorskip('rclpy')
    from sensor_msgs.msg import CameraInfo, Image

    from lsd_ros.ros.message_classes import RclpyTypes

    assert main(['doctor', '--seconds', '1', '--backend', 'torch']) == 1
    assert 'nobody publishes sensor_msgs/Image here' in capsys.readouterr().err
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    node = rclpy.create_node('camera', context=context)
    images = node.create_publisher(Image, '/camera/image_raw', 5)
    infos = node.create_publisher(CameraInfo, '/camera/camera_info', 5)
    done = threading.Event()
    types = RclpyTypes()

    def show() -> None:
        number = 0
        while not done.wait(0.1):
            stamp = time.time_ns()
            infos.publish(encode.camera_info(types, CAMERA, stamp, FRAME))
            image = frames[number % len(frames)]
            images.publish(encode.raw_image(types, image, stamp, FRAME))
            number += 1

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    monkeypatch.setitem(os.environ, 'FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    try:
        _, lines = doctor(None, '--seconds', '5', '--set', 'mount.z_m=1.65')
    finally:
        done.set()
        thread.join()
        node.destroy_node()
        context.try_shutdown()
    assert {'transport', 'rate', 'stamps', 'calibration', 'mount', 'ground', 'node'} <= set(lines)
    assert lines['stamps']['colour'] == lines['calibration']['colour'] == 'green'
    assert lines['mount']['colour'] == 'green'
    assert lines['node']['said'] == 'no depth_node runs here'
