"""The thread that does the work, so that the thread of the callbacks stays free."""

from __future__ import annotations

import contextvars
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from lsd_ros.ros.mailbox import Mailbox

T = TypeVar('T')


class Worker(Generic[T]):
    """
    Takes the newest thing out of a mailbox, again and again, and handles it.

    :param period_s: least time between two of them, of the moment [s]
    """

    def __init__(
        self,
        mailbox: Mailbox[T],
        handle: Callable[[T], None],
        period_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Start the thread."""
        self._period_s = period_s
        self._mailbox = mailbox
        self._handle = handle
        # A daemon: an impatient second Ctrl-C must be able to end the process.
        # In the context of whoever starts it: log messages belong to the same node.
        target = contextvars.copy_context().run
        self._thread = threading.Thread(
            target=target, args=(self._run,), name='lsd_ros_worker', daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Wait until the thing in hand is done; the mailbox is closed for good."""
        self._mailbox.close()
        self._thread.join()

    def _run(self) -> None:
        due_s = -math.inf
        while (thing := self._mailbox.take(due_s)) is not None:
            # from when it was due, so that the rate is kept on the whole; a pause is not made up
            period_s, now_s = self._period_s(), time.monotonic()
            due_s = max(due_s, now_s - period_s / 2) + period_s
            self._handle(thing)
