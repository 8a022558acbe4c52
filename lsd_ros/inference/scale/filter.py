"""
The factor of a measured scale over time: a Kalman filter on its logarithm that looks before it
leaps.

It starts once enough measurements agree, leaves outliers aside, and starts anew where the newest
measurements agree on something else. How noisy measurements are is measured from their spread.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.scale.scale_settings import ScaleSettings

# Errors of a network stay alike over some frames: within this time they count as one measurement.
CORRELATION_S = 0.2
MEMORY_S = 3.0
FEWEST_REMEMBERED = 16
MOST_REMEMBERED = 128
AGREEING = 8  # measurements that settle the filter
AGREEING_AGAIN = 16  # where others had been settled on before
AGREEING_SHARE = 0.6
SHORTEST_S = 0.6  # in which they must not all have come: errors that are alike would agree
SETTLED_DEVIATION = 0.05
GATE = 2.5  # standard deviations
MAJORITY = 3.0  # standard deviations
NEWEST_S = 1.0
SURPRISE = 2.0  # standard deviations: the factor has changed, and is less sure than it seemed
# A change so large is not followed: it may well be the measurements that are wrong.
CONTRADICTION, LARGEST_CHANGE = 3.0, 0.2  # standard deviations, and difference of logarithms
SMALLEST_SPREAD = 0.005

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """
    One measured factor.

    :param log_factor: logarithm of metres per network unit
    :param deviation: its standard deviation as the source claims it; what the spread shows counts
        where it is larger
    :param way_m: what the camera moved for it, where motion is what was measured [m]
    """

    log_factor: float
    deviation: float
    way_m: float = math.inf


@dataclass(frozen=True)
class Consensus:
    """
    What the majority of some measurements says.

    :param log_factor: their weighted mean
    :param variance: of the mean
    :param spread: standard deviation of one of them
    :param agreeing: number of measurements in the majority
    :param share: of the majority
    :param way_m: of the majority [m]
    """

    log_factor: float
    variance: float
    spread: float
    agreeing: int
    share: float
    way_m: float


@dataclass(frozen=True)
class _Remembered:
    measurement: Measurement
    at_s: float
    repeats: float


class FactorFilter:
    """
    The factor, how sure it is, and for how long nothing has confirmed it.

    :param settings: process noise, and the way that settles it
    """

    def __init__(self, settings: ScaleSettings) -> None:
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._recent: deque[_Remembered] = deque(maxlen=MOST_REMEMBERED)
        self._clock_s = 0.0
        self._measured_s = -math.inf
        self._variance = math.inf
        self.log_factor = 0.0
        self.unconfirmed_s = 0.0
        self.settled = False
        self.contradicted = False

    @property
    def factor(self) -> float:
        """Return metres per network unit; 1 until something was measured."""
        return math.exp(self.log_factor)

    @property
    def deviation(self) -> float:
        """Return the standard deviation of the factor, as a share of it."""
        if not self.settled:
            return math.inf
        return math.hypot(math.sqrt(self._variance), self._settings.reference_deviation)

    @property
    def agreeing(self) -> int:
        """Return how many of the last measurements agree."""
        return _consensus(self._recent).agreeing if self._recent else 0

    @property
    def way_m(self) -> float:
        """Return what the camera moved for the last measurements that agree [m]."""
        return _consensus(self._recent).way_m if self._recent else 0.0

    def wait(self, seconds: float) -> None:
        """Let time pass in which the factor may have wandered."""
        self._clock_s += seconds
        self.unconfirmed_s += seconds
        self._variance += self._settings.process_noise**2 * seconds

    def measure(self, measurement: Measurement) -> None:
        """Take in a measurement of now."""
        since_s = self._clock_s - self._measured_s
        self._measured_s = self._clock_s
        repeats = CORRELATION_S / max(since_s, 1e-3) if math.isfinite(since_s) else 1.0
        self._remember(_Remembered(measurement, self._clock_s, max(1.0, repeats)))
        if not self.settled:
            self._try_to_settle()
            return
        self._compare_with_newest()
        if self.settled:
            self._follow(self._recent[-1])

    def _remember(self, new: _Remembered) -> None:
        recent = self._recent
        recent.append(new)
        while len(recent) > FEWEST_REMEMBERED and recent[0].at_s < self._clock_s - MEMORY_S:
            recent.popleft()

    def _try_to_settle(self) -> None:
        said = _consensus(self._recent)
        wanted = AGREEING_AGAIN if self.contradicted else AGREEING
        if (
            said.agreeing >= wanted
            and said.share >= AGREEING_SHARE
            and self._clock_s - self._recent[0].at_s >= SHORTEST_S
            and said.variance <= SETTLED_DEVIATION**2
            and said.way_m >= self._settings.min_motion_m
        ):
            self.log_factor, self._variance = said.log_factor, said.variance
            self.settled, self.contradicted, self.unconfirmed_s = True, False, 0.0

    def _compare_with_newest(self) -> None:
        """Believe the newest measurements where they agree on something else."""
        begin_s = self._clock_s - NEWEST_S
        newest = [m for m in self._recent if m.at_s >= begin_s] or [self._recent[-1]]
        if len(newest) < AGREEING:
            newest = list(self._recent)[-AGREEING:]
        said = _consensus(newest)
        if len(newest) < AGREEING or said.share < AGREEING_SHARE:
            return
        apart = abs(said.log_factor - self.log_factor)
        expected = math.sqrt(self._variance + said.variance)
        if apart > max(CONTRADICTION * expected, LARGEST_CHANGE):
            self.settled, self.contradicted = False, True
            self._recent.clear()
        elif apart > SURPRISE * expected:
            self._variance = max(self._variance, min(apart, LARGEST_CHANGE) ** 2)

    def _follow(self, new: _Remembered) -> None:
        noise = max(new.measurement.deviation, _consensus(self._recent).spread) ** 2
        innovation = new.measurement.log_factor - self.log_factor
        if innovation**2 > GATE**2 * (self._variance + noise):
            return
        gain = self._variance / (self._variance + noise * new.repeats)
        self.log_factor += gain * innovation
        self._variance *= 1 - gain
        self.unconfirmed_s = 0.0


def _consensus(remembered: deque[_Remembered] | list[_Remembered]) -> Consensus:
    """Find the majority about the weighted median, and its mean."""
    values, deviations, repeats, ways = np.array(
        [
            (m.measurement.log_factor, m.measurement.deviation, m.repeats, m.measurement.way_m)
            for m in remembered
        ]
    ).T
    deviations = np.maximum(deviations, SMALLEST_SPREAD)
    weights = 1 / deviations**2
    centre = _weighted_median(values, weights)
    distance = np.abs(values - centre)
    spread = 1.4826 * _weighted_median(distance, weights)
    agrees = distance <= MAJORITY * np.maximum(deviations, spread)
    values, deviations, repeats, weights = (
        part[agrees] for part in (values, deviations, repeats, weights)
    )
    mean = float(np.average(values, weights=weights))
    independent = max(2.0, float(np.sum(1 / repeats)))  # less one, which the mean has taken up
    square = float(np.average((values - mean) ** 2, weights=weights))
    spread = math.sqrt(square * independent / (independent - 1))
    variances = np.maximum(deviations, spread) ** 2 * repeats
    return Consensus(
        log_factor=mean,
        variance=1 / float(np.sum(1 / variances)),
        spread=spread,
        agreeing=len(values),
        share=float(agrees.mean()),
        way_m=float(ways[agrees].sum()),
    )


def _weighted_median(values: Values, weights: Values) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])
