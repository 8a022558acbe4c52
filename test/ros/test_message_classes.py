from __future__ import annotations

import array

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from rclpy.serialization import deserialize_message, serialize_message

from lsd_ros.errors import MessageError
from lsd_ros.messages import encode
from lsd_ros.ros.message_classes import RclpyTypes
from lsd_ros.types import Camera, Cloud


def test_messages_survive_the_middleware():
    types = RclpyTypes()
    points = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    camera = Camera(8, 6, 5.0, 5.0, 3.5, 2.5)
    for message in (
        encode.point_cloud(types, Cloud(1, 'camera', points, dense=True)),
        encode.camera_info(types, camera, 1, 'camera'),
        encode.odometry(types, 1, 'odom', 'base', np.eye(4), np.eye(6), np.ones(6), np.eye(6)),
    ):
        assert deserialize_message(serialize_message(message), type(message)) == message


def test_bytes_are_held_as_rclpy_holds_them_itself():
    image = encode.rgb_image(RclpyTypes(), np.full((2, 2, 3), 7, np.uint8), 1, 'camera')
    assert image.data == array.array('B', [7] * 12)
    empty = Cloud(1, 'camera', np.zeros((1, 0, 4), np.float32), dense=True)
    assert encode.point_cloud(RclpyTypes(), empty).data == array.array('B')


def test_message_package_that_is_not_installed_is_named():
    with pytest.raises(MessageError, match='install the ROS package nowhere_msgs'):
        RclpyTypes().make('nowhere_msgs/msg/Nothing')
