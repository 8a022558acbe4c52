"""Do the stamps of the images tell a time that can be: forwards, and near the node's clock."""

from __future__ import annotations

import math
from collections import deque

from lsd_ros.safety.faults import Fault, Finding
from lsd_ros.safety.safety_settings import SafetySettings

OTHER_CLOCK_S = 3600.0
REMEMBERED = 30  # images that a jam of the network may hold up
NS_PER_S = 1e9


class StampCheck:
    """
    Compares the stamp of each image with the one before, with its arrival and with the clock.

    A bag that is played without ``/clock`` has stamps of another time: more than an hour in the
    past the age of an image says nothing, so it is not judged and :attr:`warning` says so. The
    future has no such exemption: who listens would hold an obstacle source of tomorrow for valid
    until then. Nothing else depends on the clock of the node, which may be that of a simulation.
    """

    def __init__(self) -> None:
        """Know no image yet."""
        self._last_ns: int | None = None
        self._leads_s: deque[float] = deque(maxlen=REMEMBERED)
        self._offset_ns = 0
        self.warning: str | None = None

    def findings(
        self, stamp_ns: int, arrived_s: float, now_ns: int, settings: SafetySettings
    ) -> tuple[Finding, ...]:
        """
        Take the next image and say what is wrong with its stamp.

        :param stamp_ns: of the image [ns]
        :param arrived_s: when it came, by a steady clock [s]
        :param now_ns: the clock of the node [ns]; 0: simulated time that has not begun
        """
        if stamp_ns < 0:  # before 1970: no message can say it again
            seen = f'the stamp of the image is negative, {stamp_ns / NS_PER_S:.3f} s'
            return (Fault.STAMP_OLD.found(seen),)
        step = self._step(stamp_ns, arrived_s, settings)
        return step + self._age(stamp_ns, now_ns, settings)

    def camera_time_ns(self, now_ns: int) -> int:
        """Return the time of the node's clock, on the clock that stamps the images [ns]."""
        return max(0, now_ns - self._offset_ns)

    def forget(self) -> None:
        """Compare the next stamp with none."""
        self._last_ns = None
        self._leads_s.clear()
        self.warning = None

    def _step(
        self, stamp_ns: int, arrived_s: float, settings: SafetySettings
    ) -> tuple[Finding, ...]:
        last_ns, self._last_ns = self._last_ns, stamp_ns
        # that of the image with the shortest way here: after a jam of the network the images catch
        # up, which is no jump
        usual_s = max(self._leads_s, default=math.inf)
        lead_s = stamp_ns / NS_PER_S - arrived_s
        self._leads_s.append(lead_s)
        if last_ns is None:
            return ()
        step_s = (stamp_ns - last_ns) / NS_PER_S
        if step_s == 0:
            return (Fault.STAMP_REPEATED.found(f'two images have the same stamp, {stamp_ns} ns'),)
        if step_s < 0:
            self._leads_s = deque([lead_s], maxlen=REMEMBERED)
            seen = f'the stamps of the images went backwards by {-step_s:.3f} s'
            return (Fault.STAMP_BACKWARDS.found(seen),)
        if settings.max_jump_s and lead_s - usual_s > settings.max_jump_s:
            seen = f'the stamps of the images jumped ahead by {lead_s - usual_s:.2f} s'
            return (Fault.STAMP_JUMP.found(seen),)
        return ()

    def _age(self, stamp_ns: int, now_ns: int, settings: SafetySettings) -> tuple[Finding, ...]:
        age_s = (now_ns - stamp_ns) / NS_PER_S
        self._offset_ns, self.warning = 0, None
        if now_ns == 0:
            return ()
        unjudged = settings.max_age_s == 0
        if age_s > OTHER_CLOCK_S or (unjudged and age_s < -OTHER_CLOCK_S):
            self._offset_ns = now_ns - stamp_ns
            if not unjudged:
                self.warning = _other_clock(age_s)
            return ()
        if unjudged or abs(age_s) <= settings.max_age_s:
            return ()
        if age_s > 0:
            return (Fault.STAMP_OLD.found(f'the image is {age_s:.2f} s old'),)
        ahead = f'{-age_s:.2f} s' if age_s > -OTHER_CLOCK_S else f'{-age_s / 3600:.1f} hours'
        return (Fault.STAMP_FUTURE.found(f'the image is {ahead} from the future'),)


def _other_clock(age_s: float) -> str:
    return (
        f'the stamps of the images are {age_s / 3600:.0f} hours behind the clock of the '
        'node, so the age of an image is not judged: play bags with --clock and set use_sim_time, '
        'synchronise the clocks, or set safety.max_age_s to 0'
    )
