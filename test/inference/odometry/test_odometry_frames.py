from __future__ import annotations

import math

import numpy as np
import pytest

from lsd_ros.errors import FrameError
from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical, odometry_in_base
from lsd_ros.types import Estimate, RelativePose, Scale

STEP_NS = 100_000_000


def rigid(rotation_axis=(0, 0, 1), angle=0.0, translation=(0, 0, 0)):
    """Rotation by Rodrigues' formula, written apart from the code under test."""
    x, y, z = np.asarray(rotation_axis) / np.linalg.norm(rotation_axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(4)
    matrix[:3, :3] += math.sin(angle) * k + (1 - math.cos(angle)) * k @ k
    matrix[:3, 3] = translation
    return matrix


def estimate_of(previous_from_current, odom_from_camera, covariance=None):
    covariance = np.diag([0.01] * 3 + [0.001] * 3) if covariance is None else covariance
    motion = RelativePose(np.linalg.inv(previous_from_current), 0, STEP_NS, covariance)
    return Estimate(
        stamp_ns=STEP_NS,
        frame_id='camera',
        scale=Scale(1.0, True, 'fixed'),
        motion=motion,
        odom_from_camera=odom_from_camera,
        odom_covariance=covariance,
    )


def test_camera_that_looks_forward_sees_right_as_minus_y_and_down_as_minus_z():
    base_from_camera = base_from_optical(MountSettings(x_m=1.0, y_m=2.0, z_m=3.0))
    points = np.array([[0, 0, 5, 1], [5, 0, 0, 1], [0, 5, 0, 1]]).T
    expected = np.array([[6, 2, 3], [1, -3, 3], [1, 2, -2]]).T
    np.testing.assert_allclose((base_from_camera @ points)[:3], expected, atol=1e-12)


@pytest.mark.parametrize(
    ('mount', 'looks_at'),
    [
        (MountSettings(pitch_deg=90.0), (0, 0, -1)),
        (MountSettings(yaw_deg=90.0), (0, 1, 0)),
        (MountSettings(roll_deg=90.0), (1, 0, 0)),
        (MountSettings(yaw_deg=90.0, pitch_deg=45.0), (0, math.sqrt(0.5), -math.sqrt(0.5))),
    ],
)
def test_mount_angles_turn_the_view_as_their_descriptions_say(mount, looks_at):
    forward = base_from_optical(mount)[:3, :3] @ (0, 0, 1)
    np.testing.assert_allclose(forward, looks_at, atol=1e-12)


def test_rolled_camera_keeps_its_right_side_low_on_the_base():
    right = base_from_optical(MountSettings(roll_deg=90.0))[:3, :3] @ (1, 0, 0)
    np.testing.assert_allclose(right, (0, 0, -1), atol=1e-12)


def test_forward_motion_of_the_camera_is_x_of_the_base():
    step = rigid(translation=(0, 0, 0.5))
    odometry = odometry_in_base(estimate_of(step, step), base_from_optical(MountSettings()))
    np.testing.assert_allclose(odometry.odom_from_base[:3, 3], (0.5, 0, 0), atol=1e-12)
    np.testing.assert_allclose(odometry.twist[:3], (5, 0, 0), atol=1e-9)
    np.testing.assert_allclose(odometry.twist[3:], (0, 0, 0), atol=1e-9)


@pytest.mark.parametrize('yaw', [3e-5, 0.3, 3.0])
def test_base_that_turns_on_the_spot_does_not_move_though_its_camera_does(yaw):
    base_from_camera = base_from_optical(MountSettings(x_m=0.7, y_m=-0.2, z_m=1.1, pitch_deg=20))
    base_motion = rigid((0, 0, 1), yaw)
    camera_motion = np.linalg.inv(base_from_camera) @ base_motion @ base_from_camera
    odometry = odometry_in_base(estimate_of(camera_motion, camera_motion), base_from_camera)
    np.testing.assert_allclose(odometry.odom_from_base, base_motion, atol=1e-9)
    np.testing.assert_allclose(odometry.twist[:3], (0, 0, 0), atol=1e-7)
    np.testing.assert_allclose(odometry.twist[3:], (0, 0, 10 * yaw), rtol=1e-5, atol=1e-8)


def test_twist_held_for_the_step_makes_the_motion_of_the_step():
    base_from_camera = base_from_optical(MountSettings(x_m=0.3, yaw_deg=30))
    step = rigid((0.2, 1, -0.4), 0.6, (0.3, -0.1, 0.9))
    odometry = odometry_in_base(estimate_of(step, step), base_from_camera)
    parts = 20_000
    small = rigid(
        odometry.twist[3:],
        float(np.linalg.norm(odometry.twist[3:])) * 0.1 / parts,
        odometry.twist[:3] * 0.1 / parts,
    )
    integrated = np.linalg.matrix_power(small, parts)
    expected = base_from_camera @ step @ np.linalg.inv(base_from_camera)
    np.testing.assert_allclose(integrated, expected, atol=1e-4)


def test_covariance_is_that_of_perturbed_poses():
    base_from_camera = base_from_optical(MountSettings(x_m=0.8, z_m=0.5, yaw_deg=25))
    pose = rigid((0.1, 1, 0.2), 0.7, (2, 0.1, 4))
    root = np.random.default_rng(3).normal(size=(6, 6)) * 1e-3
    odometry = odometry_in_base(estimate_of(rigid(), pose, root @ root.T), base_from_camera)
    nominal = odometry.odom_from_base
    columns = []
    for column in root.T:
        angle = float(np.linalg.norm(column[3:]))
        perturbed = pose.copy()
        perturbed[:3, :3] = rigid(column[3:], angle)[:3, :3] @ pose[:3, :3]
        perturbed[:3, 3] += column[:3]
        base = base_from_camera @ perturbed @ np.linalg.inv(base_from_camera)
        turn = base[:3, :3] @ nominal[:3, :3].T
        turned = (turn[2, 1], turn[0, 2], turn[1, 0])
        columns.append(np.concatenate([base[:3, 3] - nominal[:3, 3], turned]))
    numeric = np.array(columns).T
    np.testing.assert_allclose(
        odometry.pose_covariance, numeric @ numeric.T, atol=1e-2 * np.max(numeric @ numeric.T)
    )


def test_first_image_has_no_odometry_and_the_error_names_its_stamp():
    estimate = Estimate(stamp_ns=17, frame_id='camera', scale=Scale(1.0, True, 'fixed'))
    with pytest.raises(FrameError, match=r'stamp 17 ns has no pose'):
        odometry_in_base(estimate, np.eye(4))
