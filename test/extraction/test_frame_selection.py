from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.extraction.frame_selection import FrameSelector

SECOND = 10**9


def noise(index: int) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def kept(selector: FrameSelector, stamps: NDArray[np.int64]) -> list[int]:
    return [
        index
        for index, stamp in enumerate(stamps)
        if selector.judge(int(stamp), noise(index), None).keep
    ]


def at(forward: float, yaw: float = 0.0) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:2, :2] = ((np.cos(yaw), -np.sin(yaw)), (np.sin(yaw), np.cos(yaw)))
    pose[0, 3] = forward
    return pose


def test_a_rate_is_met_on_average_whatever_the_jitter() -> None:
    rng = np.random.default_rng(0)
    for source_hz in (10, 25, 30):
        stamps = (
            np.arange(20 * source_hz) / source_hz + rng.uniform(0, 0.004, 20 * source_hz)
        ) * SECOND
        selector = FrameSelector(ExtractionSettings(rate_hz=10), has_poses=False)
        assert abs(len(kept(selector, stamps.astype(np.int64))) - 200) <= 2, source_hz
    slower = FrameSelector(ExtractionSettings(rate_hz=10), has_poses=False)
    assert len(kept(slower, np.arange(50) * SECOND // 4)) == 50


def test_still_frames_are_those_that_differ_little_from_the_last_kept() -> None:
    selector = FrameSelector(ExtractionSettings(min_difference=2.0), has_poses=False)
    levels = (100, 101, 102, 103, 105, 105)
    verdicts = [
        selector.judge(index * 10**8, np.full((48, 64, 3), level, np.uint8), None).keep
        for index, level in enumerate(levels)
    ]
    assert verdicts == [True, False, True, False, True, False]
    assert selector.dropped == {'still': 3}


def test_poses_tell_standing_from_moving_where_there_are() -> None:
    given = ExtractionSettings(min_translation_m=0.1, min_rotation_deg=2.0)
    selector = FrameSelector(given, has_poses=True)
    poses = (at(0), at(0.06), at(0.12), at(0.12, np.radians(1)), at(0.12, np.radians(3)))
    verdicts = [
        selector.judge(index * 10**8, noise(index), pose).keep for index, pose in enumerate(poses)
    ]
    assert verdicts == [True, False, True, False, True]


def test_a_sequence_is_cut_at_a_gap_and_where_poses_begin_or_end() -> None:
    selector = FrameSelector(ExtractionSettings(max_gap_s=0.5), has_poses=True)
    frames = [(0.0, at(0)), (0.4, at(1)), (1.0, at(2)), (1.2, None), (1.4, None), (1.6, at(3))]
    cuts = [
        selector.judge(int(seconds * SECOND), noise(index), pose).cut
        for index, (seconds, pose) in enumerate(frames)
    ]
    assert cuts == [False, False, True, True, False, True]
