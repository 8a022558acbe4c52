"""Work that takes long, on a thread beside whoever waits for it."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar('T')

THREAD = 'lsd_ros_builder'


class Beside(Generic[T]):
    """
    Something that is being made on a thread of its own.

    :param make: makes it; log messages belong to whoever starts this
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._since_s = time.monotonic()
        # A daemon: what cannot be cut off must not keep the process from its end.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._run,), name=THREAD, daemon=True).start()

    @property
    def seconds(self) -> float:
        """Return for how long it has been worked on [s]."""
        return time.monotonic() - self._since_s

    def wait(self, seconds: float) -> bool:
        """Wait at most so long [s]; return whether it is done."""
        return self._done.wait(seconds)

    def result(self) -> T:
        """Return what was made, once it is done; raise what went wrong with it."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._made is not None
        return self._made

    def _run(self) -> None:
        try:
            self._made = self._make()
        except BaseException as error:  # it belongs to whoever asks for the result
            self._error = error
        finally:
            self._done.set()


def is_at_work() -> bool:
    """Return whether anything is still being made in this process."""
    return any(thread.name == THREAD for thread in threading.enumerate())
