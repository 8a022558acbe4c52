from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

import rclpy

from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.messages import encode
from lsd_ros.publication.obstacles import nowhere
from lsd_ros.ros.message_classes import RclpyTypes
from lsd_ros.ros.mount_lookup import MountLookup

MOUNT = MountSettings(x_m=0.4, pitch_deg=10)


class TransformError(Exception):
    """Stands for tf2_ros.TransformException: the wheels of ROS have no tf2_ros."""


@pytest.fixture
def node(ros_domain):
    """A node, for the listener to be beside."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    made = rclpy.create_node('depth_node', context=context)
    yield made
    made.destroy_node()
    context.try_shutdown()


@pytest.fixture
def known(monkeypatch):
    """Stand in for tf2_ros, and return the transforms that it knows."""
    transforms = {}

    def lookup(target, source, _):
        if (target, source) not in transforms:
            raise TransformError
        return transforms[target, source]

    module = SimpleNamespace(
        Buffer=lambda: SimpleNamespace(lookup_transform=lookup),
        TransformListener=lambda *_: SimpleNamespace(unregister=lambda: None, tf_sub=None),
        TransformException=TransformError,
    )
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    return transforms


def test_transform_is_believed_more_than_the_parameters(known, node):
    place = base_from_optical(MountSettings(y_m=-1, yaw_deg=90))
    mounting = MountLookup(node, 'base_link')
    said = mounting.mount('eye', MOUNT)
    np.testing.assert_allclose(said.base_from_camera, base_from_optical(MOUNT))
    assert (said.base_frame, said.frame_id, said.by_transforms) == ('base_link', 'eye', False)
    assert mounting.source == 'mount parameters'
    known['base_link', 'eye'] = encode.transform(RclpyTypes(), 1, 'base_link', 'eye', place)
    told = mounting.mount('eye', MOUNT)
    np.testing.assert_allclose(told.base_from_camera, place, atol=1e-12)
    assert told.by_transforms
    assert mounting.source == 'transforms'


def test_without_tf2_ros_the_parameters_say_it(monkeypatch, node):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    mounting = MountLookup(node, 'base_link')
    said = mounting.mount('eye', MOUNT)
    np.testing.assert_allclose(said.base_from_camera, base_from_optical(MOUNT))
    assert (said.base_frame, said.frame_id, said.by_transforms) == ('base_link', 'eye', False)
    mounting.close()


def test_place_that_nobody_has_said_is_not_known(known, node):
    mounting = MountLookup(node, 'base_link')
    assert mounting.mount('eye', MountSettings()) is None
    assert mounting.source is None
    assert 'publish the transform from base_link to eye, or set' in nowhere('base_link', 'eye')
    known['base_link', 'eye'] = encode.transform(RclpyTypes(), 1, 'base_link', 'eye', np.eye(4))
    np.testing.assert_allclose(mounting.mount('eye', MountSettings()).base_from_camera, np.eye(4))


def test_real_transforms_are_listened_to_off_the_executor_of_the_images(node):
    pytest.importorskip('tf2_ros', reason='needs tf2_ros')
    from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster

    place = base_from_optical(MOUNT)
    for static_only in (False, True):
        mounting = MountLookup(node, 'base_link', static_only=static_only)
        still, moving = StaticTransformBroadcaster(node), TransformBroadcaster(node)
        still.sendTransform(encode.transform(RclpyTypes(), 1, 'base_link', 'eye', place))
        deadline = time.monotonic() + 20
        while mounting.mount('eye', MountSettings()) is None and time.monotonic() < deadline:
            time.sleep(0.05)  # nobody spins the node itself
        told = mounting.mount('eye', MountSettings())
        np.testing.assert_allclose(told.base_from_camera, place, atol=1e-9)
        heard = None
        for number in range(40):
            moving.sendTransform(
                encode.transform(RclpyTypes(), number + 1, 'base_link', 'arm_eye', place)
            )
            time.sleep(0.05)
            heard = mounting.mount('arm_eye', MountSettings())
            if heard is not None:
                break
        assert (heard is None) == static_only
        mounting.close()
