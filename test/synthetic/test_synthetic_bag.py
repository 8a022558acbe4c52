from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsd_ros.errors import DatasetError
from lsd_ros.messages import decode
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_bag import write_bag
from lsd_ros.types import Camera

rosbags = pytest.importorskip('rosbags')
CAMERA = Camera(width=96, height=48, fx=60.0, fy=60.0, cx=47.5, cy=23.5)
DRIVE = SyntheticDrive('street', 1, CAMERA, 4, rate_hz=10.0, start_s=6.0)


def _messages(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Read a bag by rosbags alone."""
    from rosbags.highlevel import AnyReader

    found: dict[str, list[tuple[int, Any]]] = {}
    with AnyReader([path]) as reader:
        for connection, stamp, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            found.setdefault(connection.topic, []).append((stamp, message))
    return found


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_bag_holds_what_the_drive_shows(tmp_path: Path, storage: str) -> None:
    counts: list[int] = []
    write_bag(tmp_path / 'bag', DRIVE, storage=storage, progress=counts.append)
    found = _messages(tmp_path / 'bag')
    assert counts == [1, 2, 3, 4]
    assert {topic: len(messages) for topic, messages in found.items()} == {
        '/camera/camera_info': 4,
        '/camera/image_raw': 4,
        '/ground_truth/depth': 4,
        '/ground_truth/odom': 4,
    }
    for index, sample in enumerate(DRIVE):
        stamp, image = found['/camera/image_raw'][index]
        header = image.header.stamp
        assert stamp == sample.frame.stamp_ns == header.sec * 10**9 + header.nanosec
        assert np.array_equal(decode.image_to_rgb(image), sample.frame.image)
        depth = decode.depth_to_metres(found['/ground_truth/depth'][index][1])
        assert np.array_equal(depth, sample.depth)
        assert camera_from_info(found['/camera/camera_info'][index][1]) == CAMERA
        pose = found['/ground_truth/odom'][index][1].pose.pose.position
        assert (pose.x, pose.y, pose.z) == tuple(sample.world_from_camera[:3, 3])


def test_the_true_twist_leads_from_pose_to_pose(tmp_path: Path) -> None:
    write_bag(tmp_path / 'bag', DRIVE)
    poses = DRIVE.trajectory.world_from_camera
    messages = [message for _, message in _messages(tmp_path / 'bag')['/ground_truth/odom']]
    assert messages[1].child_frame_id == 'camera_optical_frame'
    twist = messages[1].twist.twist
    linear = np.array((twist.linear.x, twist.linear.y, twist.linear.z))
    step = (poses[2, :3, 3] - poses[0, :3, 3]) / 0.2
    assert poses[1, :3, :3] @ linear == pytest.approx(step, abs=0.15)
    assert linear[2] > 2  # forward is z of the optical frame


@pytest.mark.parametrize(
    ('encoding', 'topic', 'tolerance'),
    [
        ('mono8', '/camera/image_raw', 40),
        ('rgba8', '/camera/image_raw', 0),
        ('png', '/camera/image_raw/compressed', 0),
        ('jpeg', '/camera/image_raw/compressed', 12),
    ],
)
def test_images_come_in_the_encoding_asked_for(
    tmp_path: Path, encoding: str, topic: str, tolerance: int
) -> None:
    write_bag(tmp_path / 'bag', DRIVE, encoding=encoding)
    message = _messages(tmp_path / 'bag')[topic][0][1]
    assert encoding in (message.encoding if topic.endswith('raw') else message.format)
    rgb = decode.image_to_rgb(message).astype(int)
    assert np.abs(rgb - DRIVE.sample(0).frame.image).mean() <= tolerance


def test_an_unknown_encoding_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="'h264': choose one of bgr8"):
        write_bag(tmp_path / 'bag', DRIVE, encoding='h264')
    assert not list(tmp_path.iterdir())
