"""The function approximation loss: the student imitates the teacher, stage by stage ([0131])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lsd_ros import settings
from lsd_ros.errors import FrameError
from lsd_ros.models.small_depth_net import DepthFeatures
from lsd_ros.settings import setting


@dataclass(frozen=True)
class ApproximationSettings:
    """The weights of eq. 18 ([0129]); a weight of 0 leaves its term out."""

    encoder: float = setting(0.05, 'Weight of the encoder maps, lambda_enc', minimum=0)
    decoder: float = setting(0.1, 'Weight of the decoder maps, lambda_dec', minimum=0)
    disparity: float = setting(10.0, 'Weight of the disparities, lambda_disp', minimum=0)
    norm: str = setting(
        'mean_absolute',
        'How two maps differ; eq. 18 does not say',
        choices=('mean_absolute', 'mean_squared'),
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class Approximation:
    """
    How far the student is from the teacher.

    :param total: L_apx, a scalar
    :param parts: its terms as they are summed, weighted, without a gradient; a term that was left
        out is missing
    """

    total: Tensor
    parts: dict[str, Tensor]


def approximation_loss(
    student: DepthFeatures, teacher: DepthFeatures, how: ApproximationSettings | None = None
) -> Approximation:
    """
    Compare all maps of the student with what the bridges made of the teacher's (eq. 18).

    :param student: its maps, which gradients go to
    :param teacher: hidden maps and disparities, which no gradient goes to
    :param how: weights and norm
    :raises FrameError: a map of the student has another shape than the teacher's
    """
    how = how or ApproximationSettings()
    terms = {
        'encoder': (how.encoder, student.encoder, teacher.encoder),
        'decoder': (how.decoder, student.decoder, teacher.decoder),
        'disparity': (how.disparity, student.disparities, teacher.disparities),
    }
    parts = {
        name: weight * _difference(name, learnt, taught, how.norm)
        for name, (weight, learnt, taught) in terms.items()
        if weight > 0
    }
    zero = student.disparities[0].new_zeros(())
    total = torch.stack(list(parts.values())).sum() if parts else zero
    return Approximation(total, {name: part.detach() for name, part in parts.items()})


def _difference(
    name: str, learnt: Sequence[Tensor], taught: Sequence[Tensor], norm: str
) -> Tensor:
    differences = []
    for i, (x, y) in enumerate(zip(learnt, taught, strict=True)):
        if x.shape != y.shape:
            raise FrameError(
                f'{name} map {i} of the student is {tuple(x.shape)}, but the teacher has '
                f'{tuple(y.shape)}: they must be made for each other'
            )
        difference = x.float() - y.detach().float() if x.dtype != torch.float64 else x - y.detach()
        error = difference.abs() if norm == 'mean_absolute' else difference.square()
        differences.append(error.mean())
    return torch.stack(differences).sum()
