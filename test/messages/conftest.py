from __future__ import annotations

import pytest

from lsd_ros.messages.types import MessageTypes, RosbagsTypes


def rosbags_types(store: str) -> RosbagsTypes:
    typesys = pytest.importorskip('rosbags.typesys', reason='needs rosbags: pip install rosbags')
    return RosbagsTypes(typesys.get_typestore(getattr(typesys.Stores, store)))


@pytest.fixture
def rclpy_types() -> MessageTypes:
    pytest.importorskip('sensor_msgs.msg', reason='needs the ROS message packages')
    from lsd_ros.ros.message_classes import RclpyTypes

    return RclpyTypes()


@pytest.fixture(params=['rclpy', 'ROS2_HUMBLE', 'ROS1_NOETIC'])
def types(request: pytest.FixtureRequest) -> MessageTypes:
    """Every family of message classes in turn."""
    if request.param == 'rclpy':
        family: MessageTypes = request.getfixturevalue('rclpy_types')
        return family
    return rosbags_types(request.param)
