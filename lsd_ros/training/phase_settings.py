"""Everything that the two phases can be told: what ``config/teacher.yaml`` and its twin set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.models.bridge import BridgedTeacherSettings
from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.settings import setting
from lsd_ros.training.approximation import ApproximationSettings
from lsd_ros.training.data.snippets import SnippetSettings
from lsd_ros.training.depth_supervision import TruthSettings
from lsd_ros.training.motion_supervision import MetricSettings
from lsd_ros.training.objective import ObjectiveSettings
from lsd_ros.training.training_settings import TrainerSettings
from lsd_ros.training.uncertainty import UncertaintySettings


@dataclass(frozen=True)
class InputSettings:
    """What the networks see, and what depth their disparity stands for."""

    colour: str = setting(
        'rgb',
        'Colour, or the luminance three times, which suits data that are partly grey',
        choices=('rgb', 'grey'),
    )
    fit_at_use: str = setting(
        'keep_aspect',
        'How camera images of another aspect fit when the weights are used',
        choices=('stretch', 'crop', 'keep_aspect'),
    )
    min_depth: float = setting(0.1, 'Depth at disparity 1', minimum=1e-3, maximum=1e3)
    max_depth: float = setting(100.0, 'Depth at disparity 0', minimum=1e-3, maximum=1e5)

    def __post_init__(self) -> None:
        """Check every value, and the range."""
        settings.check(self)
        DisparityRange(self.min_depth, self.max_depth)

    @property
    def depths(self) -> DisparityRange:
        """Return the depths of disparity 1 and 0."""
        return DisparityRange(self.min_depth, self.max_depth)


@dataclass(frozen=True)
class PhaseSettings(TrainerSettings):
    """What both phases have in common."""

    data: SnippetSettings = field(default_factory=SnippetSettings)
    input: InputSettings = field(default_factory=InputSettings)
    pose: PoseSettings = field(default_factory=PoseSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    metric: MetricSettings = field(default_factory=MetricSettings)
    truth: TruthSettings = field(default_factory=TruthSettings)
    start_from: str = setting(
        '',
        'What the networks start from, to go on with other data, sizes or losses: the weights '
        "file of a student, the folder of a teacher's training; empty: from nothing",
    )

    @property
    def is_metric(self) -> bool:
        """Return whether depth learns to be metres."""
        measured = self.metric.weight, self.metric.motion, self.truth.weight
        return any(weight > 0 for weight in measured) or bool(self.data.stereo)

    @property
    def learned_metres(self) -> dict[str, Any]:
        """Return what a card of weights says of metres."""
        if not self.is_metric:
            return {'metric': False, 'metres_per_unit': 1.0, 'focal_px': 0.0}
        how = self.metric
        return {
            'metric': True,
            'metres_per_unit': how.metres_per_unit,
            'focal_px': how.focal_px,
        }

    @property
    def preprocessing(self) -> Preprocessing:
        """Return how images become network input when the weights are used."""
        return Preprocessing(
            width=self.data.width,
            height=self.data.height,
            fit=self.input.fit_at_use,
            colour=self.input.colour,
        )


@dataclass(frozen=True)
class TeacherSettings(PhaseSettings):
    """The first phase: teacher, bridges and pose network ([0121])."""

    network: BridgedTeacherSettings = field(default_factory=BridgedTeacherSettings)
    encoder_weights: str = setting(
        '',
        "What the teacher's encoder starts from: imagenet (of an installed package), or a local "
        'file; empty: nothing',
    )
    trained: str = setting(
        'both',
        'Both networks; or the depth network alone, by data.true_depth',
        choices=('both', 'depth'),
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class StudentSettings(PhaseSettings):
    """The second phase: student and pose network ([0129])."""

    network: SmallDepthSettings = field(default_factory=SmallDepthSettings)
    approximation: ApproximationSettings = field(default_factory=ApproximationSettings)
    uncertainty: UncertaintySettings = field(default_factory=UncertaintySettings)
    trained: str = setting(
        'both',
        'Both networks; or one alone while the other stays as it is: the pose network learns the '
        'motions of data.motion_from_poses or, without these, of the images; the depth network '
        'learns data.true_depth',
        choices=('both', 'pose', 'depth'),
    )
    depth_rate: float = setting(
        1.0,
        'Learning rate of the depth network, as a share of optimiser.learning_rate, where both '
        'networks are trained',
        minimum=1e-6,
        maximum=1,
    )
    anchor: float = setting(
        0.0,
        'Weight of the function approximation loss to the depth network of start_from as it was, '
        'so that images that show little do not lead away from it',
        minimum=0,
        maximum=1e3,
    )
    taught_frames: str = setting(
        'target',
        'Which frames of a snippet the teacher looks at too: all cost three times as much',
        choices=('target', 'all'),
    )
    open_skips: bool = setting(
        False,
        'Whether the decoder of start_from takes half of each map from the encoder again, for '
        'depth that has stayed without details',
    )
    pose_from_teacher: bool = setting(
        True, "Whether the pose network starts from the teacher's, where there is a teacher"
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


def check_read_level(wanted: StudentSettings, *, is_taught: bool) -> None:
    """
    Check that the head that is read in the end learns at all.

    :param is_taught: whether there is a teacher, which teaches every head
    :raises SettingError: no loss looks at it
    """
    level, scales = wanted.network.read_level, wanted.objective.scales
    if level >= scales and not (is_taught and wanted.approximation.disparity > 0):
        raise SettingError(
            f'network.read_level is {level}, but with objective.scales {scales} nothing trains '
            f'that head: set objective.scales to {level + 1}, or network.read_level to 0'
        )


def check_trained(wanted: StudentSettings | TeacherSettings, *, is_taught: bool) -> None:
    """
    Check that what is trained learns from what there is.

    :param is_taught: whether there is a teacher
    :raises SettingError: the pose network alone has no depth network or a teacher; the depth
        network alone has no true depth; images are mixed for both; virtual turns or rests are
        shown to what does not learn known motions; an anchor has nothing to hold to, or a rate of
        depth nothing to slow
    """
    if wanted.trained == 'pose' and (is_taught or not wanted.start_from):
        raise SettingError(
            "trained is 'pose': give start_from, whose depth network stays as it is, and no "
            'teacher'
        )
    if isinstance(wanted, StudentSettings):
        _check_depth_beside_motions(wanted, is_taught=is_taught)
    if wanted.trained == 'depth' and wanted.truth.weight == 0 and not is_taught:
        raise SettingError(
            "trained is 'depth': give data.true_depth and truth.weight, which it learns from, or "
            'a student a teacher'
        )
    if wanted.data.single_images and wanted.trained != 'depth':
        raise SettingError(
            f'data.single_images is true, and trained is {wanted.trained!r}: an image alone shows '
            "no motion; set trained to 'depth', or data.single_images to false"
        )
    if wanted.data.augmentation.depth_mix and wanted.trained != 'depth':
        raise SettingError(
            f'data.augmentation.depth_mix is {wanted.data.augmentation.depth_mix}: what stands in '
            "one of three images alone explains none of the others; set trained to 'depth', or "
            'this to 0'
        )
    _check_known_motions(wanted)


def _check_depth_beside_motions(wanted: StudentSettings, *, is_taught: bool) -> None:
    """Check what holds depth back while both networks learn from images."""
    if wanted.depth_rate != 1 and wanted.trained != 'both':
        raise SettingError(
            f'depth_rate is {wanted.depth_rate}, and trained is {wanted.trained!r}: it is for '
            "trained 'both'; set it to 1"
        )
    if wanted.anchor and (is_taught or not wanted.start_from or wanted.trained != 'both'):
        raise SettingError(
            f'anchor is {wanted.anchor}: it holds to the depth network of start_from while both '
            "networks are trained; give start_from and trained 'both' and no teacher, or set "
            'anchor to 0'
        )


def _check_known_motions(wanted: StudentSettings | TeacherSettings) -> None:
    """Check that what only known motions can teach is shown to nothing else."""
    if wanted.trained == 'pose' and wanted.data.motion_from_poses:
        return
    # teachers always learn depth
    remedy = "set trained to 'pose' and data.motion_from_poses to true, or "
    if isinstance(wanted, TeacherSettings):
        remedy = ''
    if wanted.data.augmentation.turn_deg:
        raise SettingError(
            f'data.augmentation.turn_deg is {wanted.data.augmentation.turn_deg}: virtual turns '
            f'are for the pose network alone; {remedy}set this to 0'
        )
    if 0 in wanted.data.gap_multiples:
        raise SettingError(
            f'data.gap_multiples is {wanted.data.gap_multiples}: standing still shows no depth; '
            f'{remedy}leave 0 out'
        )


def check_uncertainty(wanted: StudentSettings, *, is_taught: bool) -> None:
    """
    Check that the uncertainty, where it is wanted, learns from something.

    :param is_taught: whether there is a teacher
    :raises SettingError: there is no teacher, or the distance to it has no weight
    """
    if not wanted.network.uncertainty:
        return
    weight = wanted.uncertainty.weight
    if not is_taught:
        raise SettingError(
            f'network.uncertainty is true and uncertainty.weight is {weight}, but there is no '
            'teacher, and the uncertainty is learned from the distance to one: give one with '
            '--teacher, or set network.uncertainty to false'
        )
    if weight == 0:
        raise SettingError(
            'network.uncertainty is true, but uncertainty.weight is 0, so that nothing trains it: '
            'give it a weight, or set network.uncertainty to false'
        )
