"""The training loop: it knows ``task(batch)``, and that a training may end at any moment."""

from __future__ import annotations

import dataclasses
import io
import itertools
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.distributed import all_gather_object

from lsd_ros.errors import SettingError, TrainingError
from lsd_ros.training.allocator import keep_freed_memory
from lsd_ros.training.checkpointing import Checkpoint
from lsd_ros.training.data_loading import Samples, batches, training_threads
from lsd_ros.training.finite_check import check_finite
from lsd_ros.training.precision import FP16, LossScaling, arithmetic, stated_arithmetic
from lsd_ros.training.random_states import (
    random_states,
    restore_random_states,
    seed_everything,
)
from lsd_ros.training.recorder import Recorder
from lsd_ros.training.run_folder import RunFolder
from lsd_ros.training.schedule import averaged, learning_rate, make_optimiser, set_learning_rate
from lsd_ros.training.task import StepResult, Task, mean_result
from lsd_ros.training.training_settings import LoopSettings, TrainerSettings
from lsd_ros.training.validation import MEAN, Course, Validation

LOGGER = logging.getLogger(__name__)


def make_fabric(settings: LoopSettings) -> Fabric:
    """
    Join the processes of this training: those of ``torchrun``, or this one alone.

    :raises SettingError: there is no such device
    """
    cuda = torch.cuda.is_available()
    if settings.device == 'cuda' and not cuda:
        raise SettingError("loop.device is 'cuda', and there is none here: choose 'cpu'")
    device = 'cpu' if settings.device == 'cpu' or not cuda else 'cuda'
    if settings.precision == FP16 and device == 'cpu':
        raise SettingError("loop.precision is 'fp16', which needs cuda: choose 'full'")
    processes = int(os.environ.get('WORLD_SIZE', '1'))
    here = int(os.environ.get('LOCAL_WORLD_SIZE', '1'))
    fabric = Fabric(
        accelerator=device,
        strategy='ddp' if processes > 1 else 'auto',
        devices=here,
        num_nodes=max(1, processes // here),
        plugins=[LossScaling('16-mixed', device)] if settings.precision == FP16 else None,
    )
    fabric.launch()
    if device == 'cpu':
        keep_freed_memory()
        torch.set_num_threads(training_threads(settings, here))
    return fabric


def leave_fabric(fabric: Fabric) -> None:
    """
    Part from the other processes, once all of them are done; nothing can be shared after it.

    A process that ends without this can abort while the others still close their connections.
    """
    fabric.barrier()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


class Trainer:
    """
    One training in its folder.

    :param fabric: device, precision and processes
    :param run: where everything is written; locked by the caller
    :param task: networks and loss; it is moved to the device
    :param settings: of the loop, the optimiser and the records
    """

    def __init__(
        self, fabric: Fabric, run: RunFolder, task: Task, settings: TrainerSettings
    ) -> None:
        self.step = 0
        self.course = Course()
        self._fabric = fabric
        self._run = run
        self._settings = settings
        self._recorder: Recorder | None = None
        self._held: dict[str, Any] = {}
        record = settings.record
        self._checkpoints = run.checkpoints(record.keep_last, record.keep_every)
        if fabric.device.type == 'cuda' and fabric.world_size > 1:
            # on the CPU each process normalises with its own part: torch has nothing else there
            nn.SyncBatchNorm.convert_sync_batchnorm(task)  # type: ignore[no-untyped-call]
        self._arithmetic = stated_arithmetic(settings.loop)
        self._arithmetic.apply(task)  # before processes share the weights
        optimiser = make_optimiser(task, settings.optimiser, task.rates)
        self._task, self._optimiser = fabric.setup(task, optimiser)
        self._networks = task.trained
        self._average = averaged(task.trained, settings.optimiser.average)
        seed_everything(settings.loop.seed + fabric.global_rank)

    @property
    def result(self) -> nn.Module:
        """Return the trained networks, averaged where that is set, in evaluation mode."""
        network = self._networks if self._average is None else self._average.module
        return network.eval()

    def resume(self) -> None:
        """
        Go on at the newest whole checkpoint; without one, stay at the start.

        :raises TrainingError: no checkpoint is whole, or it is of other networks
        """
        checkpoint = self._checkpoints.newest()
        if checkpoint is not None:
            self._restore(checkpoint)
            LOGGER.info('going on after step %d of %s', self.step, self._run.path)

    def train(
        self,
        samples: Samples,
        collate: Callable[[list[Any]], Any],
        advance: Callable[[], object] = lambda: None,
        validation: Validation | None = None,
    ) -> None:
        """
        Make the steps that are left.

        :param collate: joins samples to a batch
        :param advance: called after each step
        :param validation: keeps the best checkpoint, and may end the training early
        :raises LsdError: a sample cannot be read, a number is not finite, the disk is full
        """
        feed = self._feed(samples, collate)
        self._recorder = recorder = Recorder(
            self._run.path,
            self._fabric,
            self._settings,
            first_step=self.step,
            held=self._held,
        )
        self._task.train()
        try:
            parts = self._parts(feed, recorder)
            while self.step < self._settings.loop.max_steps and not self._is_over(validation):
                self._make_step(parts, recorder)
                if validation is not None and self._is_due(self._settings.validation.every):
                    with recorder.standing():
                        self._validate(validation, recorder)
                if self._is_due(self._settings.record.checkpoint_every) or self._is_over(
                    validation
                ):
                    self.save()
                advance()
        finally:
            recorder.close()

    def save(self) -> None:
        """
        Write a checkpoint; every process must call it.

        :raises TrainingError: it cannot be written
        """
        processes = self._processes()
        if self._fabric.is_global_zero:
            state = {
                'step': self.step,
                'networks': self._networks.state_dict(),
                'optimiser': self._optimiser.state_dict(),
                'average': None if self._average is None else self._average.state_dict(),
                'precision': self._fabric.strategy.precision.state_dict(),
                'processes': processes,
                'course': dataclasses.asdict(self.course),
            }
            self._checkpoints.save(self.step, self._run.card, state)
        self._fabric.barrier()

    def _parts(self, feed: Iterator[Any], recorder: Recorder) -> Iterator[Any]:
        """Yield batches on the device; the first one also says what it is best computed with."""
        with recorder.waiting():
            first = self._fabric.to_device(next(feed))
        self._arithmetic = arithmetic(self._task, first, self._settings.loop, self._fabric)
        yield first
        while True:
            with recorder.waiting():
                batch = self._fabric.to_device(next(feed))
            yield batch

    def _make_step(self, parts: Iterator[Any], recorder: Recorder) -> None:
        step, chosen = self.step + 1, self._settings.optimiser
        rate = learning_rate(step, self._settings.loop.max_steps, chosen)
        set_learning_rate(self._optimiser, rate)
        self._optimiser.zero_grad()
        count = self._settings.loop.accumulation
        batches = list(itertools.islice(parts, count))
        results = [self._learn(batch, is_last=n == count) for n, batch in enumerate(batches, 1)]
        result = mean_result(results)
        norm = self._clipped()
        check_finite(
            self._fabric,
            self._run.path,
            step,
            result.loss,
            norm,
            batches[0] if count == 1 else batches,
        )
        self._optimiser.step()
        if self._average is not None:
            self._average.update_parameters(self._networks)
        self.step = step
        recorder.note(step, result, norm, rate)

    def _learn(self, batch: Any, *, is_last: bool) -> StepResult:
        """Add the gradients of one part of a step; the last part adds up those of processes."""
        with self._fabric.no_backward_sync(self._task, enabled=not is_last):
            with self._arithmetic.context(self._fabric.device):
                result: StepResult = self._task(batch)
            self._fabric.backward(result.loss / self._settings.loop.accumulation)
        return result

    def _clipped(self) -> Tensor:
        """Shorten the gradient where it is too long, and return the length that it had."""
        longest = self._settings.optimiser.clip_norm or float('inf')
        norm = self._fabric.clip_gradients(
            self._task, self._optimiser, max_norm=longest, error_if_nonfinite=False
        )
        return torch.as_tensor(norm)

    def _is_due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self._settings.loop.max_steps

    def _is_over(self, validation: Validation | None) -> bool:
        """Say whether nothing got better for as long as is waited."""
        patience = self._settings.validation.patience
        return validation is not None and 0 < patience <= self.course.worse

    def _validate(self, validation: Validation, recorder: Recorder) -> None:
        """Measure held-out data in the first process, and keep what is best."""
        if self._fabric.is_global_zero:
            figures = validation.figures(cast(nn.ModuleDict, self.result))
            recorder.validated(self.step, figures)
            figure = self._settings.validation.figure
            if self.course.note(figures[f'{MEAN}/{figure}'], figure):
                state = {
                    'step': self.step,
                    'networks': self._networks.state_dict(),
                    'average': None if self._average is None else self._average.state_dict(),
                }
                self._run.best().save(self.step, self._run.card, state)
            self._task.train()
        self.course = self._fabric.broadcast(self.course)

    def _feed(self, samples: Samples, collate: Callable[[list[Any]], Any]) -> Iterator[Any]:
        return batches(
            samples,
            collate,
            self._settings.loop,
            first_step=self.step,
            rank=self._fabric.global_rank,
            processes=self._fabric.world_size,
            pin_memory=self._fabric.device.type == 'cuda',
        )

    def _processes(self) -> list[bytes]:
        """Return what each process alone knows, packed: torch cannot send tensors of all kinds."""
        held = {} if self._recorder is None else self._recorder.held()
        buffer = io.BytesIO()
        torch.save({'random': random_states(), 'held': held}, buffer)
        states: list[Any] = [buffer.getvalue()]
        if self._fabric.world_size > 1:
            states *= self._fabric.world_size
            all_gather_object(states, buffer.getvalue())
        return states

    def _restore(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.state
        try:
            self._networks.load_state_dict(state['networks'])
            self._optimiser.load_state_dict(state['optimiser'])
            self._fabric.strategy.precision.load_state_dict(state['precision'])
            if self._average is not None:
                self._average.load_state_dict(state['average'])
            processes = state['processes']
        except (KeyError, RuntimeError, ValueError) as error:
            reason = ' '.join(str(error).split())[:300]
            raise TrainingError(
                f'checkpoint {checkpoint.path} is of other networks ({reason}): train anew into '
                'another folder'
            ) from error
        if len(processes) == self._fabric.world_size:
            packed = io.BytesIO(processes[self._fabric.global_rank])
            own = torch.load(packed, weights_only=True)
            restore_random_states(own['random'])
            self._held = own['held']
        self.step = checkpoint.step
        self.course = Course(**state.get('course', {}))
