"""What each stage of the work on a frame takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Clock = Callable[[], float]
_CLOCK: ContextVar[Clock] = ContextVar('clock', default=time.perf_counter)


@contextmanager
def timed(stages: dict[str, float], name: str) -> Iterator[None]:
    """Add how long something took [s]."""
    clock = _CLOCK.get()
    began = clock()
    yield
    stages[name] = stages.get(name, 0.0) + clock() - began


@contextmanager
def timed_by(clock: Clock) -> Iterator[None]:
    """Time stages by another clock, as that of the CPU time; the usual one shows what passes."""
    token = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(token)
