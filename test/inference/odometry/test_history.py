from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.types import BasePose

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000  # stamps of today do not fit a float64


def planar(x: float, y: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    matrix[:2, 3] = x, y
    return matrix


def at(ms: float, matrix: np.ndarray, covariance: np.ndarray | None = None) -> BasePose:
    return BasePose(START_NS + round(ms * MS), matrix, covariance)


def filled(*poses: BasePose, **options: float) -> OdometryHistory:
    history = OdometryHistory(**options)
    for pose in poses:
        history.add(pose)
    return history


def test_pose_between_two_measurements_lies_on_the_line_and_on_the_arc() -> None:
    history = filled(at(0, planar(1, 2, 3.0)), at(100, planar(2, 4, 3.4)))
    # the shortest arc from 3.0 to 3.4 rad goes through pi
    np.testing.assert_allclose(
        history.pose_at(START_NS + 25 * MS), planar(1.25, 2.5, 3.1), atol=1e-12
    )


def test_interpolation_is_exact_to_the_nanosecond_for_stamps_of_today() -> None:
    history = filled(at(0, planar(0)), at(100, planar(0.1e9)))  # too fast: history starts anew
    assert history.pose_at(START_NS) is None
    history = filled(at(0, planar(0)), at(100, planar(1)))
    pose = history.pose_at(START_NS + 50 * MS + 1)
    assert pose is not None
    assert pose[0, 3] == pytest.approx(0.5 + 1e-8, abs=1e-12)


def test_motion_is_in_the_frame_of_the_earlier_base() -> None:
    history = filled(at(0, planar(5, 5, math.pi / 2)), at(100, planar(5, 6, math.pi / 2 + 0.2)))
    np.testing.assert_allclose(
        history.between(START_NS, START_NS + 100 * MS), planar(1, 0, 0.2), atol=1e-12
    )


@pytest.mark.parametrize('ms', [-1, 101])
def test_nothing_is_known_outside_of_what_was_measured(ms: int) -> None:
    history = filled(at(0, planar(0)), at(100, planar(1)))
    assert history.pose_at(START_NS + ms * MS) is None
    assert history.between(START_NS, START_NS + ms * MS) is None


def test_an_empty_history_knows_nothing() -> None:
    history = OdometryHistory()
    assert history.newest_ns is None
    assert history.pose_at(START_NS) is None
    assert history.between(START_NS, START_NS + 1) is None
    assert history.twist_covariance(START_NS, START_NS + 1) is None


def test_a_gap_has_no_pose_inside_but_is_crossed_by_motion_from_end_to_end() -> None:
    history = filled(at(0, planar(0)), at(100, planar(1)), at(800, planar(3)), at(900, planar(4)))
    assert history.pose_at(START_NS + 400 * MS) is None
    assert history.between(START_NS + 50 * MS, START_NS + 400 * MS) is None
    np.testing.assert_allclose(
        history.between(START_NS + 50 * MS, START_NS + 850 * MS), planar(3.0), atol=1e-12
    )


def test_late_and_repeated_measurements_change_nothing() -> None:
    history = filled(at(0, planar(0)), at(100, planar(1)), at(50, planar(9)), at(100, planar(9)))
    assert history.newest_ns == START_NS + 100 * MS
    np.testing.assert_allclose(history.pose_at(START_NS + 50 * MS), planar(0.5), atol=1e-12)


def test_time_that_jumps_back_starts_anew() -> None:
    history = filled(at(5000, planar(0)), at(5100, planar(1)), at(0, planar(2)))
    assert history.newest_ns == START_NS
    assert history.pose_at(START_NS + 5000 * MS) is None


@pytest.mark.parametrize('there', [planar(8.0), planar(0, yaw=3.0)], ids=['place', 'heading'])
def test_a_pose_that_no_robot_can_reach_starts_anew(there: np.ndarray) -> None:
    history = filled(at(0, planar(0)), at(20, planar(0)), at(40, there))
    assert history.between(START_NS, START_NS + 40 * MS) is None
    assert history.pose_at(START_NS + 40 * MS) is not None


def test_memory_is_bounded_in_time_and_in_number() -> None:
    history = OdometryHistory(window_s=1.0)
    for ms in range(0, 3000, 10):
        history.add(at(ms, planar(ms / 1000)))
    assert history.pose_at(START_NS + 1980 * MS) is None
    assert history.pose_at(START_NS + 1990 * MS) is not None
    endless = OdometryHistory(window_s=1e6)
    for ms in range(10_000):
        endless.add(at(ms, planar(0)))
    assert endless.pose_at(START_NS) is None


def test_the_largest_velocity_covariance_of_the_interval_counts() -> None:
    small, large = np.eye(6) * 1e-4, np.eye(6) * 1e-2
    history = filled(at(0, planar(0), small), at(100, planar(0), large), at(200, planar(0), small))
    later = history.twist_covariance(START_NS + 150 * MS, START_NS + 200 * MS)
    both = history.twist_covariance(START_NS + 50 * MS, START_NS + 150 * MS)
    np.testing.assert_array_equal(later, small)
    np.testing.assert_array_equal(both, large)


def test_what_it_returns_is_not_what_it_keeps() -> None:
    history = filled(at(0, planar(1)))
    pose = history.pose_at(START_NS)
    assert pose is not None
    pose[0, 3] = 77
    np.testing.assert_array_equal(history.pose_at(START_NS), planar(1))


def test_readers_beside_a_writer_see_whole_motions_only() -> None:
    """One metre a second throughout: a reader may get nothing, but never another speed."""
    history, done, wrong = OdometryHistory(window_s=0.05), threading.Event(), []

    def read() -> None:
        while not done.is_set():
            newest_ns = history.newest_ns
            if newest_ns is None:
                continue
            motion = history.between(newest_ns - 15 * MS, newest_ns - 5 * MS)
            if motion is not None and abs(motion[0, 3] - 0.01) > 1e-9:
                wrong.append(motion)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for ms in range(3000):
        history.add(at(ms, planar(ms / 1000)))
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong
