"""
The contract from outside: a client that knows ROS messages alone, and nothing of this package.

Images and camera info by best effort at 10 Hz, lifecycle by services, every output checked by
stamp, frame and size.
"""

from __future__ import annotations

import array
import math
import struct
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2

WIDTH, HEIGHT, FOCAL = 200, 120, 120.0
FRAME, BASE = 'front_camera_optical_frame', 'base_link'
PERIOD_S = 0.1
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
KINDS = {
    'depth/image_rect': Image,
    'depth/camera_info': CameraInfo,
    'depth/preview': Image,
    'points': PointCloud2,
    'scan': LaserScan,
    'odom': Odometry,
    'diagnostics': DiagnosticArray,
}


def stamp_of(message: Any) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec


class Stranger:
    """A camera driver of somebody else, and whoever listens."""

    def __init__(self, robot: Any) -> None:
        self.robot = robot
        node = robot.node
        self.images = node.create_publisher(Image, '/image', BEST_EFFORT)
        self.infos = node.create_publisher(CameraInfo, '/camera_info', BEST_EFFORT)
        self.heard: dict[str, list[Any]] = {topic: [] for topic in KINDS}
        for topic, kind in KINDS.items():
            node.create_subscription(kind, f'/{topic}', self.heard[topic].append, 10)
        self.sent: list[tuple[int, int]] = []
        self.blocks = np.random.default_rng(3).integers(20, 230, (12, 20, 3), np.uint8)

    def show(self) -> None:
        image = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=3 * WIDTH)
        image.header.frame_id = FRAME
        image.header.stamp = self.robot.node.get_clock().now().to_msg()
        moved = np.roll(self.blocks, len(self.sent) % 20, axis=1)
        pixels = np.kron(moved, np.ones((10, 10, 1), np.uint8))
        image.data = array.array('B', pixels.tobytes())
        info = CameraInfo(header=image.header, height=HEIGHT, width=WIDTH)
        middle = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
        info.k = [FOCAL, 0.0, middle[0], 0.0, FOCAL, middle[1], 0.0, 0.0, 1.0]
        info.p = [FOCAL, 0.0, middle[0], 0.0, 0.0, FOCAL, middle[1], 0.0, 0.0, 0.0, 1.0, 0.0]
        info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
        info.distortion_model, info.d = 'plumb_bob', [0.0] * 5
        self.infos.publish(info)
        self.images.publish(image)
        self.sent.append(stamp_of(image))

    def drive(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.show()
            self.robot.spin(PERIOD_S)

    def forget(self) -> None:
        for messages in self.heard.values():
            messages.clear()


@pytest.fixture(scope='module')
def stranger(start_robot: Any, weights: Any) -> Stranger:
    given = {'weights': weights, 'backend': 'torch', 'mount.z_m': 1.0}
    robot = start_robot({**given, 'diagnostics_period_s': 0.5})
    return Stranger(robot)


def test_1_node_that_is_not_active_says_nothing(stranger: Stranger) -> None:
    assert stranger.robot.state() == 'unconfigured'
    assert stranger.robot.transition('configure')
    stranger.drive(1.0)
    assert not any(stranger.heard.values())
    assert stranger.robot.transition('activate')
    stranger.robot.until(lambda: all(stranger.heard.values()), 'every output', stranger.show)


def test_2_every_output_has_the_stamp_the_frame_and_the_size_of_its_image(
    stranger: Stranger,
) -> None:
    stranger.forget()
    stranger.drive(4.0)
    heard, sent = stranger.heard, set(stranger.sent)
    for topic in set(KINDS) - {'diagnostics', 'odom'}:
        assert heard[topic], topic
        stamps = [stamp_of(message) for message in heard[topic]]
        assert set(stamps) <= sent
        assert stamps == sorted(set(stamps))  # none twice, none out of order
        frame = BASE if topic == 'scan' else FRAME
        assert {message.header.frame_id for message in heard[topic]} == {frame}
    for image, info in zip(heard['depth/image_rect'], heard['depth/camera_info'], strict=False):
        assert (image.width, image.height) == (info.width, info.height)
        assert image.encoding == '32FC1'
        assert image.step == 4 * image.width
        assert len(image.data) == image.step * image.height
        depth = np.frombuffer(bytes(image.data), np.float32)
        assert not (depth == 0).any()
        assert (depth[np.isfinite(depth)] >= 0.1).all()
        # the same field of view as that of the camera
        assert math.isclose(info.k[0] / info.width, FOCAL / WIDTH, rel_tol=1e-6)
    for cloud in heard['points']:
        assert cloud.width * cloud.height > 0  # never an empty cloud
        assert len(cloud.data) == cloud.row_step * cloud.height
        assert cloud.row_step == cloud.point_step * cloud.width
        assert [field.name for field in cloud.fields[:3]] == ['x', 'y', 'z']
        assert all(map(math.isfinite, struct.unpack_from('<3f', bytes(cloud.data))))
    for scan in heard['scan']:
        count = round((scan.angle_max - scan.angle_min) / scan.angle_increment) + 1
        assert count == len(scan.ranges)
        ranges = np.array(scan.ranges)
        finite = ranges[np.isfinite(ranges)]
        assert ((finite >= scan.range_min) & (finite <= scan.range_max + 1e-3)).all()
    for odometry in heard['odom']:
        assert (odometry.header.frame_id, odometry.child_frame_id) == ('odom', BASE)
        assert np.isfinite(odometry.pose.covariance).all()


def test_3_dark_images_silence_the_obstacles_and_good_ones_bring_them_back(
    stranger: Stranger,
) -> None:
    bright = stranger.blocks
    stranger.blocks = bright // 20
    stranger.drive(0.5)
    stranger.robot.spin(0.5)
    stranger.forget()
    stranger.drive(1.5)
    obstacles = ('depth/image_rect', 'depth/camera_info', 'points', 'scan')
    assert not any(stranger.heard[topic] for topic in obstacles)
    assert {m.pose.covariance[0] for m in stranger.heard['odom']} == {1e6}
    (status,) = stranger.heard['diagnostics'][-1].status
    assert status.level == b'\x02'
    stranger.blocks = bright
    stranger.robot.until(
        lambda: all(stranger.heard[topic] for topic in obstacles), 'obstacles', stranger.show
    )


def test_4_deactivated_node_is_silent_and_can_be_shut_down(stranger: Stranger) -> None:
    assert stranger.robot.transition('deactivate')
    stranger.robot.spin(0.5)
    stranger.forget()
    stranger.drive(1.0)
    assert not any(stranger.heard.values())
    assert stranger.robot.transition('cleanup')
    assert stranger.robot.state() == 'unconfigured'
    assert stranger.robot.end() == 0
