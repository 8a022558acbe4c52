"""How the node starts, is configured, and ends; what its parameters accept."""

from __future__ import annotations

import importlib.util
import signal

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from nav_msgs.msg import Odometry
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger

FORBIDDEN = 'trained on data for non-commercial use only (CC BY-NC 4.0)'


@pytest.fixture(scope='module')
def robot(start_robot, weights):
    """A node whose parameters were given wrongly; the tests go on where the one before ended."""
    return start_robot(
        {
            'weights': '/nowhere/weights.safetensors',
            'backend': 'torch',
            'points.decimation': 0,
            'scale.factor': 'much',
            'min_depth_m': 90,
            'image_transport': 'compressed',
            'publish_tf': True,
        }
    )


def parameter(robot, name):
    (value,) = robot.call(GetParameters, '/depth_node/get_parameters', names=[name]).values
    return value


def test_1_wrong_parameters_are_named_when_it_is_configured_and_it_stays_alive(robot):
    assert robot.state() == 'unconfigured'
    assert not robot.transition('configure')
    assert robot.state() == 'unconfigured'
    assert 'points.decimation is 0: it must be within 1 and 64' in robot.log
    assert "scale.factor is 'much': it must be of type float" in robot.log


def test_2_values_that_contradict_each_other_are_both_named(robot):
    assert not robot.set(points__decimation=2, scale__factor=2)
    assert not robot.transition('configure')
    assert 'min_depth_m is 90.0 and max_depth_m is 80.0: the minimum must be below' in robot.log


def test_3_missing_weights_are_named_and_can_be_mended(robot, weights):
    assert not robot.set(min_depth_m=0.5)
    assert not robot.transition('configure')
    assert 'weights /nowhere/weights.safetensors do not exist' in robot.log
    assert not robot.set(weights=str(weights))
    assert robot.transition('configure')
    assert robot.state() == 'inactive'
    assert f'weights {weights} are untrained' in robot.log
    assert robot.log.count(FORBIDDEN) == 1


@pytest.mark.skipif(
    importlib.util.find_spec('tf2_msgs') is not None, reason='tf2_msgs is installed here'
)
def test_4_transform_that_cannot_be_published_is_said_once(robot):
    assert robot.log.count('publish_tf is on but tf2_msgs is not installed') == 1


def test_4_every_parameter_is_described_and_every_number_has_a_range(robot):
    names = robot.call(ListParameters, '/depth_node/list_parameters').result.names
    ours = [n for n in names if not n.startswith('qos_overrides') and n != 'use_sim_time']
    ours = [n for n in ours if not n.startswith('start_type_description')]
    described = robot.call(
        DescribeParameters, '/depth_node/describe_parameters', names=ours
    ).descriptors
    values = robot.call(GetParameters, '/depth_node/get_parameters', names=ours).values
    assert {'weights', 'scale.factor', 'points.decimation', 'publish_tf'} <= set(ours)
    for descriptor, value in zip(described, values, strict=True):
        assert descriptor.description, descriptor.name
        if value.type == 2:
            assert descriptor.integer_range or descriptor.floating_point_range, descriptor.name
        if value.type == 3:
            assert descriptor.floating_point_range, descriptor.name


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'points__decimation': 65}, 'points.decimation'),
        ({'scale__factor': 0.0}, 'scale.factor'),
        ({'scale__factor': 'much'}, "scale.factor is 'much': it must be of type float"),
        (
            {'scale__source': 'guess'},
            "scale.source is 'guess': choose one of 'checkpoint', 'fixed'",
        ),
        ({'max_depth_m': 0.4}, 'min_depth_m is 0.5 and max_depth_m is 0.4'),
        ({'scan__min_range_m': 30.0}, 'scan.min_range_m is 30.0 and scan.max_range_m is 20.0'),
        ({'points__max_range_m': 0.3}, 'points.max_range_m is 0.3 and min_depth_m is 0.5'),
        ({'safety__dark_level': -1.0}, 'safety.dark_level'),
        ({'odometry__fuse': 1}, 'odometry.fuse is 1: it must be of type bool'),
        ({'base_frame': 'odom'}, 'base_frame is read when the node is configured'),
        ({'weights': 'x'}, 'weights is read when the node is configured: deactivate the node'),
        ({'autostart': True}, 'read-only'),
    ],
)
def test_5_change_that_is_refused_says_why_and_leaves_the_value(robot, change, reason):
    (name,) = (key.replace('__', '.') for key in change)
    before = parameter(robot, name)
    (refusal,) = robot.set(**change)
    assert reason in refusal
    assert parameter(robot, name) == before


def test_5_whole_number_is_as_good_as_a_float(robot):
    assert not robot.set(scale__factor=3)


def test_6_inactive_node_is_silent_and_listens_to_nothing(robot, scene):
    assert robot.node.count_subscribers('/image/compressed') == 0
    depths = robot.listen(Image, 'depth/image_rect')
    for _ in range(5):
        robot.view(scene, compressed=True)
        robot.spin(0.05)
    assert depths == []
    assert robot.transition('activate')
    robot.until(lambda: depths, 'depth', lambda: robot.view(scene, compressed=True))
    robot.ignore()


def test_6_transform_is_published_where_its_message_is_installed(robot, scene):
    messages = pytest.importorskip('tf2_msgs.msg', reason='needs tf2_msgs')
    transforms = robot.listen(messages.TFMessage, '/tf', 100)
    robot.until(lambda: transforms, 'a transform', lambda: robot.view(scene, compressed=True))
    (moved,) = transforms[-1].transforms
    assert (moved.header.frame_id, moved.child_frame_id) == ('odom', 'base_link')
    robot.ignore()


def test_7_turns_through_all_states_while_images_come(robot, scene):
    odometry = robot.listen(Odometry, 'odom')

    def goes(transition):
        robot.view(scene, compressed=True)
        return robot.transition(transition)

    for _ in range(3):
        assert all(map(goes, ('deactivate', 'cleanup', 'configure', 'activate')))
        odometry.clear()
        robot.until(lambda: odometry, 'odometry', lambda: robot.view(scene, compressed=True))
    assert 'Traceback' not in robot.log
    assert robot.log.count(FORBIDDEN) == 1, 'once in a process'


def test_8_services_of_a_node_without_configuration_say_so(robot):
    assert robot.transition('deactivate')
    assert robot.transition('cleanup')
    for kind, name in ((Trigger, 'reset_odometry'), (SetBool, 'set_enabled')):
        answer = robot.call(kind, f'/depth_node/{name}')
        assert (answer.success, 'configure and activate it first' in answer.message) == (
            False,
            True,
        )


def test_9_sigterm_ends_it_cleanly_from_any_state(robot):
    assert robot.end(signal.SIGTERM) == 0
    assert 'Traceback' not in robot.log


def test_sigint_ends_it_cleanly_with_an_image_in_hand(start_robot, weights):
    robot = start_robot(
        {
            'weights': weights,
            'backend': 'torch',
            'autostart': True,
            'qos_overrides./image.subscription.reliability': 'reliable',
        }
    )
    depths = robot.listen(Image, 'depth/image_rect')
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    robot.until(lambda: depths, 'depth', lambda: robot.view(noise))
    for _ in range(10):
        robot.image(noise)
    assert robot.end() == 0
    assert 'Traceback' not in robot.log


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('qos_overrides./points.publisher.reliability', 'maybe'),
        ('qos_overrides./camera_info.subscription.depth', 'deep'),
    ],
)
def test_wrong_quality_of_service_is_named(start_robot, weights, name, value):
    robot = start_robot({'weights': weights, 'backend': 'torch', name: value, 'autostart': True})
    topic = name.split('.')[1]
    robot.until(
        lambda: f'correct its name or the parameters qos_overrides.{topic}' in robot.log,
        'it says so',
    )
    assert robot.state() in ('unconfigured', 'inactive')
    assert 'Traceback' not in robot.log
