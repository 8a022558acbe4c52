"""From samples to batches: worker processes that do not starve the training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader, Dataset

from lsd_ros.errors import LsdError, TrainingError
from lsd_ros.training.sampling import Draw, StepSampler
from lsd_ros.training.training_settings import LoopSettings


class Samples(Protocol):
    """What a training learns from; a sample depends on its draw and on nothing else."""

    def __len__(self) -> int:
        """Return the number of samples."""

    @property
    def groups(self) -> Sequence[Sequence[int]]:
        """Return the places of the samples that can be collated with each other."""

    def __getitem__(self, draw: Draw) -> Any:
        """Return one sample."""


def batches(
    samples: Samples,
    collate: Callable[[list[Any]], Any],
    settings: LoopSettings,
    *,
    first_step: int,
    rank: int,
    processes: int,
    pin_memory: bool = False,
) -> Iterator[Any]:
    """
    Yield this process's share of every part of every step's batch, without end.

    :param first_step: steps made before
    :raises SettingError: the samples of a step cannot be shared equally by the processes
    :raises LsdError: a sample cannot be read
    """
    sampler = StepSampler(
        samples.groups,
        settings.batch_size // settings.accumulation,
        settings.seed,
        first_step=first_step * settings.accumulation,
        rank=rank,
        processes=processes,
    )
    loader: DataLoader[Any] = DataLoader(
        _Mapped(samples),
        batch_sampler=sampler,
        collate_fn=_Collation(collate),
        num_workers=settings.workers,
        worker_init_fn=_calm_worker if settings.workers else None,
        generator=torch.Generator(),  # its own: the global one must be left as it is
        pin_memory=pin_memory,
        prefetch_factor=3 if settings.workers else None,
    )
    return _checked(loader)


def training_threads(settings: LoopSettings, processes_here: int) -> int:
    """Return how many threads a training process may use: the cores that its workers leave."""
    if settings.threads:
        return settings.threads
    cores = len(os.sched_getaffinity(0)) // max(1, processes_here)
    return max(1, cores - settings.workers)


class _Mapped(Dataset[Any]):
    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, draw: Draw) -> Any:
        try:
            return self._samples[draw]
        except LsdError as error:
            return error


@dataclass(frozen=True)
class _Collation:
    """Join samples; an error goes on as a value: raised in a worker, it would be a traceback."""

    collate: Callable[[list[Any]], Any]

    def __call__(self, samples: list[Any]) -> Any:
        errors = [sample for sample in samples if isinstance(sample, LsdError)]
        return errors[0] if errors else self.collate(samples)


def _checked(loader: DataLoader[Any]) -> Iterator[Any]:
    found = iter(loader)
    while True:
        try:
            batch = next(found)
        except RuntimeError as error:  # a worker was killed, most often for its memory
            raise TrainingError(
                f'the workers that prepare data failed ({str(error).splitlines()[0]}): '
                'set loop.workers to fewer'
            ) from error
        if isinstance(batch, LsdError):
            raise batch
        yield batch


def _calm_worker(_: int) -> None:
    """Keep a worker on one core: OpenCV would start a thread per core (torch starts one here)."""
    import cv2

    cv2.setNumThreads(0)
