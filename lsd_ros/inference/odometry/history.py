"""What another source (wheels, an IMU, SLAM) has lately said about where the robot is."""

from __future__ import annotations

import bisect
import logging
import threading
from collections import deque

import numpy as np

from lsd_ros.geometry.rigid import Matrix, interpolated, inverse, rotation_vector
from lsd_ros.types import BasePose

LOGGER = logging.getLogger(__name__)
NS_PER_S = 1_000_000_000
WINDOW_S = 20.0
LONGEST_GAP_S = 0.5
MOST_POSES = 8192
# A stamp this much behind the newest is a late message; further behind, time itself went back.
LATE_NS = NS_PER_S
# No robot that carries this node moves faster; the slack leaves room for jitter of the stamps.
FASTEST_M_S, SLACK_M = 60.0, 0.5
FASTEST_RAD_S, SLACK_RAD = 20.0, 0.5


class OdometryHistory:
    """
    The last poses of another odometry, asked for at the stamps of images; safe across threads.

    Only motions between two stamps mean anything: where the frame of the source lies is not known.

    :param window_s: how far it reaches back [s]
    :param max_gap_s: between two measurements further apart there is no pose [s]
    """

    def __init__(self, window_s: float = WINDOW_S, max_gap_s: float = LONGEST_GAP_S) -> None:
        self._window_ns = int(window_s * NS_PER_S)
        self._max_gap_ns = int(max_gap_s * NS_PER_S)
        self._poses: deque[BasePose] = deque(maxlen=MOST_POSES)
        self._lock = threading.Lock()

    def add(self, pose: BasePose) -> None:
        """
        Take a measurement; one that does not move forward in time is dropped.

        Where time went back for good, or the robot would have moved faster than any does (a source
        that started anew), everything before is forgotten.
        """
        with self._lock:
            if self._poses:
                late_ns = self._poses[-1].stamp_ns - pose.stamp_ns
                if 0 <= late_ns <= LATE_NS:
                    return
                if late_ns > 0:
                    LOGGER.warning('time of odometry_in went back by %.3f s', late_ns / NS_PER_S)
                    self._poses.clear()
                elif _jumps(self._poses[-1], pose):
                    LOGGER.warning('odometry_in jumped at stamp %d ns', pose.stamp_ns)
                    self._poses.clear()
            self._poses.append(pose)
            while pose.stamp_ns - self._poses[0].stamp_ns > self._window_ns:
                self._poses.popleft()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._poses.clear()

    @property
    def newest_ns(self) -> int | None:
        """Return the stamp of the newest measurement [ns]; None where there is none."""
        with self._lock:
            return self._poses[-1].stamp_ns if self._poses else None

    def pose_at(self, stamp_ns: int) -> Matrix | None:
        """
        Return where the robot was in the frame of the source, shape (4, 4).

        :return: between two measurements it is interpolated; None outside of what is kept, and
            where the measurements around the stamp lie too far apart
        """
        with self._lock:
            return self._interpolated(stamp_ns)

    def between(self, previous_ns: int, current_ns: int) -> Matrix | None:
        """
        Return the motion of the base from one stamp to a later one.

        :return: ``previous_from_current``, shape (4, 4); None where either pose is not known
        """
        with self._lock:
            previous = self._interpolated(previous_ns)
            current = self._interpolated(current_ns)
        return None if previous is None or current is None else inverse(previous) @ current

    def twist_covariance(self, previous_ns: int, current_ns: int) -> Matrix | None:
        """
        Return the largest covariance of the velocity that the source gave for an interval.

        :return: in the base frame, shape (6, 6); None where the source does not say
        """
        with self._lock:
            first = self._index(previous_ns)
            last = min(self._index(current_ns), len(self._poses) - 1)
            given = [self._poses[index].twist_covariance for index in range(first, last + 1)]
        known = [covariance for covariance in given if covariance is not None]
        return max(known, key=np.trace) if known else None

    def _index(self, stamp_ns: int) -> int:
        """Return the first measurement that is not older."""
        return bisect.bisect_left(self._poses, stamp_ns, key=lambda pose: pose.stamp_ns)

    def _interpolated(self, stamp_ns: int) -> Matrix | None:
        after = self._index(stamp_ns)
        if after == len(self._poses):
            return None
        right = self._poses[after]
        if right.stamp_ns == stamp_ns:
            return right.odom_from_base.copy()
        if after == 0:
            return None
        left = self._poses[after - 1]
        apart_ns = right.stamp_ns - left.stamp_ns
        if apart_ns > self._max_gap_ns:
            return None
        share = (stamp_ns - left.stamp_ns) / apart_ns
        return interpolated(left.odom_from_base, right.odom_from_base, share)


def _jumps(last: BasePose, pose: BasePose) -> bool:
    """Say whether the robot would have moved faster than any does."""
    seconds = (pose.stamp_ns - last.stamp_ns) / NS_PER_S
    step = inverse(last.odom_from_base) @ pose.odom_from_base
    moved, turned = np.linalg.norm(step[:3, 3]), np.linalg.norm(rotation_vector(step))
    return bool(
        moved > FASTEST_M_S * seconds + SLACK_M or turned > FASTEST_RAD_S * seconds + SLACK_RAD
    )
