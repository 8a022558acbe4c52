"""The pose network alone, taught the motions that the data know; depth stays as it is."""

from __future__ import annotations

from torch import nn

from lsd_ros.models.normalise import Normalise
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.training.data.snippet_batch import SnippetBatch
from lsd_ros.training.frame_triplet import FRAMES
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.task import StepResult, Task
from lsd_ros.training.tasks import (
    DEPTH,
    POSE,
    estimated_motions,
    frames_of,
    known_motion_term,
)


class PoseTask(Task):
    """
    A pose network that learns measured motions; a step costs a tenth of one of both networks.

    :param depth: not changed, and written with the weights as it is
    :param pose: pose network
    :param wanted: settings of the phase
    """

    def __init__(self, depth: SmallDepthNet, pose: PoseNet, wanted: StudentSettings) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({DEPTH: depth.requires_grad_(False), POSE: pose})
        self.normalise = Normalise(wanted.preprocessing)
        self._wanted = wanted

    @property
    def trained(self) -> nn.Module:
        """Return both networks."""
        return self.networks

    def forward(self, batch: SnippetBatch) -> StepResult:
        """Return how wrong the motions of a batch of snippets are."""
        frames = frames_of(batch.jittered, self.normalise).chunk(FRAMES)
        motions = estimated_motions(self.networks[POSE], frames, batch, self._wanted)
        loss = known_motion_term(motions, batch, self._wanted.metric)
        return StepResult(loss, {'motion': loss.detach()})
