"""The thread that does the work, so that the thread of the callbacks stays free."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from lsd_ros.ros.mailbox import Mailbox

T = TypeVar('T')


class Worker(Generic[T]):
    """Takes the newest thing out of a mailbox, again and again, and handles it."""

    def __init__(self, mailbox: Mailbox[T], handle: Callable[[T], None]) -> None:
        """Start the thread."""
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
        while (thing := self._mailbox.take()) is not None:
            self._handle(thing)
