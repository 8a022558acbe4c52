"""The likelihood that teaches the student how far it is from its teacher."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from lsd_ros import settings
from lsd_ros.errors import FrameError
from lsd_ros.geometry.depth import DisparityRange, depth_from_disparity
from lsd_ros.settings import setting


@dataclass(frozen=True)
class UncertaintySettings:
    """How the uncertainty is learned, where ``network.uncertainty`` asks for it."""

    weight: float = setting(
        0.1, "Weight of the likelihood of the distance to the teacher's log-depth", minimum=0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class Likelihood:
    """
    How well the claimed deviation explains the distance to the teacher.

    :param loss: mean negative logarithm of the likelihood, without its constant, a scalar
    :param coverage: share of pixels that are less than one deviation away, without a gradient
    """

    loss: Tensor
    coverage: Tensor


def distance_likelihood(
    log_deviation: Tensor, student: Tensor, teacher: Tensor, depths: DisparityRange
) -> Likelihood:
    """
    Say how likely the distance of log-depth between student and teacher is.

    The distances have tails much longer than those of a normal distribution (edges, far away), so
    they are taken as Laplace's: with standard deviation s and distance d, up to a constant
    -log p = log s + sqrt(2) d / s. Both depths are fixed: only s learns here.

    :param log_deviation: log s, shape (B, 1, h, w)
    :param student: disparity, shape (B, 1, h, w)
    :param teacher: disparity of the same pixels, shape (B, 1, h, w)
    :param depths: what disparity 0 and 1 stand for
    :raises FrameError: the shapes differ
    """
    if not log_deviation.shape == student.shape == teacher.shape:
        raise FrameError(
            f'deviation of {tuple(log_deviation.shape)} and disparities of '
            f'{tuple(student.shape)} and {tuple(teacher.shape)} must have one shape'
        )
    log_deviation = _exact(log_deviation)
    found, wanted = (
        depth_from_disparity(_exact(disparity.detach()), depths)
        for disparity in (student, teacher)
    )
    distance = (found / wanted).log().abs()
    loss = (log_deviation + math.sqrt(2) * distance * (-log_deviation).exp()).mean()
    within = distance < log_deviation.detach().exp()
    return Likelihood(loss, within.float().mean())


def _exact(x: Tensor) -> Tensor:
    return x if x.element_size() >= 4 else x.float()
