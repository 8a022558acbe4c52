"""How often something may be done or said that others, or errors, ask for too often."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

WARNING_PERIOD_S = 10.0
MOST_REMEMBERED = 100


class LogThrottle:
    """Says whether a sentence is news, or was said a while ago; its numbers do not matter."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember nothing yet."""
        self._clock = clock
        self._said_s: dict[str, float] = {}

    def is_due(self, sentence: str) -> bool:
        """Return whether to say a sentence now; true counts as said."""
        key = re.sub(r'\d+', '#', sentence)
        now = self._clock()
        if now - self._said_s.get(key, -WARNING_PERIOD_S) < WARNING_PERIOD_S:
            return False
        if len(self._said_s) >= MOST_REMEMBERED:
            self._said_s.clear()
        self._said_s[key] = now
        return True


class TokenBucket:
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
