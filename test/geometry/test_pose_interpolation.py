from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsd_ros.geometry.rigid import inverse, poses_at
from lsd_ros.types import Trajectory


def turning(stamps_ns: list[int]) -> Trajectory:
    """Turn by 0.2 rad and move by 3 m per second, about and along fixed axes."""
    poses = np.tile(np.eye(4), (len(stamps_ns), 1, 1))
    for pose, stamp_ns in zip(poses, stamps_ns, strict=True):
        pose[:3, :3] = cv2.Rodrigues(np.array((0.0, 0.2, 0.0)) * stamp_ns / 1e9)[0]
        pose[:3, 3] = np.array((0.0, 0.0, 3.0)) * stamp_ns / 1e9
    return Trajectory(np.array(stamps_ns, np.int64), poses)


def test_steady_motion_is_interpolated_exactly() -> None:
    wanted = np.array([0, 250_000_000, 1_000_000_000, 1_900_000_000], np.int64)
    found = poses_at(turning([0, 10**9, 2 * 10**9]), wanted, max_gap_ns=10**9)
    np.testing.assert_allclose(found, turning(wanted.tolist()).world_from_camera, atol=1e-12)


def test_there_is_no_pose_in_a_gap_nor_outside() -> None:
    measured = turning([0, 10**8, 10**9])
    wanted = np.array([-(10**7), 10**8, 5 * 10**8, 10**9, 10**9 + 10**7], np.int64)
    found = poses_at(measured, wanted, max_gap_ns=2 * 10**8)
    known = np.isfinite(found).all(axis=(1, 2))
    assert known.tolist() == [False, True, False, True, False]


def test_an_image_beside_the_first_pose_by_a_rounding_has_it() -> None:
    found = poses_at(turning([100, 10**8]), np.array([0], np.int64), max_gap_ns=10**9)
    assert found[0] == pytest.approx(turning([100]).world_from_camera[0])


def test_inverse_undoes() -> None:
    pose = turning([7 * 10**8]).world_from_camera[0]
    np.testing.assert_allclose(inverse(pose) @ pose, np.eye(4), atol=1e-12)
