"""Jobs in processes of their own, a few at a time: one that dies takes no other with it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from lsd_ros.errors import LsdError

Advance = Callable[[int, int], object]


class Outcome(NamedTuple):
    """
    What a job came to.

    :param number: of the job
    :param result: what it returned; None where it failed
    :param problem: a sentence where it failed, else empty
    """

    number: int
    result: Any
    problem: str


def run_jobs(
    work: Callable[..., Any],
    jobs: Sequence[tuple[Any, ...]],
    at_once: int,
    advance: Advance,
    *,
    apart: bool = False,
) -> Iterator[Outcome]:
    """
    Run jobs, each ``work(*job, advance)``, and yield what they come to, as they end.

    Where only one runs at once, it runs in this process. Leaving the loop ends what still runs.

    :param work: a function that can be imported
    :param at_once: how many jobs run at the same time
    :param advance: what jobs tell ends up here
    :param apart: even a single one gets a process of its own, because its library may take this
        one with it when it dies, or does not listen to signals
    """
    if not apart and (at_once <= 1 or len(jobs) <= 1):
        for number, job in enumerate(jobs):
            try:
                yield Outcome(number, work(*job, advance), '')
            except (LsdError, OSError) as error:
                yield Outcome(number, None, str(error))
        return
    waiting = list(enumerate(jobs))[::-1]
    running: dict[Connection, _Running] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                started = _Running.start(work, *waiting.pop())
                running[started.connection] = started
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                outcome = running[connection].heard(advance)
                if outcome is not None:
                    running.pop(connection).end()
                    yield outcome
    finally:
        for left in running.values():
            left.end()


class _Running(NamedTuple):
    number: int
    process: Any
    connection: Connection

    @classmethod
    def start(cls, work: Callable[..., Any], number: int, job: tuple[Any, ...]) -> _Running:
        context = multiprocessing.get_context('spawn')  # threads of OpenCV survive no fork
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(theirs, work, job), daemon=True)
        process.start()
        theirs.close()
        return cls(number, process, ours)

    def heard(self, advance: Advance) -> Outcome | None:
        """Take one message of the job; None while it goes on."""
        try:
            kind, content = self.connection.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            how = signal.Signals(-code).name if code and code < 0 else f'exit code {code}'
            return Outcome(self.number, None, f'its process died ({how})')
        if kind == 'advance':
            advance(*content)
            return None
        done = kind == 'done'
        return Outcome(self.number, content if done else None, '' if done else content)

    def end(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.kill()
        self.process.join()


def _end_with_parent() -> None:
    """End this process with the one that started it, which may be killed without a word."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(connection: Connection, work: Callable[..., Any], job: tuple[Any, ...]) -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    os.environ['OMP_NUM_THREADS'] = '1'  # before torch is loaded
    logging.getLogger('lsd_ros').addHandler(logging.NullHandler())
    with contextlib.suppress(BrokenPipeError):  # nobody is left who wants it
        try:
            result = work(*job, lambda done, more: connection.send(('advance', (done, more))))
        except BrokenPipeError:
            raise
        except (LsdError, OSError) as error:
            connection.send(('failed', str(error)))
        else:
            connection.send(('done', result))
