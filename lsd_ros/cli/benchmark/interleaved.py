"""Which of several is faster, and by how much: taken in turns, so that all meet the same noise."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.progress import progress

AGAIN = 'again'  # the first contender a second time: what its ratio is off 1 by is noise


@dataclass(frozen=True)
class Turns:
    """
    What the calls of one contender took, one number a round.

    :param cpu_s: CPU time of this process, of all its threads, for one call [s]
    :param wall_s: time that passed for one call [s]
    """

    cpu_s: NDArray[np.float64]
    wall_s: NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """
    One contender over another, round by round.

    :param median: of the rounds
    :param low: a quarter of the rounds is below
    :param high: a quarter of the rounds is above
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: NDArray[np.float64], base: NDArray[np.float64]) -> Ratio:
        """Compare times of the same rounds."""
        low, median, high = np.percentile(seconds / base, (25, 50, 75))
        return cls(float(median), float(low), float(high))

    def __str__(self) -> str:
        """Return the median, and the middle half of the rounds."""
        return f'{self.median:.2f} ({self.low:.2f} .. {self.high:.2f})'


def in_turns(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int, calls: int = 3, settle: int = 1
) -> dict[str, Turns]:
    """
    Call everything in turns, in another order each round.

    :param contenders: what to call, by name
    :param calls: that are measured in a turn; the turn is as long as all of them
    :param settle: calls at the start of a turn that are not measured: caches and threads still
        belong to the others
    """
    order = list(contenders)
    shuffle = random.Random(0).shuffle
    cpu: dict[str, list[float]] = {name: [] for name in order}
    wall: dict[str, list[float]] = {name: [] for name in order}
    with progress('rounds', rounds) as advance:
        for _ in range(rounds):
            shuffle(order)
            for name in order:
                call = contenders[name]
                for _ in range(settle):
                    call()
                began, began_cpu = time.perf_counter(), time.process_time()
                for _ in range(calls):
                    call()
                cpu[name].append((time.process_time() - began_cpu) / calls)
                wall[name].append((time.perf_counter() - began) / calls)
            advance()
    return {name: Turns(np.asarray(cpu[name]), np.asarray(wall[name])) for name in contenders}


def ratios(turns: Mapping[str, Turns]) -> dict[str, dict[str, Any]]:
    """Compare all with the first one, in values that JSON can carry."""
    base = next(iter(turns.values()))
    return {
        name: {
            'cpu_ms': float(np.median(each.cpu_s)) * 1e3,
            'wall_ms': float(np.median(each.wall_s)) * 1e3,
            'cpu_ratio': vars(Ratio.of(each.cpu_s, base.cpu_s)),
            'wall_ratio': vars(Ratio.of(each.wall_s, base.wall_s)),
        }
        for name, each in turns.items()
    }


def ratio_rows(found: Mapping[str, dict[str, Any]]) -> Iterator[list[str]]:
    """Lay out what :func:`ratios` gives, a row each: name, CPU time, wall time."""
    for name, each in found.items():
        yield [
            name,
            f'{each["cpu_ms"]:.2f}',
            str(Ratio(**each['cpu_ratio'])),
            f'{each["wall_ms"]:.2f}',
            str(Ratio(**each['wall_ratio'])),
        ]


ROW_HEAD = ('CPU ms', 'CPU ratio', 'wall ms', 'wall ratio')
