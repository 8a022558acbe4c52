"""What networks compute with while they learn: 32 or 16 bits, and how maps lie in memory."""

from __future__ import annotations

import logging
import time
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Tensor, nn

from lsd_ros.training.training_settings import LoopSettings

AUTO, FULL, BF16, FP16 = 'auto', 'full', 'bf16', 'fp16'
FORMATS = {'channels_last': torch.channels_last, 'contiguous': torch.contiguous_format}
TRIES = 3  # steps that are timed of each kind, after one that is not
LOGGER = logging.getLogger(__name__)


class Arithmetic(NamedTuple):
    """
    How the networks of a training compute; losses always compute with 32 bits.

    :param precision: ``full``, ``bf16`` or ``fp16``
    :param memory_format: ``channels_last`` or ``contiguous``
    """

    precision: str
    memory_format: str

    def apply(self, task: nn.Module) -> None:
        """Lay the weights out."""
        task.to(memory_format=FORMATS[self.memory_format])  # type: ignore[call-overload]

    def context(self, device: torch.device) -> torch.autocast:
        """Return what a step is computed in; that of ``fp16`` belongs to the loss scaling."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.precision == BF16)


class LossScaling(MixedPrecision):
    """Fabric's 16 bits, without its conversion of batches and results: they know their types."""

    def convert_input(self, data: Any) -> Any:
        """Return the batch as it is."""
        return data

    def convert_output(self, data: Any) -> Any:
        """Return the result as it is."""
        return data


def stated_arithmetic(settings: LoopSettings) -> Arithmetic:
    """Return what the settings say, before anything is measured."""
    precision, layout = settings.precision, settings.memory_format
    return Arithmetic(
        FULL if precision == AUTO else precision, next(iter(FORMATS)) if layout == AUTO else layout
    )


def arithmetic(task: nn.Module, batch: Any, settings: LoopSettings, fabric: Fabric) -> Arithmetic:
    """
    Choose how to compute, by a short measurement where a setting is ``auto``.

    Several processes do not measure: they would choose differently.

    :param task: gives a loss of a batch; its weights are laid out as is chosen
    :param batch: one that the measurement may use
    """
    device = fabric.device
    precisions, formats = [settings.precision], [settings.memory_format]
    if settings.precision == AUTO:
        precisions = [FULL, BF16] if _has_bf16(device) else [FULL]
    elif settings.precision == BF16 and not _has_bf16(device):
        LOGGER.warning('this processor has no bf16: going on in 32 bits')
        precisions = [FULL]
    if settings.memory_format == AUTO:
        formats = list(FORMATS)
    found = [Arithmetic(precision, layout) for precision in precisions for layout in formats]
    if len(found) == 1 or fabric.world_size > 1:
        return found[0]
    seconds = {kind: _seconds(task, batch, kind, device) for kind in found}
    chosen = min(found, key=seconds.__getitem__)
    chosen.apply(task)
    times = ', '.join(
        f'{kind.precision} {kind.memory_format} {seconds[kind]:.2f} s' for kind in found
    )
    LOGGER.info(
        'precision %s, memory format %s: the fastest of %s a step',
        chosen.precision,
        chosen.memory_format,
        times,
    )
    return chosen


def _has_bf16(device: torch.device) -> bool:
    """Say whether bf16 is computed, not emulated."""
    if device.type == 'cuda':
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _seconds(task: nn.Module, batch: Any, kind: Arithmetic, device: torch.device) -> float:
    """Return the shortest time of a step; statistics, gradients and random numbers stay."""
    kind.apply(task)
    buffers = {name: buffer.clone() for name, buffer in task.named_buffers()}
    devices = [device] if device.type == 'cuda' else []
    times = []
    with torch.random.fork_rng(devices=devices):
        for _ in range(1 + TRIES):
            start = time.perf_counter()
            with kind.context(device):
                loss: Tensor = task(batch).loss
            loss.backward()  # type: ignore[no-untyped-call]
            if device.type == 'cuda':
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - start)
    for name, buffer in task.named_buffers():
        buffer.copy_(buffers[name])
    task.zero_grad()
    return min(times[1:])
