"""Which sentences to say again, where the same thing goes wrong again and again."""

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
