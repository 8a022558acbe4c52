"""So many at once, and so many a second: a limit for what others may ask for too often."""

from __future__ import annotations

import time
from collections.abc import Callable


class Allowance:
    """
    A token bucket.

    :param at_once: how many are allowed in one go, after a pause
    :param per_s: how many a second, on and on
    """

    def __init__(
        self, at_once: int, per_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start full."""
        self._most = float(at_once)
        self._per_s = per_s
        self._clock = clock
        self._left = self._most
        self._last_s = clock()

    def is_allowed(self) -> bool:
        """Return whether one more is allowed now; true counts as one."""
        now_s = self._clock()
        self._left = min(self._most, self._left + (now_s - self._last_s) * self._per_s)
        self._last_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
