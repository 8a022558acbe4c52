#!/usr/bin/env python3
"""
Read thousands of damaged files of every kind, and count what became of them: ``make fuzz``.

The same seed gives the same files. The exit code is 1 where anything but a result or one sentence
came out, or it took more than ten seconds or two gibibytes.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from options import run_calls, run_training_settings
from originals import Original, make_originals
from trials import FAILURES, OUTCOMES, Tally, in_processes, run_files

BATCH = 250
COUNTS = {'bags': 10_000, 'weights': 1_000, 'texts': 1_000, 'images': 1_000, 'videos': 200}
EACH = ('texts', 'images')  # so many of each format, not of all together
CALL_BATCHES = 16


def main() -> int:
    """Run all, and print a table."""
    given = _parser().parse_args()
    started = time.monotonic()
    print(f'seed {given.seed}', flush=True)
    total: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix='fuzz') as folder:
        originals = make_originals(Path(folder))
        jobs = _jobs(originals, given)
        for number, (name, tally) in enumerate(in_processes(jobs), start=1):
            total.setdefault(name, Tally()).add(tally)
            for failure in tally.failures:
                print(f'FAILED {failure}', flush=True)
            if number % 20 == 0:
                print(f'{number} of {len(jobs)} batches', file=sys.stderr, flush=True)
    print(_table(total))
    print(f'{time.monotonic() - started:.0f} s')
    return 1 if any(tally.counts[name] for tally in total.values() for name in FAILURES) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--seed', type=int, default=int.from_bytes(os.urandom(3), 'big'))
    parser.add_argument('--keep', type=Path, help='folder for damaged files that fail')
    parser.add_argument('--skip-options', action='store_true', help='files alone')
    for group, count in COUNTS.items():
        what = 'of each format' if group in EACH else 'of all formats together'
        parser.add_argument(f'--{group}', type=int, default=count, metavar='N', help=what)
    return parser


def _jobs(
    originals: list[Original], given: argparse.Namespace
) -> list[tuple[str, Callable[[], Tally]]]:
    jobs: list[tuple[str, Callable[[], Tally]]] = []
    for group in COUNTS:
        of_group = [original for original in originals if original.group == group]
        parts = [[one] for one in of_group] if group in EACH else [of_group]
        for part in parts:
            name = part[0].name if group in EACH else group
            left = getattr(given, group)
            while left > 0:
                count = min(BATCH, left)
                seed = given.seed * 1_000_003 + len(jobs)
                job = functools.partial(run_files, part, count, seed, given.keep)
                jobs.append((f'{group}: {name}' if group in EACH else group, job))
                left -= count
    if not given.skip_options:
        for share in range(CALL_BATCHES):
            job = functools.partial(run_calls, originals, (share, CALL_BATCHES))
            jobs.append(('options of the verbs', job))
        jobs.append(('settings of the trainings', run_training_settings))
    return jobs


def _table(total: dict[str, Tally]) -> str:
    lines = ['| what | ' + ' | '.join(('tried', *OUTCOMES, 'slowest', 'most memory')) + ' |']
    lines.append('|---' * (len(OUTCOMES) + 4) + '|')
    for name, tally in total.items():
        tried = sum(tally.counts[outcome] for outcome in OUTCOMES if outcome != 'memory')
        counts = [str(tally.counts[outcome]) for outcome in OUTCOMES]
        rest = [f'{tally.slowest_s:.1f} s', f'{tally.most_bytes / 2**20:.0f} MiB']
        lines.append(f'| {name} | ' + ' | '.join([str(tried), *counts, *rest]) + ' |')
    return '\n'.join(lines)


if __name__ == '__main__':
    sys.exit(main())
