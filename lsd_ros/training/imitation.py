"""What a student learns from a frozen network: its teacher ([0129]-[0132]), or its own start."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.small_depth_net import DepthFeatures, SmallDepthNet
from lsd_ros.training.approximation import approximation_loss
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.uncertainty import distance_likelihood


@dataclass(frozen=True)
class Comparison:
    """
    How far a student is from its teacher.

    :param total: a scalar
    :param figures: the parts that it is made of, and whatever else is worth recording
    """

    total: Tensor
    figures: dict[str, Tensor]


class Imitation(nn.Module):
    """
    The function approximation loss, and the uncertainty that is learned from the distance.

    :param teacher: with bridges; it is frozen here
    :param wanted: settings of the phase
    :raises SettingError: the maps of the student have other widths than the bridges
    """

    def __init__(self, teacher: BridgedTeacher, wanted: StudentSettings) -> None:
        super().__init__()
        teacher.shape.check_student(wanted.network)
        teacher.freeze()
        self.teacher, self._wanted = teacher, wanted

    def forward(self, features: DepthFeatures, inputs: Tensor) -> Comparison:
        """
        Compare the maps of a student with those of the teacher.

        :param features: the student's, of these images
        :param inputs: normalised, shape (B, 3, H, W)
        """
        wanted, taught = self._wanted, self.teacher.taught(inputs)
        imitated = approximation_loss(features, taught, wanted.approximation)
        figures = {f'approximation/{name}': part for name, part in imitated.parts.items()}
        if features.log_deviation is None:
            return Comparison(imitated.total, figures)
        level = wanted.network.read_level
        likelihood = distance_likelihood(
            features.log_deviation,
            features.disparities[level],
            taught.disparities[level],
            wanted.input.depths,
        )
        term = wanted.uncertainty.weight * likelihood.loss
        figures['uncertainty'] = term.detach()
        figures['uncertainty/coverage'] = likelihood.coverage
        return Comparison(imitated.total + term, figures)


class Anchor(nn.Module):
    """
    The function approximation loss to what a student was when it began.

    Where images say little (no texture, nothing moves), depth stays as it was.

    :param student: with the numbers that it begins at; a frozen copy is kept here
    :param wanted: settings of the phase
    """

    def __init__(self, student: SmallDepthNet, wanted: StudentSettings) -> None:
        super().__init__()
        self.start, self._wanted = copy.deepcopy(student).requires_grad_(False).eval(), wanted

    def train(self, mode: bool = True) -> Anchor:
        """Stay as it is: statistics of the start do not follow the new images."""
        del mode
        return self

    def forward(self, features: DepthFeatures, inputs: Tensor) -> Comparison:
        """
        Compare the maps of a student with those of its start.

        :param features: the student's ``read_features`` of these images
        :param inputs: normalised, shape (B, 3, H, W)
        """
        with torch.no_grad():
            began = self.start.read_features(inputs)
        moved = approximation_loss(features, began, self._wanted.approximation)
        weight = self._wanted.anchor
        figures = {f'anchor/{name}': weight * part for name, part in moved.parts.items()}
        return Comparison(weight * moved.total, figures)
