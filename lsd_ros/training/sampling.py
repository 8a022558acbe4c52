"""Which samples a step sees: a stream without end that can be entered at any step."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch.utils.data import Sampler

from lsd_ros.errors import SettingError


class Draw(NamedTuple):
    """
    One sample of the stream.

    :param sample: its place in the data
    :param epoch: how often this sample was drawn before
    """

    sample: int
    epoch: int


class StepSampler(Sampler[list[Draw]]):
    """
    Shuffled epochs one after the other, cut into steps; processes share each step.

    A step takes its samples from one group; groups take turns, each as often as it is large, and
    each has epochs of its own. Which samples a step sees depends on seed and step alone, so that
    a training is resumed at its step, and several processes see together what one would see.

    :param groups: places of the samples that may meet in one step; one that is there several
        times is drawn as often in each epoch, as another draw
    :param samples_per_step: of all processes together
    :param first_step: where to enter, from 0
    :param rank: which of the processes this is
    :param processes: how many there are
    :raises SettingError: the samples of a step cannot be shared equally
    """

    def __init__(
        self,
        groups: Sequence[Sequence[int]],
        samples_per_step: int,
        seed: int,
        *,
        first_step: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if samples_per_step % processes:
            raise SettingError(
                f'loop.batch_size is {samples_per_step} for each part of a step: it must be a '
                f'multiple of the {processes} processes'
            )
        self._groups = groups
        self._samples_per_step = samples_per_step
        self._seed = seed
        self._first_step = first_step
        self._rank = rank
        self._share = samples_per_step // processes

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield the draws of this process, step after step, without end."""
        orders = [_Order(group, self._seed) for group in self._groups]
        for group, turn in itertools.islice(self._turns(), self._first_step, None):
            start = turn * self._samples_per_step + self._rank * self._share
            yield [orders[group].draw(n) for n in range(start, start + self._share)]

    def _turns(self) -> Iterator[tuple[int, int]]:
        """Yield for each step whose turn it is, and how many turns that group had before."""
        sizes = [len(group) for group in self._groups]
        owed, had = [0] * len(sizes), [0] * len(sizes)
        while True:
            owed = [debt + size for debt, size in zip(owed, sizes, strict=True)]
            group = owed.index(max(owed))
            yield group, had[group]
            owed[group] -= sum(sizes)
            had[group] += 1


class _Order:
    """The shuffled epochs of one group; the newest is remembered."""

    def __init__(self, group: Sequence[int], seed: int) -> None:
        self._group, self._seed = group, seed
        self._epoch, self._order = -1, list[int]()
        had: Counter[int] = Counter()
        self._turn = [0] * len(group)
        for place, sample in enumerate(group):
            self._turn[place] = had[sample]
            had[sample] += 1
        self._turns = had

    def draw(self, position: int) -> Draw:
        epoch, place = divmod(position, len(self._group))
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(_mixed(self._seed, epoch))
            self._order = torch.randperm(len(self._group), generator=generator).tolist()
            self._epoch = epoch
        chosen = self._order[place]
        sample = self._group[chosen]
        return Draw(sample, epoch * self._turns[sample] + self._turn[chosen])


def _mixed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch) % 2**63
