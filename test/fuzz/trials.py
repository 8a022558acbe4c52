"""Damage a file, read it, and judge: a result or one of our errors, in time and in memory."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import random
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mutations import mutated_bytes, mutated_text
from originals import Original
from readers import READERS

from lsd_ros.errors import LsdError

HANG_S = 10
MEMORY_BYTES = 2 * 2**30
GIVE_UP_S = 40.0  # a process that even an alarm does not end
OUTCOMES = ('read', 'refused', 'traceback', 'hang', 'memory', 'crash')
FAILURES = OUTCOMES[2:]
TEXTS = ('texts',)


class Hang(BaseException):
    """A trial took too long; no reader may swallow this."""


@dataclass
class Tally:
    """What became of trials: how many of each outcome, and what the failures were."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    most_bytes: int = 0

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.counts += other.counts
        self.failures += other.failures
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.most_bytes = max(self.most_bytes, other.most_bytes)


def judged(name: str, trial: Callable[[], object]) -> Tally:
    """Run one trial, and judge it."""
    tally = Tally()
    _forget_peak()
    started = time.monotonic()
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        trial()
        outcome = 'read'
    except LsdError as error:
        outcome = 'refused' if str(error).strip() else 'traceback'
    except Hang:
        outcome = 'hang'
        tally.failures.append(f'{name}: hang: {traceback.format_exc(limit=-3)}')
    except BaseException:
        outcome = 'traceback'
        tally.failures.append(f'{name}: {traceback.format_exc(limit=-4)}')
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    tally.slowest_s = time.monotonic() - started
    tally.most_bytes = _peak()
    if tally.most_bytes > MEMORY_BYTES:
        tally.failures.append(f'{name}: {tally.most_bytes / 2**30:.1f} GiB')
        tally.counts['memory'] += 1
    tally.counts[outcome] += 1
    return tally


def file_trial(original: Original, seed: str, folder: Path) -> Callable[[], object]:
    """Return a trial that damages a copy of a file, the same for the same seed, and reads it."""
    rng = random.Random(seed)
    path = folder / original.path.name
    if original.path.is_dir():
        shutil.copytree(original.path, path)
    else:
        shutil.copy(original.path, path)
    inside = original.damaged.relative_to(original.path.parent)
    damaged = folder / inside
    reader = READERS[original.reader]
    if original.reader == 'extraction':  # what is damaged is made by a run before
        reader(path)
    data = (original.damaged if original.damaged.exists() else damaged).read_bytes()
    textual = original.group in TEXTS or original.damaged.suffix == '.json'
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_bytes((mutated_text if textual else mutated_bytes)(rng, data))
    return lambda: reader(path)


def run_files(
    originals: Sequence[Original], count: int, seed: int, keep: Path | None = None
) -> Tally:
    """
    Damage and read files, ``count`` times in turn.

    :param keep: where damaged files that fail are kept; None: nowhere
    """
    tally = Tally()
    for number in range(count):
        original = originals[number % len(originals)]
        name = f'{original.name} {seed}:{number}'
        with tempfile.TemporaryDirectory(prefix='fuzz') as folder:
            made = judged(name, file_trial(original, f'{seed}:{number}', Path(folder)))
            if keep is not None and made.failures:
                shutil.copytree(folder, keep / name.replace('/', '_').replace(':', '_'))
        tally.add(made)
    return tally


def in_processes(jobs: Sequence[tuple[str, Callable[[], Tally]]]) -> Iterator[tuple[str, Tally]]:
    """
    Run each job in a process of its own, one after the other: one that crashes or hangs even in
    foreign code is counted, and takes no other with it.
    """
    context = multiprocessing.get_context('fork')
    for name, job in jobs:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(theirs, job))
        process.start()
        theirs.close()
        yield name, _answer(name, process, ours)


def _answer(name: str, process: Any, connection: Any) -> Tally:
    tally = Tally()
    with contextlib.suppress(EOFError):
        while True:
            if not connection.poll(3600):
                process.kill()
                break
            done = connection.recv()
            if isinstance(done, Tally):
                tally.add(done)
                process.join()
                return tally
    process.join()
    tally.counts['crash'] += 1
    tally.failures.append(f'{name}: its process died with exit code {process.exitcode}')
    return tally


def _run(connection: Any, job: Callable[[], Tally]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (48 * 2**30, resource.RLIM_INFINITY))
    logging.getLogger('lsd_ros').addHandler(logging.NullHandler())
    logging.getLogger('lsd_ros').propagate = False
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # what FFmpeg and libpng say of damaged files
    connection.send(job())


def _hang(*_: object) -> None:
    raise Hang


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path('/proc/self/clear_refs').write_text('5')


def _peak() -> int:
    status = Path('/proc/self/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0]) * 1024
