from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

import rclpy
from rclpy.parameter import Parameter

from lsd_ros.errors import SettingError
from lsd_ros.ros.parameters import LIVE, Parameters


@pytest.fixture
def declared(ros_domain):
    """Return what declares the parameters of a node that is started with some arguments."""
    with contextlib.ExitStack() as nodes:

        def start(*arguments):
            context = rclpy.Context()
            rclpy.init(context=context, domain_id=ros_domain)
            nodes.callback(context.try_shutdown)
            given = ['--ros-args', *arguments]
            node = rclpy.create_node('depth_node', context=context, cli_args=given)
            nodes.callback(node.destroy_node)
            return node, Parameters(node)

        yield start


def test_node_does_not_listen_to_its_own_odometry(declared):
    node, parameters = declared('-r', 'odometry_in:=odom')
    assert not parameters.settings().needs_odometry_in
    for name, value in (('scale.source', 'odometry'), ('odometry.fuse', True)):
        (answer,) = node.set_parameters([Parameter(name, value=value)])
        assert 'both odometry_in and odom are /odom, so the node would listen' in answer.reason
        assert not parameters.settings().needs_odometry_in
    node, parameters = declared('-r', 'odometry_in:=odom', '-p', 'odometry.fuse:=true')
    with pytest.raises(SettingError, match='odometry.fuse is True, and both odometry_in and odom'):
        parameters.settings()
    remaps = ('-r', 'odometry_in:=odom', '-r', 'odom:=depth/odom', '-p', 'odometry.fuse:=true')
    _, parameters = declared(*remaps)
    assert parameters.settings().needs_odometry_in


def test_values_that_only_fit_together_are_set_together(declared):
    node, parameters = declared()
    far = [Parameter('min_depth_m', value=90.0), Parameter('max_depth_m', value=100.0)]
    points = [Parameter('points.max_range_m', value=100.0)]
    scan = [Parameter('scan.max_range_m', value=99)]
    one_by_one = node.set_parameters(far)
    assert [answer.successful for answer in one_by_one] == [False, True]
    together = node.set_parameters_atomically(far + points + scan)
    assert together.successful, together.reason
    assert parameters.settings().engine.min_depth_m == 90.0


def test_every_group_that_can_change_at_any_time_exists(declared):
    node, _ = declared()
    names = node.get_parameters_by_prefix('')
    assert all(any(name.startswith(live) for name in names) for live in LIVE)


def test_the_page_names_everything_that_can_change_at_any_time():
    page = (Path(__file__).parents[2] / 'docs' / 'nodes_and_topics.md').read_text()
    assert not [live for live in LIVE if f'`{live}`' not in page]


def test_parameter_that_nobody_reads_is_named_with_the_one_that_was_meant(declared):
    _, parameters = declared('-p', 'scan.min_heigth_m:=0.2', '-p', 'use_sim_time:=true')
    (sentence,) = parameters.strangers()
    assert 'scan.min_heigth_m that was given: did you mean scan.min_height_m?' in sentence
    _, parameters = declared(
        *('-p', 'qos_overrides./odometry_in.subscription.reliability:=reliable'),
        *('-p', 'qos_overrides./imgae.subscription.reliability:=reliable'),
    )
    (sentence,) = parameters.strangers()
    assert 'qos_overrides./imgae.subscription.reliability' in sentence
