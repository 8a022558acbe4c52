"""
Scale from another odometry: the way that it says the camera went, over what the images show.

The two rarely come together: motions between images wait until the odometry has reached them.
Steps are joined until they are long enough to compare, and the odometry's way is divided by what
vision saw along it. Noise of vision stands in the denominator once and averages out, where the
ratio of the lengths would see every noisy step as too long.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from lsd_ros.geometry.rigid import inverse
from lsd_ros.inference.odometry.frames import BODY_FROM_OPTICAL
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.scale.filter import FactorFilter, Measurement
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.scale.scale_status import scale_status
from lsd_ros.inference.scale.source import NS_PER_S, Matrix, Observation
from lsd_ros.types import Scale

NAME = 'odometry'
LOOKING_AHEAD = np.eye(4)  # base_from_camera where nobody says it
LOOKING_AHEAD[:3, :3] = BODY_FROM_OPTICAL
WAIT_NS = NS_PER_S  # for the odometry to reach an image
MOST_WAITING = 256
SHORTEST_WAY_M = 0.02  # of steps that are compared
LONGEST_S = 1.0  # in which they must come together: slower counts as standing
STANDING_M_S = 0.02
LARGEST_ANGLE_COSINE = math.cos(math.radians(45.0))
CLAIMED_DEVIATION = 0.05  # of one comparison; what they scatter counts where it is more
AGAINST = 0.7  # share of comparisons in other directions that is no chance
ASTRAY_OVER = 10

NOTHING_HEARD = (
    'odometry_in says nothing about the time of the images: publish it, with stamps of the same '
    'clock'
)
ASTRAY = (
    'vision and odometry_in do not go in the same direction: check the transform from the base '
    'frame to the camera, or mount.*, and the signs of odometry_in'
)
BLIND = 'the images show no motion: images must follow each other within odometry.max_gap_s'
STANDS = 'the robot has not moved: drive it some way'


@dataclass(frozen=True)
class _Step:
    """
    What happened between two frames.

    :param previous_from_current: of the camera [network units], shape (4, 4); None: not known
    """

    previous_ns: int
    current_ns: int
    previous_from_current: Matrix | None
    base_from_camera: Matrix

    @property
    def seconds(self) -> float:
        return (self.current_ns - self.previous_ns) / NS_PER_S


@dataclass
class _Stretch:
    """Joined steps, as vision and as the odometry tell them."""

    seen: Matrix
    driven: Matrix
    seconds: float = 0.0

    @classmethod
    def empty(cls) -> _Stretch:
        return cls(np.eye(4), np.eye(4))


class OdometryScale:
    """
    Compares the motion that the images show with that of another odometry.

    :param settings: of the scale; its source is ``odometry``
    :param odometry_in: what the other odometry has said; somebody else fills it
    """

    needs_depth = False
    needs_motion = True

    def __init__(self, settings: ScaleSettings, odometry_in: OdometryHistory) -> None:
        self._settings = settings
        self._history = odometry_in
        self._filter = FactorFilter(settings)
        self.reset()

    def reset(self) -> None:
        """Forget everything that was measured."""
        self._filter.reset()
        self._waiting: deque[_Step] = deque(maxlen=MOST_WAITING)
        self._stretch = _Stretch.empty()
        self._astray: deque[bool] = deque(maxlen=ASTRAY_OVER)
        self._last_ns: int | None = None
        self._missing = STANDS

    def update(self, seen: Observation) -> Scale:
        """Take in the motion into a frame, and compare what the odometry has reached."""
        if self._last_ns is not None and seen.stamp_ns < self._last_ns:
            self.reset()
        if self._last_ns is not None and seen.stamp_ns > self._last_ns:
            self._waiting.append(_step(seen, self._last_ns))
        self._last_ns = seen.stamp_ns
        while self._waiting and self._handle(self._waiting[0], seen.stamp_ns):
            self._waiting.popleft()
        return scale_status(self._filter, self._settings, NAME, self._missing)

    def _handle(self, step: _Step, now_ns: int) -> bool:
        """Compare a step; return whether it is done with."""
        driven = self._history.between(step.previous_ns, step.current_ns)
        if driven is None:
            if now_ns - step.current_ns < WAIT_NS:
                return False
            self._pass_over(step, NOTHING_HEARD)
            return True
        camera = inverse(step.base_from_camera) @ driven @ step.base_from_camera
        if step.previous_from_current is None:
            if float(np.linalg.norm(camera[:3, 3])) > STANDING_M_S * step.seconds:
                self._pass_over(step, BLIND)
            return True
        self._join(step.previous_from_current, camera, step.seconds)
        return True

    def _pass_over(self, step: _Step, why: str) -> None:
        """Let time pass without a measurement, unless even the images show a robot that stands."""
        self._stretch = _Stretch.empty()
        self._missing = why
        seen = step.previous_from_current
        way_m = math.inf if seen is None else float(np.linalg.norm(seen[:3, 3]))
        if way_m * self._filter.factor > STANDING_M_S * step.seconds:
            self._filter.wait(step.seconds)

    def _join(self, seen: Matrix, driven: Matrix, seconds: float) -> None:
        stretch = self._stretch
        stretch.seen, stretch.driven = stretch.seen @ seen, stretch.driven @ driven
        stretch.seconds += seconds
        way_m = float(np.linalg.norm(stretch.driven[:3, 3]))
        if way_m >= SHORTEST_WAY_M and way_m >= STANDING_M_S * stretch.seconds:
            self._compare(stretch, way_m)
        elif stretch.seconds < LONGEST_S:
            return
        else:
            self._missing = STANDS
        self._stretch = _Stretch.empty()

    def _compare(self, stretch: _Stretch, way_m: float) -> None:
        """Measure the factor on a stretch that is long enough."""
        self._filter.wait(stretch.seconds)
        seen, driven = stretch.seen[:3, 3], stretch.driven[:3, 3]
        along = float(seen @ driven) / way_m
        self._astray.append(along <= LARGEST_ANGLE_COSINE * float(np.linalg.norm(seen)))
        if not self._astray[-1]:
            self._missing = ''
            measured = Measurement(math.log(way_m / along), CLAIMED_DEVIATION, way_m)
            self._filter.measure(measured)
        elif len(self._astray) == ASTRAY_OVER and np.mean(self._astray) >= AGAINST:
            self._missing = ASTRAY


def _step(seen: Observation, last_ns: int) -> _Step:
    mount = LOOKING_AHEAD if seen.base_from_camera is None else seen.base_from_camera
    if seen.motion is None:
        return _Step(last_ns, seen.stamp_ns, None, mount)
    motion = seen.motion
    previous_from_current = inverse(motion.current_from_previous)
    return _Step(motion.previous_ns, motion.current_ns, previous_from_current, mount)
