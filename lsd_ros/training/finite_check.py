"""Stops a training whose numbers are not finite, before they reach the weights."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from lsd_ros.errors import TrainingError
from lsd_ros.foreign.atomic import write_atomically


def check_finite(
    fabric: Fabric, folder: Path, step: int, loss: Tensor, norm: Tensor, batch: Any
) -> None:
    """
    Look at a step before the optimiser makes it.

    With 16 bits a gradient may overflow now and then, which the loss scaling deals with.

    :param folder: where the batch is saved if it is bad
    :param norm: length of the gradient, of all processes together
    :raises TrainingError: loss or gradient are not finite in one of the processes
    """
    loss = loss.detach()
    good = torch.isfinite(loss)
    if fabric.strategy.precision.precision != '16-mixed':
        good = good & torch.isfinite(norm)
    everywhere = fabric.all_reduce(good.float(), reduce_op='mean')
    if everywhere == 1:
        return
    path = folder / f'bad_batch_{step:07d}_{fabric.global_rank}.pt'
    buffer = io.BytesIO()
    torch.save({'step': step, 'loss': loss, 'batch': plain(batch)}, buffer)
    write_atomically(path, buffer.getvalue(), durable=True, kind=TrainingError)
    raise TrainingError(
        f'step {step} gives a loss of {float(loss)} and a gradient of {float(norm)}: its batch is '
        f'in {path} and the last checkpoint is whole; look at the data, or lower '
        'optimiser.learning_rate'
    )


def plain(value: Any) -> Any:
    """Return a batch as what :func:`torch.load` reads without running code."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple) and hasattr(value, '_asdict'):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
