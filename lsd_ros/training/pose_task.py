"""The pose network alone, by motions that the data know or by images; depth stays as it is."""

from __future__ import annotations

from torch import Tensor, nn

from lsd_ros.models.normalise import Normalise
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import DepthFeatures, SmallDepthNet
from lsd_ros.training.data.snippet_batch import SnippetBatch
from lsd_ros.training.frame_triplet import FRAMES
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.self_supervised_task import (
    DEPTH,
    POSE,
    SelfSupervisedTask,
    estimated_motions,
    frames_of,
    known_motion_term,
)
from lsd_ros.training.task import StepResult, Task


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


class ImagesPoseTask(SelfSupervisedTask):
    """
    A pose network that learns from images alone, by depth that is good enough already.

    Both networks at once, from images, end where the motions lead, and these are worth nothing at
    the start (Zhou et al., CVPR 2017, needed weeks of drives for it); motions by known depth are
    found in minutes.

    :param depth: not changed, and written with the weights as it is; what is read of it is used
    :param pose: pose network
    :param wanted: settings of the phase
    """

    def __init__(self, depth: SmallDepthNet, pose: PoseNet, wanted: StudentSettings) -> None:
        super().__init__(depth, pose, wanted)
        self._frozen = (depth.requires_grad_(False).eval(),)

    def train(self, mode: bool = True) -> ImagesPoseTask:
        """Leave the statistics of the depth network as they are."""
        super().train(mode)
        self._frozen[0].eval()
        return self

    def _see(self, inputs: Tensor) -> DepthFeatures:
        return self._frozen[0].read_features(inputs)
