"""What the node counts and times, between two diagnostics and since its activation."""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from lsd_ros.types import Frame, Scale

REMEMBERED = 300  # frames that percentiles are taken over
PROBE = 16  # brightness is measured on every 16th pixel of every 16th row


class Outcome(Enum):
    """What became of a frame that was taken out of the mailbox."""

    PUBLISHED = 'published'
    IDLE = 'idle'
    DISABLED = 'disabled'
    WITHHELD = 'withheld'
    REFUSED = 'refused'
    FAILED = 'failed'


@dataclass(frozen=True)
class InputQuality:
    """
    What the newest image looks like.

    :param frame_id: its optical frame
    :param encoding: as the message says, or the format of a compressed image
    :param brightness: mean of the pixels, 0 to 255
    """

    frame_id: str
    width: int
    height: int
    encoding: str
    brightness: float

    @classmethod
    def of(cls, frame: Frame, encoding: str) -> InputQuality:
        """Look at an image."""
        probe = max(1, PROBE // frame.factor)
        brightness = float(frame.image[::probe, ::probe].mean())
        return cls(frame.frame_id, *frame.size, encoding, brightness)


@dataclass(frozen=True)
class Percentiles:
    """Of the newest times, which half, 95 and 99 of 100 do not exceed [ms]."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Report:
    """
    The state of the node at one moment.

    :param counts: frames by outcome since the activation
    :param rate_hz: frames published per second of the node's clock since the report before; NaN
        where that clock stood still
    :param input_rate_hz: frames received, likewise
    :param latency: from the arrival of an image to its results being published, in real time
    :param age: from the stamp of an image to its results being published, by the node's clock
    :param stages_ms: the engine's stages, median
    """

    received: int
    dropped: int
    counts: dict[Outcome, int]
    rate_hz: float
    input_rate_hz: float
    latency: Percentiles | None
    age: Percentiles | None
    stages_ms: dict[str, float]
    quality: InputQuality | None
    scale: Scale | None


class Rate:
    """How fast a counter grows, by a clock that may stand still or jump back."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        """Start at zero, now."""
        self._now_ns = now_ns
        self._since_ns = now_ns()
        self._count = 0

    def of(self, count: int) -> float:
        """Return the counts per second since the last call; NaN where no time has passed."""
        since_ns, now_ns = self._since_ns, self._now_ns()
        more = count - self._count
        self._since_ns, self._count = now_ns, count
        # at 0 a simulated time has not begun: what follows is a jump
        return more / ((now_ns - since_ns) * 1e-9) if 0 < since_ns < now_ns else math.nan


class Statistics:
    """Counts on the thread of the worker, reports on that of the diagnostics."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        """
        Start at zero.

        :param now_ns: the clock of the node, which may be that of a simulation [ns]
        """
        self._lock = threading.Lock()
        self._counts: Counter[Outcome] = Counter()
        self._latencies_s: deque[float] = deque(maxlen=REMEMBERED)
        self._ages_s: deque[float] = deque(maxlen=REMEMBERED)
        self._stages_s: dict[str, deque[float]] = {}
        self._quality: InputQuality | None = None
        self._scale: Scale | None = None
        self._rate = Rate(now_ns)
        self._input_rate = Rate(now_ns)

    def count(self, outcome: Outcome) -> None:
        """Count a frame that gave no result."""
        with self._lock:
            self._counts[outcome] += 1

    def saw(self, quality: InputQuality) -> None:
        """Remember what the newest image looks like."""
        with self._lock:
            self._quality = quality

    def estimated(
        self,
        outcome: Outcome,
        latency_s: float,
        age_s: float,
        stages_s: dict[str, float],
        scale: Scale,
    ) -> None:
        """Count a frame that was worked on to the end."""
        with self._lock:
            self._counts[outcome] += 1
            self._latencies_s.append(latency_s)
            self._ages_s.append(age_s)
            for stage, seconds in stages_s.items():
                self._stages_s.setdefault(stage, deque(maxlen=REMEMBERED)).append(seconds)
            self._scale = scale

    def report(self, received: int, dropped: int) -> Report:
        """
        Say how things stand, and start the next interval.

        :param received: images that arrived since the activation
        :param dropped: those of them that a newer one replaced
        """
        with self._lock:
            return Report(
                received=received,
                dropped=dropped,
                counts={outcome: self._counts[outcome] for outcome in Outcome},
                rate_hz=self._rate.of(self._counts[Outcome.PUBLISHED]),
                input_rate_hz=self._input_rate.of(received),
                latency=_percentiles(self._latencies_s),
                age=_percentiles(self._ages_s),
                stages_ms={
                    name: float(np.median(times)) * 1e3 for name, times in self._stages_s.items()
                },
                quality=self._quality,
                scale=self._scale,
            )


def _percentiles(times_s: deque[float]) -> Percentiles | None:
    if not times_s:
        return None
    p50, p95, p99 = (np.percentile(times_s, (50, 95, 99)) * 1e3).tolist()
    return Percentiles(p50, p95, p99)
