"""Which samples a step sees: a stream without end that can be entered at any step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch.utils.data import Sampler

from lsd_ros.errors import SettingError


class Draw(NamedTuple):
    """
    One sample of the stream.

    :param sample: its place in the data
    :param epoch: how often all samples were drawn before
    """

    sample: int
    epoch: int


class StepSampler(Sampler[list[Draw]]):
    """
    Shuffled epochs one after the other, cut into steps; processes share each step.

    Which samples a step sees depends on seed and step alone, so that a training is resumed at its
    step, and several processes see together what one process would see.

    :param length: number of samples
    :param samples_per_step: of all processes together
    :param first_step: where to enter, from 0
    :param rank: which of the processes this is
    :param processes: how many there are
    :raises SettingError: the samples of a step cannot be shared equally
    """

    def __init__(
        self,
        length: int,
        samples_per_step: int,
        seed: int,
        *,
        first_step: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if samples_per_step % processes:
            raise SettingError(
                f'loop.batch_size is {samples_per_step}: it must be a multiple of the '
                f'{processes} processes'
            )
        self._length = length
        self._samples_per_step = samples_per_step
        self._seed = seed
        self._first_step = first_step
        self._rank = rank
        self._share = samples_per_step // processes

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield the draws of this process, step after step, without end."""
        epoch, order = -1, []
        step = self._first_step
        while True:
            start = step * self._samples_per_step + self._rank * self._share
            draws = []
            for position in range(start, start + self._share):
                wanted, place = divmod(position, self._length)
                if wanted != epoch:
                    epoch, order = wanted, self._shuffled(wanted)
                draws.append(Draw(order[place], epoch))
            yield draws
            step += 1

    def _shuffled(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(_mixed(self._seed, epoch))
        order: list[int] = torch.randperm(self._length, generator=generator).tolist()
        return order


def _mixed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch) % 2**63
