"""The depth network alone, taught depth that the data know; the pose network stays as it is."""

from __future__ import annotations

from torch import Tensor, nn

from lsd_ros.datasets.snippets import SnippetBatch
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Normalise
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.task import StepResult, Task
from lsd_ros.training.tasks import DEPTH, POSE, frames_of, true_depth_term
from lsd_ros.training.views import TARGET


class TruthTask(Task):
    """
    A depth network that learns true or triangulated depth; a step costs half of one of both.

    What is finer than the head that is read learns nothing: nobody looks at it.

    :param depth: depth network
    :param pose: not changed, and written with the weights as it is
    :param wanted: settings of the phase
    """

    def __init__(self, depth: SmallDepthNet, pose: PoseNet, wanted: StudentSettings) -> None:
        super().__init__()
        self._level = depth.shape.read_level
        for unread in (*depth.decoder[: self._level], *depth.heads[: self._level]):
            unread.requires_grad_(False)
        self.networks = nn.ModuleDict({DEPTH: depth, POSE: pose.requires_grad_(False)})
        self.normalise = Normalise(wanted.preprocessing)
        self._depth, self._wanted = (depth,), wanted  # a tuple: not registered a second time

    @property
    def trained(self) -> nn.Module:
        """Return both networks."""
        return self.networks

    def forward(self, batch: SnippetBatch) -> StepResult:
        """Return how wrong the depth of the targets of a batch of snippets is."""
        loss = true_depth_term(self._disparities(batch), batch, self._wanted)
        return StepResult(loss, {'truth': loss.detach()})

    def _disparities(self, batch: SnippetBatch) -> tuple[Tensor, ...]:
        depth = self._depth[0]
        targets = frames_of(batch.jittered[:, TARGET : TARGET + 1], self.normalise)
        decoded = depth.decode(depth.encode(targets), last=self._level)[::-1]
        heads = depth.heads[self._level :]
        return tuple(head(x) for head, x in zip(heads, decoded, strict=False))
