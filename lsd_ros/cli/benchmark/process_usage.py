"""Time and memory of other processes, from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsd_ros.errors import RosError

PERIOD_S = 1.0
MANY = 1000  # frames; of fewer, growth says nothing
ENDS = 5  # samples at either end that stand for the memory there


@dataclass(frozen=True)
class Usage:
    """
    What a process has used at one moment.

    :param at_s: monotonic time
    :param cpu_s: processor time since its start
    :param resident_bytes: memory that it holds
    """

    at_s: float
    cpu_s: float
    resident_bytes: int


def usage(pid: int) -> Usage:
    """
    Read what a process has used.

    :raises RosError: it is gone, or this system has no /proc
    """
    try:
        status = Path(f'/proc/{pid}/status').read_text()
        stat = Path(f'/proc/{pid}/stat').read_text()
    except OSError as error:
        raise RosError(f'cannot measure process {pid}: {error.strerror}') from error
    lines = (line.split() for line in status.splitlines())
    resident = next((int(words[1]) * 1024 for words in lines if words[0] == 'VmRSS:'), 0)
    fields = stat.rpartition(')')[2].split()  # the name before may hold anything
    user, system = int(fields[11]), int(fields[12])
    return Usage(time.monotonic(), (user + system) / os.sysconf('SC_CLK_TCK'), resident)


class Meter:
    """
    Notes what some processes use, once a second.

    :param pids: of the processes, by name
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._samples: dict[str, list[Usage]] = {name: [] for name in pids}
        self._busy_s: list[float] = []
        self._due_s = 0.0

    def note_when_due(self) -> bool:
        """Take the next sample where it is time to, and return whether it was."""
        if time.monotonic() < self._due_s:
            return False
        self._due_s = time.monotonic() + PERIOD_S
        self.note()
        return True

    def note(self) -> None:
        """Take a sample."""
        for name, pid in self._pids.items():
            self._samples[name].append(usage(pid))
        self._busy_s.append(_busy_s())

    def results(self, frames: float) -> dict[str, dict[str, Any]]:
        """
        Return the share of one core of each process and of everything else, and memory.

        :param frames: how many there were meanwhile; growth is told only of many
        """
        found = {name: _result(taken, frames) for name, taken in self._samples.items()}
        taken = next(iter(self._samples.values()))
        busy = (self._busy_s[-1] - self._busy_s[0]) / (taken[-1].at_s - taken[0].at_s)
        ours = sum(result['cpu_share'] for result in found.values())
        return {**found, 'others': {'cpu_share': max(0.0, busy - ours)}}


def _result(taken: list[Usage], frames: float) -> dict[str, Any]:
    first, last = taken[0], taken[-1]
    resident = np.array([sample.resident_bytes for sample in taken], np.float64)
    at_s = np.array([sample.at_s for sample in taken]) - first.at_s
    grown = float(np.polyfit(at_s, resident, 1)[0]) * at_s[-1]
    return {
        'cpu_share': (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s),
        'resident_bytes': {
            'start': float(resident[:ENDS].mean()),
            'end': float(resident[-ENDS:].mean()),
            'most': float(resident.max()),
        },
        'growth_bytes_per_1000_frames': grown / frames * 1000 if frames >= MANY else None,
    }


def _busy_s() -> float:
    """Return the processor time that everything on this machine has used."""
    names = ('user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal')
    words = Path('/proc/stat').read_text().split(maxsplit=len(names) + 1)[1 : len(names) + 1]
    ticks = dict(zip(names, map(int, words), strict=True))
    return (sum(ticks.values()) - ticks['idle'] - ticks['iowait']) / os.sysconf('SC_CLK_TCK')
