"""What a benchmark runs on, and how much time and memory it takes of it."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

from lsd_ros import __version__
from lsd_ros.errors import RosError
from lsd_ros.foreign.optional import version_of
from lsd_ros.inference.backends.processor import processor_name

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

    :raises RosError: it is gone, or belongs to somebody else
    """
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, resident = process.cpu_times(), process.memory_info().rss
    except psutil.Error as error:
        raise RosError(f'cannot measure process {pid}: {error.msg or error}') from error
    return Usage(time.monotonic(), times.user + times.system, resident)


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
    times = psutil.cpu_times()
    inside_user = ('guest', 'guest_nice')  # Linux counts these twice
    idle = ('idle', 'iowait', *inside_user)
    return float(sum(value for name, value in times._asdict().items() if name not in idle))


def resident_bytes() -> int:
    """Return the memory that this process holds now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """Return the most memory that this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return max(most, resident_bytes())  # the kernel may be a little behind


def machine() -> dict[str, Any]:
    """Say what something is measured on."""
    return {
        'lsd_ros': __version__,
        'processor': processor_name(),
        'cores': len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else None,
        'system': platform.platform(),
        'python': platform.python_version(),
        'torch': version_of('torch'),
    }
