"""Camera info that is published once: what was kept is received, and what is lost is said."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

from lsd_ros.messages import encode

LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
LATCHED_BEST_EFFORT = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
VOLATILE = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def robot(start_robot: Any, weights: Any) -> Any:
    return start_robot({'weights': weights, 'backend': 'torch', 'diagnostics_period_s': 0.2})


def published_once(robot: Any, scene: Any, profile: Any) -> Any:
    publisher = robot.node.create_publisher(CameraInfo, '/camera_info', profile)
    publisher.publish(encode.camera_info(robot.types, robot.camera_of(scene), 1, 'camera'))
    robot.spin(0.5)
    return publisher


def test_info_that_was_published_once_before_the_node_was_there_is_received(
    robot: Any, scene: Any
) -> None:
    published_once(robot, scene, LATCHED)
    robot.activate()
    depths = robot.listen(Image, '/depth/image_rect')
    robot.until(lambda: depths, 'depth', lambda: robot.image(scene))
    status = robot.diagnosis(lambda s: s.values['state'] == 'seeing', lambda: robot.image(scene))
    assert 'camera_info' not in status.message


@pytest.mark.parametrize(
    ('profile', 'words'),
    [
        (VOLATILE, '/robot publishes it with durability volatile'),
        (LATCHED_BEST_EFFORT, 'reliability with which nothing that is kept can be fetched'),
    ],
)
def test_info_that_was_lost_is_explained_by_the_durability_of_its_publisher(
    robot: Any, scene: Any, profile: Any, words: str
) -> None:
    publisher = published_once(robot, scene, profile)
    robot.activate()
    depths = robot.listen(Image, '/depth/image_rect')
    status = robot.diagnosis(lambda s: words in s.message, lambda: robot.image(scene))
    assert status.values['state.faults'] == 'no_camera_info'
    assert not depths
    # a publisher of either kind that goes on is heard
    publisher.publish(encode.camera_info(robot.types, robot.camera_of(scene), 2, 'camera'))
    robot.until(lambda: depths, 'depth', lambda: robot.image(scene))
    robot.node.destroy_publisher(publisher)


def test_without_any_publisher_the_remedy_is_to_publish_or_remap(robot: Any, scene: Any) -> None:
    robot.activate()
    robot.listen(Image, '/depth/image_rect')
    robot.diagnosis(
        lambda s: 'publish it there or remap camera_info' in s.message, lambda: robot.image(scene)
    )
