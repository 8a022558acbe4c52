from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.network_motion import NetworkMotion
from lsd_ros.inference.scale.odometry import OdometryScale
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.scale.source import Observation
from lsd_ros.types import BasePose

KINDS = ('room', 'corridor', 'street')
TENTH_NS = 100_000_000
SETTINGS = ScaleSettings(source='odometry')
FACTOR = 2.5
MOUNT = np.array(((0.0, 0, 1, 0.4), (-1, 0, 0, 0.1), (0, -1, 0, 0.6), (0, 0, 0, 1)))


def step(forward_m=0.05, turn_rad=0.0):
    matrix = np.eye(4)
    matrix[:3, :3] = cv2.Rodrigues(np.array((0, 0, turn_rad), float))[0]
    matrix[0, 3] = forward_m
    return matrix


class Robot:
    """A robot whose steps are told one by one; its camera sees them without noise."""

    def __init__(self, wanted=SETTINGS, mount=MOUNT):
        self.history = OdometryHistory()
        self.source = OdometryScale(wanted, self.history)
        self.mount = mount
        self.pose = np.eye(4)
        self.index = 0
        self.history.add(BasePose(0, self.pose))
        self.scale = self.source.update(Observation(0, base_from_camera=mount))

    def go(self, count, moved, seen=None, wheels=True, blind=False):
        """Make some equal steps; vision may see others, or none, and the wheels be silent."""
        for _ in range(count):
            self.index += 1
            self.pose = self.pose @ moved
            if wheels:
                self.history.add(BasePose(self.index * TENTH_NS, self.pose))
            camera = np.linalg.inv(MOUNT) @ (moved if seen is None else seen) @ MOUNT
            current_from_previous = np.linalg.inv(camera)
            current_from_previous[:3, 3] /= FACTOR
            stamps = ((self.index - 1) * TENTH_NS, self.index * TENTH_NS)
            motion = None if blind else NetworkMotion(current_from_previous, *stamps)
            self.scale = self.source.update(
                Observation(stamps[1], motion=motion, base_from_camera=self.mount)
            )
        return self.scale


def test_exact_motion_gives_the_exact_factor(drives):
    for kind in KINDS:
        run = drives[kind].follow_wheels(SETTINGS, 0.2, MOUNT)
        assert not any(scale.metric for _, scale in run[:8])
        assert all(scale.metric and scale.problem == '' for _, scale in run[20:])
        assert max(abs(error) for error, _ in run[20:]) < 0.01


@pytest.mark.parametrize('corrupted', [0.0, 0.3])
def test_noisy_motion_gives_the_factor_and_a_deviation_that_covers_its_error(
    drives, judge, corrupted
):
    runs = []
    for kind in KINDS:
        for seed in range(14):
            rng = np.random.default_rng((seed, len(kind)))
            wheel = 1 + 0.01 * rng.standard_normal()
            drive = drives[kind]
            runs.append(drive.follow_wheels(SETTINGS, 5.0, MOUNT, rng, corrupted, wheel=wheel))
    judge.right_within_three_seconds(runs)
    judge.deviation_covers(runs)


def test_odometry_may_come_late_or_early():
    for late in (0, 5):
        robot = Robot()
        poses = [step(0.05 * index) for index in range(60)]
        for index in range(1, 60):
            for told in range(max(1, index - late), min(60, index - late + 6)):
                robot.history.add(BasePose(told * TENTH_NS, poses[told]))
            robot.go(1, step(), wheels=False)
        assert robot.scale.metric, late
        assert robot.scale.factor == pytest.approx(FACTOR, rel=0.01)


def test_a_robot_that_stands_settles_nothing_and_unsettles_nothing():
    robot = Robot(ScaleSettings(source='odometry', max_age_s=5.0))
    never = robot.go(40, step(0))
    assert not never.metric
    assert never.problem == 'the robot has not moved: drive it some way'
    driven = robot.go(30, step())
    assert driven.metric
    stood = robot.go(300, step(0))
    assert stood.metric
    assert (stood.factor, stood.deviation) == (driven.factor, driven.deviation)
    shaken = robot.go(300, step(0), seen=step(0.004))  # vision never stands quite still
    assert shaken.metric
    silent = robot.go(300, step(0), wheels=False)  # some wheels say nothing while they stand
    assert silent.metric


def test_a_turn_on_the_spot_counts_by_the_lever_arm_of_the_camera():
    scale = Robot().go(60, step(0, 0.08))
    assert scale.metric
    assert scale.factor == pytest.approx(FACTOR, rel=0.01)


def test_a_short_way_is_not_enough():
    robot = Robot(ScaleSettings(source='odometry', min_motion_m=1.0))
    assert robot.go(15, step()).problem == (
        'the scale has not settled: the camera has moved 0.75 m of scale.min_motion_m, drive on'
    )
    assert robot.go(10, step()).metric


def test_slow_steps_are_joined_until_they_can_be_compared():
    robot = Robot()
    assert robot.go(80, step(0.005)).metric
    assert robot.scale.factor == pytest.approx(FACTOR, rel=0.01)


def test_odometry_that_falls_silent_while_the_robot_drives_ends_the_scale():
    robot = Robot(ScaleSettings(source='odometry', max_age_s=5.0))
    assert robot.go(30, step()).metric
    assert robot.go(40, step(), wheels=False).metric
    silent = robot.go(40, step(), wheels=False)
    assert not silent.metric
    assert 'longer than scale.max_age_s: odometry_in says nothing' in silent.problem
    assert robot.go(30, step()).metric


def test_images_without_motion_end_the_scale_of_a_robot_that_drives():
    robot = Robot(ScaleSettings(source='odometry', max_age_s=5.0))
    robot.go(30, step())
    blind = robot.go(60, step(), blind=True)
    assert not blind.metric
    assert 'the images show no motion' in blind.problem


def test_a_wrong_mount_is_noticed():
    aside = np.eye(4)
    aside[:3, :3] = cv2.Rodrigues(np.array((0, 0, np.pi / 2)))[0]
    robot = Robot(mount=aside @ MOUNT)
    scale = robot.go(40, step())
    assert not scale.metric
    assert 'do not go in the same direction: check the transform' in scale.problem


def test_a_camera_that_nobody_has_placed_looks_ahead_from_the_base():
    scale = Robot(mount=None).go(30, step())
    assert scale.metric
    assert scale.factor == pytest.approx(FACTOR, rel=0.01)


def test_without_odometry_it_is_said_what_is_missing():
    scale = Robot().go(20, step(), wheels=False)
    assert not scale.metric
    assert scale.problem.startswith('odometry_in says nothing about the time of the images')


def test_a_changed_scale_is_settled_anew():
    robot = Robot()
    robot.go(30, step())
    scales = [robot.go(1, step(), seen=step(0.05 / 1.5)) for _ in range(60)]
    metric = [scale.metric for scale in scales]
    assert not any(metric[12:20])
    assert all(metric[40:])
    assert scales[-1].factor == pytest.approx(1.5 * FACTOR, rel=0.02)


def test_time_that_goes_back_starts_anew():
    robot = Robot()
    assert robot.go(30, step()).metric
    assert not robot.source.update(Observation(0, base_from_camera=MOUNT)).metric
