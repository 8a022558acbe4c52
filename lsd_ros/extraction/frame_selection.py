"""Which frames of a recording are worth keeping, and where one sequence ends."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.extraction.extraction_settings import NONE, ExtractionSettings
from lsd_ros.geometry.resize import thumbnail
from lsd_ros.geometry.rigid import inverse

THINNED, STILL = 'thinned', 'still'
_JITTER = 0.1  # share of the period by which a frame may come early


class FrameDecision(NamedTuple):
    """
    What becomes of a frame.

    :param keep: whether it is kept
    :param cut: whether a sequence ends before it
    """

    keep: bool
    cut: bool


class _Kept(NamedTuple):
    stamp_ns: int
    small: NDArray[np.uint8]
    pose: NDArray[np.float64] | None


class FrameSelector:
    """
    Judges frame after frame; ``dropped`` counts by reason, ``cuts`` counts by reason.

    :param given: rate, gap and thresholds
    :param has_poses: whether the recording has poses at all
    """

    def __init__(self, given: ExtractionSettings, *, has_poses: bool) -> None:
        self._given = given
        self._by_poses = given.still_by == 'poses' or (given.still_by == 'auto' and has_poses)
        self._period_ns = 1e9 / given.rate_hz if given.rate_hz else 0.0
        self._due_ns = -math.inf
        self._last: _Kept | None = None
        self.dropped: Counter[str] = Counter()

    def judge(
        self, stamp_ns: int, image: NDArray[np.uint8], pose: NDArray[np.float64] | None
    ) -> FrameDecision:
        """
        Judge the next frame.

        :param stamp_ns: later than that of the frame before [ns]
        :param image: RGB, shape (H, W, 3)
        :param pose: ``world_from_camera``, shape (4, 4); None where it is not known
        """
        if self._is_early(stamp_ns):
            self.dropped[THINNED] += 1
            return FrameDecision(False, False)
        frame = _Kept(stamp_ns, thumbnail(image), pose)
        last = self._last
        if last is not None and self._is_still(last, frame):
            self.dropped[STILL] += 1
            return FrameDecision(False, False)
        self._last = frame
        self._note_kept(stamp_ns)
        return FrameDecision(True, last is not None and self._is_apart(last, frame))

    def _is_early(self, stamp_ns: int) -> bool:
        return stamp_ns < self._due_ns - _JITTER * self._period_ns

    def _note_kept(self, stamp_ns: int) -> None:
        """Follow the grid of the rate, so that 25 Hz become 10 Hz on average."""
        behind = stamp_ns - self._due_ns > self._period_ns / 2
        self._due_ns = (stamp_ns if behind else self._due_ns) + self._period_ns

    def _is_apart(self, last: _Kept, frame: _Kept) -> bool:
        if frame.stamp_ns - last.stamp_ns > self._given.max_gap_s * 1e9:
            return True
        return (frame.pose is None) != (last.pose is None)  # a sequence has all poses or none

    def _is_still(self, last: _Kept, frame: _Kept) -> bool:
        if self._given.still_by == NONE:
            return False
        change = float(cv2.norm(last.small, frame.small, cv2.NORM_L1)) / frame.small.size
        if change == 0.0:
            return True  # a camera that repeats itself, wherever it is
        if self._by_poses and last.pose is not None and frame.pose is not None:
            motion = inverse(last.pose) @ frame.pose
            turn, _ = cv2.Rodrigues(motion[:3, :3])
            return bool(
                np.linalg.norm(motion[:3, 3]) < self._given.min_translation_m
                and np.degrees(np.linalg.norm(turn)) < self._given.min_rotation_deg
            )
        return change < self._given.min_difference
