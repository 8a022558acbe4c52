"""Vision and another odometry together, on drives through the synthetic world."""

import numpy as np
import odometry_drives as drives
import pytest
from odometry_drives import (
    BASE_FROM_CAMERA,
    START_NS,
    STEP_NS,
    Drive,
    Wheels,
    base_step,
    error_of,
    fixed,
    lasting,
    motion_of,
    nees,
)

from lsd_ros.inference.odometry.fusion import FusionOutcome
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.types import BasePose, Scale

NOISE = lasting(0.08, 0.02, 1e-3, 1e-3, (0.1, 0.3, 0.13), 1.0)
FUSED, ALONE = OdometrySettings(fuse=True), OdometrySettings()
RUNS, FRAMES = 20, 50
SLIP = dict.fromkeys(range(30, 40), (0.25, 0.0, 0.0))
BROKEN = range(30, 36)


@pytest.fixture(scope='module')
def poses():
    return drives.ground_poses('room', 0, FRAMES)


def in_plane(pose):
    """Return x, y and yaw of the base, which is what wheels know."""
    base = BASE_FROM_CAMERA @ pose @ np.linalg.inv(BASE_FROM_CAMERA)
    return np.array([base[0, 3], base[1, 3], np.arctan2(base[1, 0], base[0, 0])])


def errors(poses, settings, **faults):
    """Return the mean squared error in the plane, that of the wheels, and the NEES of each run."""
    truth = np.linalg.inv(poses[0]) @ poses[-1]
    own, wheels, values = [], [], []
    for seed in range(RUNS):
        odometry, wheel_pose = drives.fused_run(poses, NOISE, settings, seed, **faults)
        own.append(in_plane(odometry.odom_from_camera) - in_plane(truth))
        wheels.append(in_plane(wheel_pose) - in_plane(truth))
        values.append(nees(error_of(odometry.odom_from_camera, truth), odometry.covariance))
    squares = [np.mean(np.square(found), axis=0) for found in (own, wheels)]
    places = [found[:2].sum() for found in squares]
    return places, [found[2] for found in squares], np.array(values), odometry.verdicts


def test_fused_is_better_than_either_alone_and_as_sure_as_it_says(poses):
    (fused, wheels), (fused_yaw, wheels_yaw), values, _ = errors(poses, FUSED)
    (vision, _), (vision_yaw, _), _, _ = errors(poses, ALONE)
    assert fused < 0.9 * min(vision, wheels)
    assert fused_yaw < min(vision_yaw, wheels_yaw)
    deviation = np.sqrt(2 / (6 * RUNS))
    assert abs(values.mean() / 6 - 1) < 3.29 * deviation


def test_late_messages_are_fused_all_the_same(poses):
    odometry, _ = drives.fused_run(poses, NOISE, FUSED, 1)
    late, _ = drives.fused_run(poses, NOISE, FUSED, 1, late=3)
    assert late.verdicts[FusionOutcome.FUSED] == len(poses) - 1 - 3
    assert late.verdicts[FusionOutcome.UNFUSED] == 0
    # all but the last three steps are the same
    assert np.linalg.norm((late.odom_from_camera - odometry.odom_from_camera)[:3, 3]) < 0.05


def test_a_slipping_wheel_is_left_out(poses):
    (fused, wheels), _, values, verdicts = errors(poses, FUSED, slips=SLIP)
    (vision, _), _, _, _ = errors(poses, ALONE)
    assert verdicts[FusionOutcome.INPUT_REJECTED] == len(SLIP)
    assert verdicts[FusionOutcome.VISUAL_REJECTED] == 0
    assert fused < min(vision, wheels)
    assert values.mean() / 6 < 1 + 3.29 * np.sqrt(2 / (6 * RUNS))


def test_a_failing_network_is_left_out(poses):
    (fused, wheels), _, values, verdicts = errors(poses, FUSED, broken=BROKEN)
    assert verdicts[FusionOutcome.VISUAL_REJECTED] == len(BROKEN)
    assert verdicts[FusionOutcome.INPUT_REJECTED] == 0
    assert fused < wheels
    assert values.mean() / 6 < 1 + 3.29 * np.sqrt(2 / (6 * RUNS))


def test_nothing_from_odometry_in_is_as_if_nothing_were_asked(poses):
    drive, other = Drive(poses, NOISE, 3), Drive(poses, NOISE, 3)
    asked = Odometry(FUSED, NOISE, OdometryHistory())
    alone = Odometry(ALONE, NOISE)
    for number in range(1, 30):
        asked.advance(motion_of(drive.visual(number), number), fixed(), BASE_FROM_CAMERA)
        alone.advance(motion_of(other.visual(number), number), fixed(), BASE_FROM_CAMERA)
    np.testing.assert_array_equal(asked.odom_from_camera, alone.odom_from_camera)
    assert asked.verdicts[FusionOutcome.UNFUSED] == 29


def test_without_the_place_of_the_camera_nothing_is_fused(poses):
    drive, wheels = Drive(poses, NOISE), Wheels(FUSED)
    odometry = Odometry(FUSED, NOISE, wheels.history)
    for number in range(1, 10):
        wheels.drive(base_step(drive.true_step(number)), number)
        odometry.advance(motion_of(drive.visual(number), number), fixed())
    assert odometry.verdicts == {FusionOutcome.UNFUSED: 9}


def test_a_time_without_images_is_bridged_by_odometry_in(poses):
    drive, wheels = Drive(poses, NOISE), Wheels(FUSED)
    odometry = Odometry(FUSED, NOISE, wheels.history)
    for number in range(1, 40):
        wheels.drive(base_step(drive.true_step(number)), number)
        if number == 15:
            odometry.pause()
            assert odometry.covariance[0, 0] == LOST_VARIANCE
        if not 15 <= number < 30:
            odometry.advance(motion_of(drive.visual(number), number), fixed(), BASE_FROM_CAMERA)
    error = error_of(odometry.odom_from_camera, drive.true_pose(39))
    missed = np.linalg.norm((np.linalg.inv(poses[14]) @ poses[29])[:3, 3])
    assert np.linalg.norm(error[:3]) < 0.3 * missed
    assert nees(error, odometry.covariance) < 22.46


def test_a_scale_from_odometry_in_is_no_second_opinion():
    """Its error is that of the wheels: agreeing with them must not make it smaller."""
    poses = [np.eye(4) for _ in range(41)]
    for number, pose in enumerate(poses):
        pose[:3, :3] = np.eye(3)
        pose[2, 3] = 0.2 * number
    level = np.eye(4)
    level[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    sure = lasting(1e-3, 1e-3, 1e-4, 1e-4, (0.01, 0.01, 0.01), 0.0)
    history = OdometryHistory()
    odometry = Odometry(FUSED, sure, history)
    told = Scale(1.0, True, 'odometry', 0.05)
    history.add(BasePose(START_NS, np.eye(4)))
    for number in range(1, len(poses)):
        base = np.eye(4)
        base[0, 3] = 0.2 * number
        history.add(BasePose(START_NS + number * STEP_NS, base))
        step = np.linalg.inv(poses[number - 1]) @ poses[number]
        odometry.advance(motion_of(step, number), told, level)
    assert odometry.verdicts[FusionOutcome.FUSED] == 40
    assert np.sqrt(odometry.covariance[2, 2]) == pytest.approx(0.05 * 8.0, rel=0.02)


def test_what_the_messages_say_of_their_deviation_counts_more_than_the_settings(poses):
    def gained(covariance):
        history = OdometryHistory()
        drive = Drive(poses, NOISE)
        history.add(BasePose(START_NS, np.eye(4), covariance))
        step = base_step(drive.true_step(1))
        history.add(BasePose(START_NS + STEP_NS, step, covariance))
        odometry = Odometry(FUSED, NOISE, history)
        motion = odometry.advance(motion_of(drive.visual(1), 1), fixed(), BASE_FROM_CAMERA)
        assert odometry.verdicts[FusionOutcome.FUSED] == 1
        return motion.covariance[2, 2]

    unsure, sure = np.diag([1e2] * 6), np.diag([1e-6] * 6)
    assert gained(sure) < 0.3 * gained(None)
    assert gained(None) < 0.7 * gained(unsure)
    assert gained(np.zeros((6, 6))) == gained(None)  # zeros mean that the driver does not know
