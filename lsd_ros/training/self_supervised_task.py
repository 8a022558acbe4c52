"""The two phases as tasks: what the networks look at, and what they are told ([0120]-[0132])."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.pose_view import motion_vectors
from lsd_ros.models.preprocessing import Normalise
from lsd_ros.models.small_depth_net import DepthFeatures, SmallDepthNet
from lsd_ros.training.data.snippet_batch import SnippetBatch
from lsd_ros.training.depth_supervision import true_depth_error
from lsd_ros.training.frame_triplet import (
    FRAMES,
    TARGET,
    TripletViews,
    poses_from_vectors,
    with_known,
)
from lsd_ros.training.imitation import Anchor, Comparison, Imitation
from lsd_ros.training.motion_supervision import (
    MetricSettings,
    motion_error,
    translation_length_error,
    units_per_metre,
)
from lsd_ros.training.objective import Outcome, photometric_objective
from lsd_ros.training.phase_settings import PhaseSettings, StudentSettings, TeacherSettings
from lsd_ros.training.task import StepResult, Task

DEPTH, POSE = 'depth', 'pose'
BRIGHT = 0.98  # quantile of disparity that is drawn white
UNCERTAIN = 0.5  # relative deviation of depth that is drawn white


@dataclass(frozen=True)
class _Looked:
    """
    What the networks say about a batch.

    :param inputs: normalised frames, by frame and then by snippet, shape (3 B, 3, H, W)
    :param features: of all of these, or of the targets alone
    :param motions: source_from_target, as the pose network estimates it, shape (B, 2, 4, 4)
    """

    inputs: Tensor
    features: DepthFeatures
    views: TripletViews
    motions: Tensor


class SelfSupervisedTask(Task):
    """
    A depth and a pose network that explain three frames to each other.

    :param depth: has ``features``
    :param pose: gives both motions at once
    :param wanted: settings of the phase
    """

    def __init__(
        self, depth: BridgedTeacher | SmallDepthNet, pose: PoseNet, wanted: PhaseSettings
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({DEPTH: depth, POSE: pose})
        self.normalise = Normalise(wanted.preprocessing)
        self._depth, self._wanted = (depth,), wanted  # a tuple: not registered a second time
        how = wanted.objective
        self._free_heads(max(how.scales, how.feature_stage + 2 if how.needs_features else 0))

    @property
    def trained(self) -> nn.Module:
        """Return both networks."""
        return self.networks

    def _free_heads(self, used: int) -> None:
        """Ask for no gradient of heads that nothing reads: processes would wait for it."""
        for j, head in enumerate(self._heads):
            head.requires_grad_(j < used)

    @property
    def _heads(self) -> nn.ModuleList:
        depth = self._depth[0]
        return depth.teacher.heads if isinstance(depth, BridgedTeacher) else depth.heads

    def forward(self, batch: SnippetBatch) -> StepResult:
        """Return the loss of a batch of snippets."""
        looked = self._look(batch)
        outcome = self._explain(looked.views)
        terms = self._measured(looked.motions, batch)
        if self._wanted.truth.weight > 0:
            terms['truth'] = self._true(looked.views, batch)
        taught = self._compare(looked)
        loss = outcome.total + sum(terms.values())
        scalars = {**outcome.parts, **{name: term.detach() for name, term in terms.items()}}
        if taught is not None:
            loss = loss + taught.total
            scalars |= taught.figures
        return StepResult(loss, scalars, _pictures(looked, outcome))

    def _compare(self, looked: _Looked) -> Comparison | None:
        """Return how far the student is from its teacher; None: there is no teacher."""
        return None

    def _look(self, batch: SnippetBatch) -> _Looked:
        how = self._wanted.objective
        inputs = frames_of(batch.jittered, self.normalise)
        frames = inputs.chunk(FRAMES)
        everything = how.needs_neighbours or how.needs_features
        seen = inputs if everything else frames[TARGET]
        features = self._see(seen)
        disparities = features.disparities
        if everything and not how.needs_neighbours:
            disparities = tuple(disparity.chunk(FRAMES)[TARGET] for disparity in disparities)
        motions = estimated_motions(self.networks[POSE], frames, batch, self._wanted)
        units = units_per_metre(batch.intrinsics, self._wanted.metric)
        views = TripletViews(
            images=_by_frame(batch.images).float() / 255,
            intrinsics=batch.intrinsics,
            disparities=down_to_full_size(disparities, inputs.shape[2]),
            source_from_target=with_known(motions, batch.known_motions, units),
            features=features.encoder[how.feature_stage] if how.needs_features else None,
        )
        return _Looked(inputs, features, views, motions)

    def _see(self, inputs: Tensor) -> DepthFeatures:
        """Return the maps of the depth network; three disparities, finest first."""
        return self._depth[0].features(inputs)

    def _explain(self, views: TripletViews) -> Outcome:
        with torch.autocast(views.images.device.type, enabled=False):
            return photometric_objective(views, self._wanted.input.depths, self._wanted.objective)

    def _true(self, views: TripletViews, batch: SnippetBatch) -> Tensor:
        """Hold depth of the targets to the true one, at every scale, where it is known."""
        used = views.disparities[: self._wanted.objective.scales]
        if views.has_neighbours:
            used = tuple(disparity.chunk(FRAMES)[TARGET] for disparity in used)
        return true_depth_term(used, batch, self._wanted)

    def _measured(self, motions: Tensor, batch: SnippetBatch) -> dict[str, Tensor]:
        """Hold the motions, or their lengths alone, to measured ones, where there are such."""
        how = self._wanted.metric
        units = units_per_metre(batch.intrinsics, how)
        shortest = how.shortest_m / how.metres_per_unit
        terms = {}
        if how.weight > 0:
            known = batch.translations.isfinite()
            measured = torch.zeros_like(motions)
            measured[..., 0, 3] = batch.translations * units[:, None]  # the length is what counts
            error = translation_length_error(motions, measured, known, shortest)
            terms['metric'] = how.weight * error.mean()
        if how.motion > 0:
            terms['motion'] = known_motion_term(motions, batch, how)
        return terms


class TeacherTask(SelfSupervisedTask):
    """
    Phase 1: the teacher with its bridges learns from the images alone.

    :param teacher: with bridges
    :param pose: pose network
    :param wanted: settings of the phase
    """

    def __init__(self, teacher: BridgedTeacher, pose: PoseNet, wanted: TeacherSettings) -> None:
        super().__init__(teacher, pose, wanted)


class StudentTask(SelfSupervisedTask):
    """
    Phase 2: the student learns from the images and, where there is one, from the frozen teacher.

    Without a teacher it may be held to what it was when it began, by what is read of it.

    :param student: small network
    :param pose: pose network
    :param teacher: with bridges; it is frozen here. None: the images alone
    :param wanted: settings of the phase
    :raises SettingError: the maps of the student have other widths than the bridges
    """

    def __init__(
        self,
        student: SmallDepthNet,
        pose: PoseNet,
        wanted: StudentSettings,
        teacher: BridgedTeacher | None = None,
    ) -> None:
        super().__init__(student, pose, wanted)
        self.imitation: Imitation | Anchor | None = None
        self._student, self._rate = (student,), wanted.depth_rate
        self._taught_frames = wanted.taught_frames
        if teacher is not None:
            self.imitation = Imitation(teacher, wanted)
            if wanted.approximation.disparity > 0:
                self._free_heads(len(self._heads))
        elif wanted.anchor:
            free_unread(student)
            self.imitation = Anchor(student, wanted)

    @property
    def rates(self) -> dict[nn.Module, float]:
        """Return the share of the learning rate that the depth network has."""
        return {self.networks[DEPTH]: self._rate}

    def _see(self, inputs: Tensor) -> DepthFeatures:
        if isinstance(self.imitation, Anchor):
            return self._student[0].read_features(inputs)
        return super()._see(inputs)

    def _compare(self, looked: _Looked) -> Comparison | None:
        if self.imitation is None:
            return None
        inputs, features = looked.inputs, looked.features
        if self._taught_frames == 'target' or len(features.disparities[0]) < len(inputs):
            inputs = inputs.chunk(FRAMES)[TARGET]
            features = _of_targets(features, len(inputs))
        compared: Comparison = self.imitation(features, inputs)
        return compared


def free_unread(student: SmallDepthNet) -> None:
    """Ask for no gradient of what is finer than the head that is read."""
    level = student.shape.read_level
    for unread in (*student.decoder[:level], *student.heads[:level]):
        unread.requires_grad_(False)


def down_to_full_size(disparities: tuple[Tensor, ...], height: int) -> tuple[Tensor, ...]:
    """
    Enlarge the finest disparity in the place of those that are finer and were not computed.

    :param disparities: each half as large as the one before, shape (B, 1, h, w)
    :param height: of the network input [pixels]
    :return: from the whole size on, in 32 bits
    """
    exact = tuple(disparity.float() for disparity in disparities)
    finest = exact[0]
    larger: list[Tensor] = []
    while finest.shape[2] << len(larger) < height:
        larger.append(
            functional.interpolate(
                finest, scale_factor=2 << len(larger), mode='bilinear', align_corners=False
            )
        )
    return (*reversed(larger), *exact)


def estimated_motions(
    pose: nn.Module, frames: tuple[Tensor, ...], batch: SnippetBatch, wanted: PhaseSettings
) -> Tensor:
    """
    Return what the pose network says of a batch.

    :param frames: normalised, in the order of time, shape (B, 3, H, W) each
    :return: source_from_target, shape (B, 2, 4, 4)
    """
    stacked, focal_px = torch.cat(frames, dim=1), wanted.pose.focal_px
    return poses_from_vectors(motion_vectors(pose, stacked, batch.intrinsics, focal_px))


def known_motion_term(motions: Tensor, batch: SnippetBatch, how: MetricSettings) -> Tensor:
    """
    Return how wrong motions are where poses know them, weighted; no pose is between two cameras.

    :param motions: source_from_target, shape (B, 2, 4, 4)
    """
    units = units_per_metre(batch.intrinsics, how)
    measured = with_known(motions, batch.known_motions, units)
    known = batch.known_motions[..., 0, 0].isfinite() & batch.translations.isfinite()
    shortest = how.shortest_m / how.metres_per_unit
    error = motion_error(motions, measured, known, shortest, how.turn_rad)
    return how.motion * error.mean()


def true_depth_term(
    disparities: tuple[Tensor, ...], batch: SnippetBatch, wanted: PhaseSettings
) -> Tensor:
    """
    Return how far depth of the targets is from the true one, weighted, where that is known.

    :param disparities: at any scales, shape (B, 1, h, w)
    """
    how, depths = wanted.truth, wanted.input.depths
    units = units_per_metre(batch.intrinsics, wanted.metric)
    errors = [
        true_depth_error(
            disparity.float(),
            batch.true_depth,
            units,
            depths,
            how.furthest_m,
            how.gradient,
            how.scale_free,
        )
        for disparity in disparities
    ]
    return how.weight * torch.stack(errors).mean()


def frames_of(images: Tensor, normalise: Normalise) -> Tensor:
    """
    Return what networks see of snippets.

    :param images: shape (B, F, 3, H, W), uint8
    :return: by frame and then by snippet, shape (F B, 3, H, W)
    """
    planes: Tensor = normalise(_by_frame(images).permute(0, 2, 3, 1))
    return planes


def _by_frame(images: Tensor) -> Tensor:
    """Stack (B, 3, C, H, W) by frame and then by snippet: (3 B, C, H, W)."""
    return images.transpose(0, 1).flatten(0, 1)


def _of_targets(features: DepthFeatures, count: int) -> DepthFeatures:
    def targets(maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(x if len(x) == count else x.chunk(FRAMES)[TARGET] for x in maps)

    deviation = features.log_deviation
    return DepthFeatures(
        targets(features.encoder),
        targets(features.decoder),
        targets(features.disparities),
        None if deviation is None else targets((deviation,))[0],
    )


def _enlarged(picture: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(picture[None], size=like.shape[1:])[0]


def _pictures(looked: _Looked, outcome: Outcome) -> Callable[[], dict[str, Tensor]]:
    """Return what draws the first target of the batch."""

    def draw() -> dict[str, Tensor]:
        batch = looked.views.batch
        first = TARGET * batch
        disparity = looked.views.disparities[0].detach()
        disparity = disparity[first if looked.views.has_neighbours else 0]
        drawn = {
            'image': looked.views.images[first],
            'disparity': disparity / disparity.flatten().quantile(BRIGHT),
            **{name: maps[0] for name, maps in outcome.maps.items()},
        }
        if looked.features.log_deviation is not None:
            every = looked.features.log_deviation.detach()
            one = every[first if len(every) > batch else 0].exp().float()
            drawn['uncertainty'] = _enlarged(one, drawn['image']) / UNCERTAIN
        return {name: picture.expand(3, -1, -1) for name, picture in drawn.items()}

    return draw
