"""The depth network alone, taught depth that the data or a teacher know; pose stays as it is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Normalise
from lsd_ros.models.small_depth_net import DepthFeatures, SmallDepthNet
from lsd_ros.training.data.snippet_batch import SnippetBatch
from lsd_ros.training.imitation import Imitation
from lsd_ros.training.phase_settings import PhaseSettings
from lsd_ros.training.self_supervised_task import (
    DEPTH,
    POSE,
    frames_of,
    free_unread,
    true_depth_term,
)
from lsd_ros.training.task import StepResult, Task


class DepthTask(Task):
    """
    A depth network that learns true or triangulated depth, or what a teacher says of images.

    A step costs half of one of both networks, and single images are enough.

    Of a student without a teacher, what is finer than the head that is read learns nothing: nobody
    looks at it.

    :param depth: depth network
    :param pose: not changed, and written with the weights as it is
    :param wanted: settings of the phase
    :param imitation: what a student learns from a teacher besides
    """

    def __init__(
        self,
        depth: BridgedTeacher | SmallDepthNet,
        pose: PoseNet,
        wanted: PhaseSettings,
        imitation: Imitation | None = None,
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({DEPTH: depth, POSE: pose.requires_grad_(False)})
        self.normalise = Normalise(wanted.preprocessing)
        self.imitation = imitation
        self._wanted = wanted
        # functions, so that no network is registered a second time
        self._see: Callable[[Tensor], DepthFeatures] = depth.features
        if imitation is None and isinstance(depth, SmallDepthNet):
            free_unread(depth)
            self._see = depth.read_features

    @property
    def trained(self) -> nn.Module:
        """Return both networks."""
        return self.networks

    def forward(self, batch: SnippetBatch) -> StepResult:
        """Return how wrong the depth of the targets of a batch of snippets is."""
        targets = frames_of(batch.jittered_targets, self.normalise)
        features = self._see(targets)
        terms, scalars = [], {}
        if self._wanted.truth.weight > 0:
            terms.append(true_depth_term(features.disparities, batch, self._wanted))
            scalars['truth'] = terms[0].detach()
        if self.imitation is not None:
            compared = self.imitation(features, targets)
            terms.append(compared.total)
            scalars |= compared.figures
        return StepResult(torch.stack(terms).sum(), scalars)
