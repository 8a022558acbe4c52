"""Optimiser, learning rate and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from lsd_ros.training.training_settings import OptimiserSettings

Tensors = tuple[Tensor, ...] | list[Tensor]


def make_optimiser(
    parameters: Iterable[nn.Parameter], settings: OptimiserSettings
) -> torch.optim.Optimizer:
    """Make the optimiser of the parameters that ask for a gradient."""
    kind = torch.optim.AdamW if settings.kind == 'adamw' else torch.optim.Adam
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return kind(trained, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def learning_rate(step: int, max_steps: int, settings: OptimiserSettings) -> float:
    """
    Return the learning rate of a step, which depends on nothing else.

    :param step: from 1 to ``max_steps``
    """
    warmth = min(1.0, step / (settings.warmup_steps + 1))
    done = min(1.0, step / max_steps)
    if settings.schedule == 'cosine':
        floor = settings.final_factor
        factor = floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2
    elif settings.schedule == 'step':
        factor = settings.drop_factor ** sum(done > share for share in settings.drop_at)
    else:
        factor = 1.0
    return settings.learning_rate * warmth * factor


def averaged(network: nn.Module, decay: float) -> AveragedModel | None:
    """
    Make the moving average of a network's weights and statistics; None for the decay 0.

    The decay grows from 0.1 to its value: a short training shall not average over its start.
    """
    if decay == 0:
        return None

    @torch.no_grad()
    def update(averages: Tensors, currents: Tensors, count: Tensor | int) -> None:
        share = 1 - min(decay, (1 + float(count)) / (10 + float(count)))
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point():
                average.lerp_(current, share)
            else:
                average.copy_(current)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
