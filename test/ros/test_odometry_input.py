from __future__ import annotations

import contextlib

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

import rclpy
from rclpy.lifecycle import LifecycleNode

from lsd_ros.errors import RosError
from lsd_ros.inference.scale.settings import ScaleSettings
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.ros.odometry_input import OdometryInput
from lsd_ros.ros.parameters import NodeSettings, Settings


@contextlib.contextmanager
def odometry_input(domain, source, *remaps):
    settings = Settings(NodeSettings(), EngineSettings(scale=ScaleSettings(source=source)))
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    arguments = ['--ros-args', *(word for remap in remaps for word in ('-r', remap))]
    node = LifecycleNode('listener', context=context, cli_args=arguments)
    try:
        listener = OdometryInput(node, lambda: settings, print, lambda: 0)
        yield node
        listener.close()
    finally:
        node.destroy_node()
        context.try_shutdown()


def test_node_does_not_listen_to_its_own_odometry(ros_domain):
    with (
        pytest.raises(RosError, match='odometry_in and odom are both /odom, .*: remap odom'),
        odometry_input(ros_domain, 'odometry', 'odometry_in:=odom'),
    ):
        pass
    with odometry_input(ros_domain, 'odometry', 'odometry_in:=odom', 'odom:=depth/odom') as node:
        assert node.count_subscribers('/odom') == 1


def test_what_nobody_needs_may_be_remapped_anywhere(ros_domain):
    with odometry_input(ros_domain, 'fixed', 'odometry_in:=odom') as node:
        assert node.count_subscribers('/odom') == 0
