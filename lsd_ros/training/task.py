"""What the training loop knows of what it trains: ``task(batch)`` gives a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class StepResult(NamedTuple):
    """
    What a task says about one batch.

    :param loss: what is minimised, a scalar with gradient
    :param scalars: to be recorded, without gradient; the same names at every step
    :param pictures: draws named pictures of the batch, RGB in 0 .. 1, shape (3, H, W); called only
        where they are wanted; None: there are none
    """

    loss: Tensor
    scalars: dict[str, Tensor]
    pictures: Callable[[], dict[str, Tensor]] | None = None


def mean_result(parts: Sequence[StepResult]) -> StepResult:
    """Return what several parts of a step say together; the first one is drawn."""
    if len(parts) == 1:
        return parts[0]
    scalars = {
        name: torch.stack([part.scalars[name] for part in parts]).mean()
        for name in parts[0].scalars
    }
    loss = torch.stack([part.loss.detach() for part in parts]).mean()
    return StepResult(loss, scalars, parts[0].pictures)


class Task(nn.Module, ABC):
    """
    Owns the networks, the loss, and a frozen teacher where there is one.

    It is a module as a whole, so that its call goes through what averages gradients over
    processes. Parameters that ask for a gradient belong to :attr:`trained`.
    """

    @property
    @abstractmethod
    def trained(self) -> nn.Module:
        """Return what is trained, averaged and saved."""

    @property
    def rates(self) -> dict[nn.Module, float]:
        """Return modules that learn at a share of the learning rate of all others."""
        return {}

    @abstractmethod
    def forward(self, batch: Any) -> StepResult:
        """Return the loss of a batch that is on the device of the networks."""
