"""How long an adaptation has taken so far: the time that is given is for all of its calls."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.foreign.door import ForeignCode

SPENT = 'spent.json'
NOTED_S = 10.0  # what a process that is killed without a word forgets of its time, at most
PLANNED = 'planned'
Note = Callable[[], object]


class SpentTime:
    """
    The time of each step in all calls together, in a file.

    :param work: folder of the file; what is there is gone on from
    """

    def __init__(self, work: Path) -> None:
        self._file = work / SPENT
        self._known: dict[str, Any] = {}
        damaged = ForeignCode(DatasetError, f'{self._file} is damaged')
        with contextlib.suppress(DatasetError), damaged:
            told = json.loads(self._file.read_text(encoding='utf-8'))
            self._known = {name: value for name, value in told.items() if _is_time(name, value)}

    @property
    def seconds(self) -> dict[str, float]:
        """Return the time of each step [s]."""
        return {name: value for name, value in self._known.items() if name != PLANNED}

    @contextlib.contextmanager
    def counted(self, step: str) -> Iterator[Note]:
        """
        Count the time of the block.

        :return: to be called now and then meanwhile, so that it is noted
        :raises DatasetError: the file cannot be written
        """
        before, began = self._known.get(step, 0.0), time.monotonic()
        noted = began

        def note(*, at_once: bool = False) -> None:
            nonlocal noted
            now = time.monotonic()
            self._known[step] = before + now - began
            if at_once or now - noted >= NOTED_S:
                noted = now
                self._write()

        try:
            yield note
        except BaseException:
            with contextlib.suppress(LsdError):  # what matters is the error that is on its way
                note(at_once=True)
            raise
        note(at_once=True)

    def left_for(self, minutes: float, least: float) -> float:
        """
        Return how long to train [s]: what is left of a time, as it was when this was asked first.

        :param minutes: for everything
        :param least: share of it that is trained, whatever else took
        :raises DatasetError: the file cannot be written
        """
        planned = self._known.get(PLANNED)
        if planned is None or planned[0] != minutes:
            whole_s = 60 * minutes
            planned = [minutes, max(whole_s - sum(self.seconds.values()), least * whole_s)]
            self._known[PLANNED] = planned
            self._write()
        return float(planned[1])

    def _write(self) -> None:
        write_atomically(self._file, json.dumps(self._known).encode())


def noting(
    bar: Callable[..., contextlib.AbstractContextManager[Note]], note: Note
) -> Callable[..., contextlib.AbstractContextManager[Note]]:
    """Return a progress bar that notes the time, too, whenever it advances."""

    @contextlib.contextmanager
    def noted(*given: Any) -> Iterator[Note]:
        with bar(*given) as advance:

            def both() -> None:
                advance()
                note()

            yield both

    return noted


def _is_time(name: str, value: Any) -> bool:
    if name == PLANNED:
        return isinstance(value, list) and len(value) == 2
    return isinstance(value, float)
