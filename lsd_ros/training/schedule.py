"""Optimiser, learning rate and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from lsd_ros.training.training_settings import OptimiserSettings

RATE = 'rate'  # of a group of parameters: its share of the learning rate
Tensors = tuple[Tensor, ...] | list[Tensor]


def make_optimiser(
    network: nn.Module, settings: OptimiserSettings, rates: Mapping[nn.Module, float] | None = None
) -> torch.optim.Optimizer:
    """
    Make the optimiser of the parameters that ask for a gradient.

    :param rates: parts that learn at a share of the learning rate; the rest learns at all of it
    """
    kind = torch.optim.AdamW if settings.kind == 'adamw' else torch.optim.Adam
    slowed = {
        parameter: share
        for part, share in (rates or {}).items()
        for parameter in part.parameters()
    }
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            groups.setdefault(slowed.get(parameter, 1.0), []).append(parameter)
    return kind(
        [{'params': members, RATE: share} for share, members in groups.items()],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let every group learn at its share of a rate."""
    for group in optimiser.param_groups:
        group['lr'] = rate * group.get(RATE, 1.0)  # checkpoints of before have no shares


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
