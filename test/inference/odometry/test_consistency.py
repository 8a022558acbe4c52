"""The claimed covariance against the errors of many drives through the synthetic world."""

import math

import numpy as np
import odometry_drives as drives
import pytest
from odometry_drives import Drive, error_of, fixed, lasting, motion_of, nees

from lsd_ros.inference.odometry.frames import odometry_in_base
from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.types import Estimate

# what a network trained on KITTI was measured to do: sure of the direction, errors that last
NOISE = lasting(0.08, 0.02, 1e-3, 1e-3, (0.1, 0.3, 0.13), 1.0)
RUNS, FRAMES = 40, 40


def chi_square(quantile_deviations, freedom):
    """Return a quantile by the cube root of Wilson and Hilferty (1931)."""
    third = 2 / (9 * freedom)
    return freedom * (1 - third + quantile_deviations * math.sqrt(third)) ** 3


def within_bounds(values, size=6):
    """Say whether a sum of normalised squared errors is within 99.9 % of its distribution."""
    low, high = (chi_square(z, size * len(values)) for z in (-3.29, 3.29))
    return low < sum(values) < high, (low, sum(values), high)


def driven(poses, noise, seed, *, claimed=None, scale=None):
    drive = Drive(poses, noise, seed)
    odometry = Odometry(OdometrySettings(), claimed or noise)
    for number in range(1, len(poses)):
        motion = odometry.advance(motion_of(drive.visual(number), number), scale or fixed())
    return odometry, motion, drive.true_pose(len(poses) - 1)


@pytest.mark.parametrize(('kind', 'memory_s'), [('corridor', 1.0), ('street', 1.0), ('street', 0)])
def test_normalised_error_of_the_pose_is_within_its_bounds(kind, memory_s):
    noise = lasting(0.08, 0.02, 1e-3, 1e-3, (0.1, 0.3, 0.13), memory_s)
    poses = drives.true_poses(kind, 3, FRAMES)
    values = []
    for seed in range(RUNS):
        odometry, _, truth = driven(poses, noise, seed)
        values.append(nees(error_of(odometry.odom_from_camera, truth), odometry.covariance))
    assert within_bounds(values)[0], within_bounds(values)


def test_errors_that_last_taken_for_independent_ones_would_break_the_bounds():
    poses = drives.true_poses('corridor', 3, FRAMES)
    claimed = lasting(0.08, 0.02, 1e-3, 1e-3, (0.1, 0.3, 0.13), 0.0)
    values = []
    for seed in range(20):
        odometry, _, truth = driven(poses, NOISE, seed, claimed=claimed)
        values.append(nees(error_of(odometry.odom_from_camera, truth), odometry.covariance))
    assert np.mean(values) / 6 > 3


def test_pose_and_velocity_of_the_base_are_as_sure_as_they_say():
    poses = drives.true_poses('street', 1, FRAMES)
    base_from_camera = drives.BASE_FROM_CAMERA
    camera_from_base = np.linalg.inv(base_from_camera)
    step = np.linalg.inv(poses[-2]) @ poses[-1]
    of_pose, of_step = [], []
    for seed in range(RUNS):
        odometry, motion, truth = driven(poses, NOISE, seed)
        told = Estimate(
            motion.current_ns,
            'camera',
            fixed(),
            motion=motion,
            odom_from_camera=odometry.odom_from_camera,
            odom_covariance=odometry.covariance,
        )
        base = odometry_in_base(told, base_from_camera)
        error = error_of(base.odom_from_base, base_from_camera @ truth @ camera_from_base)
        of_pose.append(nees(error, base.pose_covariance))
        moved = base_from_camera @ np.linalg.inv(motion.current_from_previous) @ camera_from_base
        error = error_of(moved, base_from_camera @ step @ camera_from_base) / 0.1
        of_step.append(nees(error, base.twist_covariance))
    assert within_bounds(of_pose)[0], within_bounds(of_pose)
    assert within_bounds(of_step)[0], within_bounds(of_step)


def test_a_scale_that_is_off_all_the_way_is_within_the_covariance():
    quiet = lasting(1e-3, 1e-3, 1e-4, 1e-4, (0.01, 0.01, 0.01), 0.0)
    deviation = 0.05
    for kind in ('corridor', 'room'):
        poses = drives.true_poses(kind, 0, FRAMES)
        values = []
        for seed in range(RUNS):
            factor = 1 + deviation * np.random.default_rng(seed).normal()
            scale = fixed(factor, deviation)
            odometry, _, truth = driven(poses, quiet, seed, scale=scale)
            error = error_of(odometry.odom_from_camera, truth)
            values.append(nees(error, odometry.covariance))
        # a bound from above: exact on a straight way, too large on a bent one, never too small
        assert sum(values) < within_bounds(values)[1][2]
        assert sum(values) > within_bounds(values)[1][0] / 3


def test_a_scale_makes_the_covariance_grow_even_on_the_way_back():
    there = [np.eye(4) for _ in range(11)]
    for number, pose in enumerate(there):
        pose[2, 3] = 0.5 * number
    poses = there + there[-2::-1]
    quiet = lasting(1e-3, 1e-3, 1e-4, 1e-4, (0.01, 0.01, 0.01), 0.0)
    odometry = Odometry(OdometrySettings(), quiet)
    along = []
    for number in range(1, len(poses)):
        step = np.linalg.inv(poses[number - 1]) @ poses[number]
        odometry.advance(motion_of(step, number), fixed(1.0, 0.1))
        along.append(odometry.covariance[2, 2])
    assert (np.diff(along) > 0).all()
    assert math.sqrt(along[9]) == pytest.approx(0.1 * 5.0, rel=0.01)
    assert math.sqrt(along[-1]) >= 0.1 * 5.0
