"""Who cannot be understood on a topic is named, with the parameter that mends it."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    LivelinessPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from sensor_msgs.msg import CompressedImage, Image, LaserScan, PointCloud2

from lsd_ros.ros import qos

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def profiles():
    for reliability, durability, liveliness, seconds in itertools.product(
        (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT),
        (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL),
        (LivelinessPolicy.AUTOMATIC, LivelinessPolicy.MANUAL_BY_TOPIC),
        ((0, 0), (1, 2), (2, 1)),
    ):
        deadline, lease = (Duration(seconds=value) for value in seconds)
        yield QoSProfile(
            depth=1,
            reliability=reliability,
            durability=durability,
            liveliness=liveliness,
            deadline=deadline,
            liveliness_lease_duration=lease,
        )


def test_two_sides_fit_each_other_exactly_where_the_middleware_says_so():
    for offered, requested in itertools.product(profiles(), profiles()):
        answer, _ = qos_check_compatible(offered, requested)
        fits = answer != QoSCompatibility.ERROR
        assert (not qos.mismatches(offered, requested)) == fits, (offered, requested)


@pytest.fixture(scope='module')
def robot(start_robot, weights):
    robot = start_robot(
        {
            'weights': weights,
            'backend': 'torch',
            'diagnostics_period_s': 0.2,
            'qos_overrides./image.subscription.reliability': 'reliable',
            'qos_overrides./depth/image_rect.publisher.durability': 'transient_local',
        }
    )
    robot.activate()
    return robot


def named(robot, *words):
    """Wait for diagnostics with some words; the log must have said them once, as an error."""
    robot.diagnosis(lambda s: all(word in s.message for word in words))
    lines = [line for line in robot.log.splitlines() if words[-1] in line]
    assert len(lines) == 1, robot.log
    assert '[ERROR]' in lines[0]


def test_publisher_that_offers_less_is_named_until_it_goes(robot):
    words = (
        'nothing comes from /robot on /image: it offers reliability best_effort and this node '
        'requests reliable',
        'qos_overrides./image.subscription.reliability set to best_effort',
    )
    publisher = robot.node.create_publisher(Image, '/image', BEST_EFFORT)
    named(robot, *words)
    robot.node.destroy_publisher(publisher)
    robot.diagnosis(lambda s: words[0] not in s.message)


def test_subscriber_that_asks_for_more_is_named_until_it_goes(robot):
    words = (
        'nothing goes to /robot on /points: it requests durability transient_local and this node '
        'offers volatile',
        'qos_overrides./points.publisher.durability set to transient_local',
    )
    subscription = robot.node.create_subscription(PointCloud2, '/points', print, LATCHED)
    named(robot, *words)
    robot.node.destroy_subscription(subscription)
    robot.diagnosis(lambda s: words[0] not in s.message)


def test_parameter_that_is_named_mends_it(robot, scene):
    depths = robot.listen(Image, '/depth/image_rect', LATCHED)
    robot.until(lambda: depths, 'depth', lambda: robot.view(scene))
    assert '/depth/image_rect' not in robot.diagnosis(lambda s: True).message
    robot.ignore()


def test_subscriber_of_another_type_is_named(robot):
    subscription = robot.node.create_subscription(CompressedImage, '/depth/preview', print, 1)
    named(robot, '/robot', 'subscribes to /depth/preview as sensor_msgs/msg/CompressedImage')
    robot.node.destroy_subscription(subscription)


def test_other_publisher_of_a_result_is_named(robot):
    lidar = robot.node.create_publisher(LaserScan, '/scan', 1)
    named(robot, '/robot publishes /scan as well as this node')
    robot.node.destroy_publisher(lidar)


def test_events_are_found_where_humble_has_them():
    code = (
        'import sys, rclpy.lifecycle; '
        "sys.modules['rclpy.qos_event'] = sys.modules['rclpy.event_handler']; "
        "sys.modules['rclpy.event_handler'] = None; "
        'import lsd_ros.ros.connections as c; print(c.SubscriptionEventCallbacks.__name__)'
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == 'SubscriptionEventCallbacks', run.stderr
