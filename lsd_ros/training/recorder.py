"""The figures and pictures of a training: a log line, a table, TensorBoard."""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from lsd_ros.errors import TrainingError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.training.run_folder import BOARD, METRICS, VALIDATION
from lsd_ros.training.task import StepResult
from lsd_ros.training.tensorboard_writer import TensorBoardWriter
from lsd_ros.training.training_settings import TrainerSettings

LOGGER = logging.getLogger(__name__)


class Recorder:
    """
    Gathers the figures of the steps, and writes their means every so many steps.

    Every process gathers; the first one writes the means over all of them.

    :param run: folder of the training; tables of one JSON object per line are written there
    :param first_step: steps made before; what the table says about later ones is removed
    :param held: what :meth:`held` returned after that step
    """

    def __init__(
        self,
        run: Path,
        fabric: Fabric,
        settings: TrainerSettings,
        *,
        first_step: int,
        held: dict[str, Any],
    ) -> None:
        self._metrics, self._validation = run / METRICS, run / VALIDATION
        self._fabric = fabric
        self._settings = settings
        self._board: TensorBoardWriter | None = None
        sums: dict[str, Tensor] = held.get('sums', {})
        self._sums = {name: value.to(fabric.device) for name, value in sums.items()}
        self._steps = int(held.get('steps', 0))
        self._timed_steps = 0
        self._waited_s = 0.0
        self._started = time.perf_counter()
        if fabric.is_global_zero:
            for table in (self._metrics, self._validation):
                _forget_later(table, first_step)
            self._board = _tensorboard(run / BOARD, first_step + 1)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of the block as waiting for data."""
        started = time.perf_counter()
        yield
        self._waited_s += time.perf_counter() - started

    def note(self, step: int, result: StepResult, norm: Tensor, learning_rate: float) -> None:
        """
        Take the figures of a step, and write where it is time to.

        :param norm: length of the gradient
        :raises TrainingError: nothing can be written
        """
        for name, value in {'loss': result.loss, 'gradient': norm, **result.scalars}.items():
            value = value.detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._steps += 1
        self._timed_steps += 1
        record, last = self._settings.record, self._settings.loop.max_steps
        if step % record.log_every == 0 or step == last:
            self._write(step, learning_rate)
        if record.picture_every and (step % record.picture_every == 0 or step == last):
            self._draw(step, result)

    def held(self) -> dict[str, Any]:
        """Return the figures that are not written yet."""
        return {'sums': dict(self._sums), 'steps': self._steps}

    def close(self) -> None:
        """Let go of the files."""
        if self._board is not None:
            self._board.close()

    def _write(self, step: int, learning_rate: float) -> None:
        means = self._means()
        seconds = time.perf_counter() - self._started
        samples = self._timed_steps * self._settings.loop.batch_size
        means['learning_rate'] = learning_rate
        means['samples_per_s'] = samples / seconds
        means['waiting_share'] = self._waited_s / seconds
        means['memory_mib'] = _memory_mib(self._fabric.device)
        self._sums, self._steps, self._timed_steps = {}, 0, 0
        self._started, self._waited_s = time.perf_counter(), 0.0
        if not self._fabric.is_global_zero:
            return
        LOGGER.info('step %d of %d: %s', step, self._settings.loop.max_steps, _line(means))
        self._append(self._metrics, step, means)
        if self._board is not None:
            self._board.add_scalars(means, step)

    def validated(self, step: int, figures: dict[str, float]) -> None:
        """
        Write how good the networks are on data that they do not learn from.

        :raises TrainingError: nothing can be written
        """
        text = ', '.join(f'{name} {value:.4g}' for name, value in figures.items())
        LOGGER.info('validation after step %d: %s', step, text)
        self._append(self._validation, step, figures)
        if self._board is not None:
            named = {f'validation/{name}': value for name, value in figures.items()}
            self._board.add_scalars(named, step)

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Count the time of the block neither as training nor as waiting."""
        started = time.perf_counter()
        yield
        self._started += time.perf_counter() - started

    def _append(self, table: Path, step: int, figures: dict[str, float]) -> None:
        try:
            with table.open('a', encoding='utf-8') as file:
                file.write(json.dumps({'step': step, **figures}) + '\n')
        except OSError as error:
            raise TrainingError(f'cannot write {table}: {error.strerror}') from error

    def _means(self) -> dict[str, float]:
        names = list(self._sums)
        sums = torch.stack([self._sums[name].float() for name in names])
        means = self._fabric.all_reduce(sums / self._steps, reduce_op='mean')
        return dict(zip(names, means.tolist(), strict=True))  # type: ignore[union-attr]

    def _draw(self, step: int, result: StepResult) -> None:
        if self._board is not None and result.pictures is not None:
            with torch.no_grad():
                self._board.add_pictures(result.pictures(), step)


def read_metrics(path: Path) -> dict[str, list[float]]:
    """
    Read the table of a training.

    :return: columns by name, among them ``step``
    :raises TrainingError: there is none, or it is damaged
    """
    columns: dict[str, list[float]] = defaultdict(list)
    try:
        for line in path.read_text(encoding='utf-8').splitlines():
            for name, value in json.loads(line).items():
                columns[name].append(value)
    except (OSError, ValueError) as error:
        raise TrainingError(f'cannot read the figures {path}: {error}') from error
    return dict(columns)


def _forget_later(metrics: Path, last_step: int) -> None:
    """Remove lines of steps that are going to be made again, and a line that was cut off."""
    if not metrics.exists():
        return
    kept = []
    for line in metrics.read_text(encoding='utf-8').splitlines():
        try:
            if json.loads(line)['step'] <= last_step:
                kept.append(line + '\n')
        except (ValueError, KeyError):
            continue
    write_atomically(metrics, ''.join(kept).encode(), durable=True, kind=TrainingError)


def _tensorboard(folder: Path, first_step: int) -> TensorBoardWriter | None:
    try:
        return TensorBoardWriter(folder, first_step)
    except ImportError:
        LOGGER.info('no TensorBoard: install lsd_ros[training] to see curves and pictures')
        return None


def _line(means: dict[str, float]) -> str:
    figures = dict(means)
    speed, waiting = figures.pop('samples_per_s'), figures.pop('waiting_share')
    memory = figures.pop('memory_mib')
    text = ', '.join(f'{name} {value:.4g}' for name, value in figures.items())
    return f'{text}, {speed:.1f} samples/s, {waiting:.1%} waiting for data, {memory:.0f} MiB'


def _memory_mib(device: torch.device) -> float:
    """Return the most memory that this process has held so far, on the GPU where it has one."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == 'darwin' else 2**10)
