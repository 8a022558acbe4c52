"""Do results come early enough to drive by."""

from __future__ import annotations

from lsd_ros.safety.faults import Fault, Finding
from lsd_ros.safety.safety_settings import SafetySettings

SLOW_FRAMES = 3  # in a row: one hiccup is no fault


class LatencyCheck:
    """Judges the time from the arrival of an image to its results."""

    def __init__(self) -> None:
        """Start on time."""
        self._late = 0

    def is_late(self, latency_s: float, settings: SafetySettings) -> bool:
        """Take the latency of the next result [s]; return whether it must be withheld."""
        late = latency_s > settings.max_latency_s
        self._late = self._late + 1 if late else 0
        return late

    def findings(self, latency_s: float, settings: SafetySettings) -> tuple[Finding, ...]:
        """Say whether the last results were late by rule, not by chance."""
        if self._late < SLOW_FRAMES:
            return ()
        return (_slow(f'results come {latency_s:.3f} s after their image', settings),)


def stuck_findings(working_s: float, settings: SafetySettings) -> tuple[Finding, ...]:
    """
    Say whether one image takes as long as several that are late.

    :param working_s: for how long it has been worked on; 0: none is [s]
    """
    if working_s <= SLOW_FRAMES * settings.max_latency_s:
        return ()
    return (_slow(f'one image has taken {working_s:.1f} s and is not done', settings),)


def _slow(seen: str, settings: SafetySettings) -> Finding:
    return Fault.TOO_SLOW.found(f'{seen}, {settings.max_latency_s:g} s are allowed')
