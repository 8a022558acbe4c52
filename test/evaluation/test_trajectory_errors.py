from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.errors import FrameError, LsdError
from lsd_ros.evaluation.trajectory import (
    absolute_error_m,
    aligned,
    matched,
    relative_errors,
    segment_errors,
)
from lsd_ros.types import Trajectory


def _turned(angle: float) -> NDArray[np.float64]:
    turn = np.eye(4)
    turn[:2, :2] = (np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))
    return turn


def _chained(motion: NDArray[np.float64], count: int = 400) -> Trajectory:
    poses = [np.eye(4)]
    for _ in range(count - 1):
        poses.append(poses[-1] @ motion)
    return Trajectory(np.arange(count, dtype=np.int64) * 100_000_000, np.stack(poses))


def _arc(length: float = 1.0, turn: float = 0.01, rise: float = 0.02) -> Trajectory:
    motion = _turned(turn)
    motion[:3, 3] = length, 0, rise
    return _chained(motion)


def _moved(path: Trajectory, scale: float) -> Trajectory:
    move = _turned(0.7)
    move[:3, 3] = 5, -3, 2
    poses = move @ path.world_from_camera
    poses[:, :3, 3] *= scale
    return Trajectory(path.stamps_ns, poses)


def test_a_scaled_turned_and_moved_copy_has_no_error_after_sim3_alignment() -> None:
    reference = _arc()
    estimate = _moved(reference, 0.3)
    assert absolute_error_m(estimate, reference, 'sim3') == pytest.approx(0, abs=1e-9)
    assert absolute_error_m(estimate, reference, 'se3') > 1
    laid = aligned(estimate, reference, 'sim3')
    assert laid.scale == pytest.approx(1 / 0.3)
    assert laid.trajectory.world_from_camera == pytest.approx(reference.world_from_camera)


def test_a_shift_is_the_absolute_error_without_alignment() -> None:
    reference = _arc()
    poses = reference.world_from_camera.copy()
    poses[:, :3, 3] += (3, 0, 4)
    estimate = Trajectory(reference.stamps_ns, poses)
    assert absolute_error_m(estimate, reference, 'none') == pytest.approx(5)
    assert absolute_error_m(estimate, reference, 'se3') == pytest.approx(0, abs=1e-9)


def test_relative_errors_are_those_of_one_motion() -> None:
    reference, estimate = _arc(turn=0.0, rise=0.0), _arc(length=1.1, turn=0.02, rise=0.0)
    errors = relative_errors(estimate, reference)
    assert errors.rotation_deg == pytest.approx(np.rad2deg(0.02))
    assert errors.translation_m == pytest.approx(0.1, rel=1e-6)
    assert relative_errors(estimate, reference, 5).rotation_deg == pytest.approx(
        5 * np.rad2deg(0.02)
    )


def test_one_percent_of_length_is_one_percent_of_drift() -> None:
    straight = _arc(turn=0.0, rise=0.0)
    poses = straight.world_from_camera.copy()
    poses[:, :3, 3] *= 1.01
    errors = segment_errors(Trajectory(straight.stamps_ns, poses), straight)
    # a segment ends at the first frame beyond its length, so that it is up to a metre longer
    assert errors.t_rel_percent == pytest.approx(1.0, rel=0.011)
    assert errors.r_rel_deg_per_100m == pytest.approx(0, abs=1e-6)
    starts = {
        length: sum(start + length < 399 for start in range(0, 400, 10))
        for length in (100, 200, 300)
    }
    assert errors.segments == sum(starts.values())


def test_a_constant_turn_is_its_drift_in_degrees_per_100_m() -> None:
    straight = _arc(turn=0.0, rise=0.0)
    drifting = _chained(straight.world_from_camera[1] @ _turned(np.deg2rad(0.01)))
    errors = segment_errors(drifting, straight)
    assert errors.r_rel_deg_per_100m == pytest.approx(1.0, rel=0.011)


def test_poses_are_matched_by_the_nearest_stamp_once_each() -> None:
    reference = _arc()
    late = Trajectory(
        reference.stamps_ns[10:50:2] + 4_000_000, reference.world_from_camera[10:50:2]
    )
    found, wanted = matched(late, reference)
    assert np.array_equal(found.stamps_ns, late.stamps_ns)
    assert np.array_equal(wanted.world_from_camera, found.world_from_camera)
    with pytest.raises(FrameError, match='0 of 20 poses'):
        matched(late, reference, max_difference_s=0.003)


def test_what_cannot_be_measured_is_named() -> None:
    reference, line = _arc(), _arc(turn=0.0, rise=0.0)
    with pytest.raises(FrameError, match='on a line'):
        absolute_error_m(line, line, 'sim3')
    with pytest.raises(FrameError, match='match them by stamp'):
        relative_errors(
            _arc(), Trajectory(reference.stamps_ns[:9], reference.world_from_camera[:9])
        )
    with pytest.raises(FrameError, match='399.1 m has no segment of 1000 m'):
        segment_errors(reference, reference, lengths_m=(1000,))


def test_a_missing_evo_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'evo.core.metrics', None)
    with pytest.raises(LsdError, match=r'install lsd_ros\[evaluation\]'):
        relative_errors(_arc(), _arc())
