"""Room for one thing: the newest wins, and what was never taken is counted."""

from __future__ import annotations

import math
import threading
import time
from typing import Generic, TypeVar

T = TypeVar('T')


class Mailbox(Generic[T]):
    """
    Hand the newest thing from threads that must not wait to one thread that may.

    Old camera images are worth nothing to a robot: where they come faster than they are used, only
    the newest is kept.
    """

    def __init__(self) -> None:
        """Start open and empty."""
        self._changed = threading.Condition()
        self._content: T | None = None
        self._closed = False
        self._received = 0
        self._dropped = 0

    def put(self, thing: T) -> None:
        """Leave a thing; one that still lies there is dropped. A closed mailbox takes nothing."""
        with self._changed:
            if self._closed:
                return
            self._received += 1
            if self._content is not None:
                self._dropped += 1
            self._content = thing
            self._changed.notify()

    def take(self, not_before_s: float = -math.inf) -> T | None:
        """
        Wait for a thing and take it out; return None once the mailbox is closed.

        :param not_before_s: monotonic time before which nothing is taken out, so that what comes
            until then is dropped for what is newer [s]
        """
        with self._changed:
            while not self._closed:
                left_s = not_before_s - time.monotonic()
                if left_s > 0:
                    self._changed.wait(left_s)
                elif self._content is None:
                    self._changed.wait()
                else:
                    break
            thing, self._content = self._content, None
            return None if self._closed else thing

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._content = None
            self._changed.notify_all()

    @property
    def received(self) -> int:
        """Return how many things were left here."""
        return self._received

    @property
    def dropped(self) -> int:
        """Return how many things a newer one replaced before they were taken."""
        return self._dropped
