"""
Every fault that can be made from outside, in the running node.

The same each time: the node sees, the fault begins, nothing about obstacles comes from then on,
the diagnostics say which fault it is and the odometry that it is lost; the fault ends, and the
node sees again by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from nav_msgs.msg import Odometry
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2

from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.messages import encode
from lsd_ros.messages.decode import stamp_ns
from lsd_ros.models.checkpoint import load_weights, save_weights
from lsd_ros.safety.faults import Fault
from lsd_ros.safety.latency import SLOW_FRAMES

OBSTACLES = {
    'depth/image_rect': Image,
    'depth/camera_info': CameraInfo,
    'points': PointCloud2,
    'scan': LaserScan,
}
LIMITS = {
    'safety.frozen_frames': 2,
    'safety.max_jump_s': 3.0,
    'safety.max_age_s': 20.0,
    'safety.max_latency_s': 10.0,
    'safety.image_timeout_s': 1.0,
}
ERROR = 2
S = 1_000_000_000
BLOCKS = np.random.default_rng(2).integers(20, 230, (12, 20, 3), np.uint8)


def picture() -> Any:
    """Return a sharp image, other than every one before."""
    moved = np.roll(BLOCKS, time.monotonic_ns() // 1_000_000 % 20, axis=1)
    noise = np.random.default_rng().integers(0, 3, (120, 200, 3), np.uint8)
    return np.kron(moved, np.ones((10, 10, 1), np.uint8)) + noise


class Watcher:
    """The node under test, and all that it says about obstacles and its odometry."""

    def __init__(self, robot: Any) -> None:
        self.robot = robot
        self.said = {topic: robot.listen(kind, topic) for topic, kind in OBSTACLES.items()}
        self.odometry = robot.listen(Odometry, 'odom')

    def forget(self) -> None:
        for messages in (*self.said.values(), self.odometry):
            messages.clear()

    def image(self, rgb: Any = None, stamp: int | None = None) -> None:
        self.robot.stamp_ns = (stamp or time.time_ns()) - 50_000_000  # which it adds
        self.robot.image(picture() if rgb is None else rgb)

    def view(self) -> None:
        """Publish a good image; its camera info is there before it."""
        self.info()
        self.image()

    def info(self, **kwargs: Any) -> None:
        self.robot.camera_info(self.robot.camera_of(BLOCKS.repeat(10, 0).repeat(10, 1)), **kwargs)
        self.robot.spin(0.02)

    def sees(self) -> bool:
        """Wait until everything is reported again; return whether all of it is of now."""
        self.forget()
        began = time.time_ns()
        self.robot.until(lambda: all(self.said.values()), 'obstacles', self.view)
        self.robot.until(lambda: self.found(), 'odometry', self.view)
        assert all(cloud.width for cloud in self.said['points'])
        return all(
            stamp_ns(message.header) >= began - S
            for messages in self.said.values()
            for message in messages
        )

    def found(self) -> bool:
        """Return whether the odometry knows where it is."""
        return bool(self.odometry) and self.odometry[-1].pose.covariance[0] < LOST_VARIANCE


@dataclass
class Injection:
    """
    How a fault is made.

    :param step: done again and again while it lasts; its first image is the first faulty one
    :param before: done once before it begins
    :param begin: parameters that are set when it begins, ``__`` for a dot
    :param end: parameters that are set when it ends
    """

    fault: Fault
    step: Callable[[Watcher], None]
    begin: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Watcher], None] = Watcher.view


def still(watcher: Watcher) -> None:
    watcher.image(np.kron(BLOCKS, np.ones((10, 10, 1), np.uint8)))


def night(watcher: Watcher) -> None:
    watcher.image(picture() // 20)


def glare(watcher: Watcher) -> None:
    bright = picture()
    bright[:, :150] = 255
    watcher.image(bright)


def fog(watcher: Watcher) -> None:
    watcher.image(cv2.GaussianBlur(picture(), (0, 0), 12))


def backwards(watcher: Watcher) -> None:
    watcher.image(stamp=watcher.robot.stamp_ns - 1_000_000)


def repeated(watcher: Watcher) -> None:
    watcher.image(stamp=watcher.robot.stamp_ns)


def jumping(watcher: Watcher) -> None:
    watcher.image(stamp=watcher.robot.stamp_ns + 5 * S)


def old(watcher: Watcher) -> None:
    watcher.image(stamp=time.time_ns() - 60 * S)


def early(watcher: Watcher) -> None:
    watcher.image(stamp=time.time_ns() + 60 * S)


def tomorrow(watcher: Watcher) -> None:
    watcher.image(stamp=time.time_ns() + 24 * 3600 * S)


def foreign(watcher: Watcher) -> None:
    watcher.info(frame_id='other')
    watcher.image()


def uncalibrated(watcher: Watcher) -> None:
    watcher.info(focal=0.0)
    watcher.image()


def body_frame(watcher: Watcher) -> None:
    watcher.robot.frame_id = 'camera_link'
    watcher.view()
    watcher.robot.frame_id = 'camera'


def unreadable(watcher: Watcher) -> None:
    robot = watcher.robot
    message = encode.raw_image(robot.types, picture(), time.time_ns(), 'camera')
    message.encoding = 'hsv8'
    robot.publish('/image', message)


INJECTIONS = [
    Injection(Fault.NO_CAMERA_INFO, Watcher.image),  # the first one: later there is one
    Injection(Fault.NO_IMAGE, Watcher.info),
    Injection(Fault.FROZEN, still, before=still),
    Injection(Fault.DARK, night),
    Injection(Fault.SATURATED, glare),
    Injection(Fault.BLURRED, fog),
    Injection(Fault.STAMP_BACKWARDS, backwards),
    Injection(Fault.STAMP_REPEATED, repeated),
    Injection(Fault.STAMP_JUMP, jumping, {'safety__max_age_s': 0.0}, {'safety__max_age_s': 20.0}),
    Injection(Fault.STAMP_OLD, old),
    Injection(Fault.STAMP_FUTURE, early, {'safety__max_jump_s': 0.0}, {'safety__max_jump_s': 3.0}),
    Injection(
        Fault.STAMP_FUTURE, tomorrow, {'safety__max_jump_s': 0.0}, {'safety__max_jump_s': 3.0}
    ),
    Injection(Fault.CAMERA_MISMATCH, foreign),
    Injection(Fault.UNCALIBRATED, uncalibrated),
    Injection(Fault.UNREADABLE, unreadable),
    Injection(Fault.DEGENERATE, Watcher.view, {'min_depth_m': 19.0}, {'min_depth_m': 0.1}),
    Injection(
        Fault.SCALE_UNKNOWN,
        Watcher.view,
        {'scale__source': 'checkpoint'},
        {'scale__source': 'fixed'},
    ),
    Injection(
        Fault.MOUNT_IMPLAUSIBLE,
        Watcher.view,
        {'mount__pitch_deg': 60.0},
        {'mount__pitch_deg': 0.0},
    ),
    Injection(Fault.MOUNT_IMPLAUSIBLE, body_frame),
    Injection(
        Fault.TOO_SLOW,
        Watcher.view,
        {'safety__max_latency_s': 0.001},
        {'safety__max_latency_s': 10.0},
    ),
]


@pytest.fixture(scope='module')
def watcher(start_robot: Any, weights: Any) -> Watcher:
    robot = start_robot(
        {
            'weights': weights,
            'backend': 'torch',
            'diagnostics_period_s': 0.1,
            'mount.z_m': 1.0,
            'qos_overrides./image.subscription.reliability': 'reliable',
            **LIMITS,
        }
    )
    robot.activate()
    return Watcher(robot)


def blind_by(fault: Fault) -> Callable[[Any], bool]:
    return lambda status: status.values['state.faults'] == fault.value


@pytest.mark.parametrize('injection', INJECTIONS, ids=lambda injection: injection.fault.value)
def test_fault_silences_obstacles_is_named_and_passes(
    watcher: Watcher, injection: Injection
) -> None:
    robot, fault = watcher.robot, injection.fault
    if fault is not Fault.NO_CAMERA_INFO:
        assert watcher.sees()
        injection.before(watcher)
        robot.spin(0.3)  # for what is under way
    watcher.forget()
    assert not robot.set(**injection.begin)
    try:
        status = robot.diagnosis(blind_by(fault), lambda: injection.step(watcher))
        robot.until(lambda: watcher.odometry, 'lost odometry', lambda: injection.step(watcher))
        silent = not any(watcher.said.values())
    finally:
        assert not robot.set(**injection.end)
    assert silent
    assert (status.level, status.values['state']) == (ERROR, 'blind')
    assert ': ' in status.message  # what is wrong, and the remedy
    assert int(status.values[f'faults.{fault.value}']) > 0
    hiccups = SLOW_FRAMES - 1 if fault is Fault.TOO_SLOW else 0  # which are no blindness yet
    for message in watcher.odometry[hiccups:]:
        assert np.array_equal(message.pose.covariance.reshape(6, 6), LOST_VARIANCE * np.eye(6))
        assert np.isfinite(message.twist.covariance).all()
    assert watcher.sees()
    seeing = robot.diagnosis(lambda status: status.values['state'] == 'seeing', watcher.view)
    assert seeing.level < ERROR
    assert seeing.values['state.faults'] == ''


def broken(weights: Any, path: Any, value: float) -> str:
    """Write weights whose disparity is one value everywhere."""
    import torch

    made = load_weights(weights)
    with torch.no_grad():
        for head in made.depth.heads:
            head.conv.weight.zero_()
            head.conv.bias.fill_(value)
    save_weights(made, path)
    return str(path)


@pytest.mark.parametrize(
    ('value', 'fault'), [(float('nan'), Fault.NOT_FINITE), (0.3, Fault.DEGENERATE)]
)
def test_network_that_says_nothing_is_not_listened_to(
    watcher: Watcher, weights: Any, tmp_path: Any, value: float, fault: Fault
) -> None:
    robot = watcher.robot

    def reconfigured(path: str) -> None:
        assert robot.transition('deactivate')
        assert robot.transition('cleanup')
        assert not robot.set(weights=path)
        robot.activate()

    reconfigured(broken(weights, tmp_path / 'broken.safetensors', value))
    watcher.forget()
    status = robot.diagnosis(blind_by(fault), watcher.view)
    assert not any(watcher.said.values())
    assert status.level == ERROR
    assert {m.pose.covariance[0] for m in watcher.odometry} == {LOST_VARIANCE}
    reconfigured(str(weights))
    assert watcher.sees()


def test_second_node_of_the_name_silences_both_until_one_is_gone(
    watcher: Watcher, weights: Any, tmp_path: Any
) -> None:
    robot = watcher.robot
    assert watcher.sees()
    log = (tmp_path / 'log').open('w')
    given = {'weights': weights, 'backend': 'torch', 'scale.source': 'fixed', 'autostart': True}
    options = [part for name, value in given.items() for part in ('-p', f'{name}:={value}')]
    second = subprocess.Popen(
        [sys.executable, '-m', 'lsd_ros.ros.depth_node', '--ros-args', *options],
        env={**os.environ, 'ROS_DOMAIN_ID': str(robot.domain)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        robot.diagnosis(blind_by(Fault.DUPLICATE_NODE), watcher.view)
        robot.spin(0.3)
        watcher.forget()
        # the diagnostics are now those of two
        status = robot.diagnosis(blind_by(Fault.DUPLICATE_NODE), watcher.view)
        assert 'another node called /depth_node publishes' in status.message
        assert 'GID' in status.message
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            watcher.view()
        assert not any(watcher.said.values())  # of either
    finally:
        second.send_signal(signal.SIGINT)
        assert second.wait(30) == 0
    assert watcher.sees()


def test_nothing_of_this_was_a_bug(watcher: Watcher) -> None:
    assert 'Traceback' not in watcher.robot.log
    assert watcher.robot.process.poll() is None
