"""Validation while training, on sequences that nothing is learned from."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.evaluation.depth import DepthErrors, crop_for, depth_errors, summarise
from lsd_ros.geometry.depth import depth_from_disparity
from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.training.data.augmentation import AugmentationSettings
from lsd_ros.training.data.snippet_batch import Snippet, collate
from lsd_ros.training.data.snippets import SnippetDataset
from lsd_ros.training.frame_triplet import FRAMES, TARGET, TripletViews
from lsd_ros.training.motion_supervision import units_per_metre
from lsd_ros.training.objective import ObjectiveSettings, photometric_objective
from lsd_ros.training.phase_settings import PhaseSettings
from lsd_ros.training.self_supervised_task import (
    DEPTH,
    POSE,
    down_to_full_size,
    estimated_motions,
    frames_of,
)
from lsd_ros.training.training_settings import PHOTOMETRIC, ValidationSettings

RISING = ('a1', 'a2', 'a3')  # figures of which more is better
MEAN = 'mean'
REBUILDING = ObjectiveSettings(
    bidirectional=False,
    scales=1,
    occlusion=False,
    motion=False,
    selection='minimum',
    structure=0.0,
    feature=0.0,
    smoothness=0.0,
)


@dataclass
class Course:
    """
    How the declared figure went so far.

    :param best: the best value; None before the first
    :param worse: validations since then
    :param figure: which figure that is; empty: nobody has noted it
    """

    best: float | None = None
    worse: int = 0
    figure: str = ''

    def note(self, value: float, figure: str) -> bool:
        """Take a value, and say whether it is the best so far; another figure begins anew."""
        if self.figure not in ('', figure):
            self.best, self.worse = None, 0
        self.figure = figure
        before = self.best
        if before is None or (value > before if figure in RISING else value < before):
            self.best, self.worse = value, 0
            return True
        self.worse += 1
        return False


class Validation(Protocol):
    """What looks at held-out sequences now and then."""

    def figures(self, networks: nn.ModuleDict) -> dict[str, float]:
        """
        Measure networks, which are put into evaluation mode.

        :return: ``SEQUENCE/FIGURE`` and ``mean/FIGURE``
        """


@dataclass(frozen=True)
class _Image:
    sequence: TrainingSequence
    index: int


class TruthValidation:
    """
    Depth of held-out images against the truth, as the networks would give it at use.

    :param sequences: with true depth; none of them is learned from
    :param wanted: settings of the phase
    :raises DatasetError: a sequence has no true depth, or two have one name
    """

    def __init__(self, sequences: Sequence[TrainingSequence], wanted: PhaseSettings) -> None:
        self.settings: ValidationSettings = wanted.validation
        self._wanted = wanted
        self._preprocessing = wanted.preprocessing
        self._normalise = Normalise(wanted.preprocessing)
        self._images = {
            name: _with_truth(sequence, self.settings.images)
            for name, sequence in by_name(sequences).items()
        }

    def figures(self, networks: nn.ModuleDict) -> dict[str, float]:
        """
        Measure the depth network.

        :param networks: as a task trains them; they are put into evaluation mode
        :return: ``SEQUENCE/FIGURE`` after median scaling, ``SEQUENCE/unscaled`` (the AbsRel of the
            depth as it is, of metric trainings), and ``mean/FIGURE`` over the sequences
        :raises LsdError: an image cannot be read
        """
        network = networks.eval()[DEPTH]
        found: dict[str, float] = {}
        sums: dict[str, list[float]] = defaultdict(list)
        for name, images in self._images.items():
            both = [self._errors(network, image) for image in images]
            summary = dataclasses.asdict(summarise([scaled for scaled, _ in both]))
            figure = self.settings.figure
            chosen = {each: summary[each] for each in ('abs_rel', 'a1', figure)}
            if self._wanted.is_metric:
                chosen['unscaled'] = summarise([unscaled for _, unscaled in both]).abs_rel
            for each, value in chosen.items():
                found[f'{name}/{each}'] = value
                sums[each].append(value)
        return found | {f'{MEAN}/{each}': float(np.mean(values)) for each, values in sums.items()}

    @torch.inference_mode()
    def _errors(self, network: nn.Module, image: _Image) -> tuple[DepthErrors, DepthErrors]:
        sequence, truth = image.sequence, image.sequence.depth(image.index)
        small, camera = self._preprocessing.prepare(sequence.image(image.index), sequence.camera)
        parameter = next(network.parameters())
        planes = self._normalise(torch.from_numpy(small)[None]).to(parameter.device)
        disparity = _read(network, planes).float().cpu()
        assert camera is not None
        intrinsics = torch.from_numpy(camera.matrix.astype(np.float32))[None]
        units = float(units_per_metre(intrinsics, self._wanted.metric))
        depth = depth_from_disparity(disparity, self._wanted.input.depths)[0, 0].numpy() / units
        scaled, unscaled = (
            depth_errors(
                depth,
                np.asarray(truth),
                median_scaling=scaling,
                max_depth_m=self.settings.max_depth_m,
                crop=crop_for(sequence.camera.width, sequence.camera.height),
            )
            for scaling in (True, False)
        )
        return scaled, unscaled


class NeighbourValidation:
    """
    How badly held-out images explain each other by both networks: it needs no true depth.

    :param sequences: none of them is learned from
    :param wanted: settings of the phase
    :raises DatasetError: two sequences have one name, or give no snippets
    """

    def __init__(self, sequences: Sequence[TrainingSequence], wanted: PhaseSettings) -> None:
        self.settings: ValidationSettings = wanted.validation
        self._wanted = wanted
        self._normalise = Normalise(wanted.preprocessing)
        plain = dataclasses.replace(
            wanted.data,
            single_images=False,
            augmentation=AugmentationSettings(enabled=False),
            stereo=(),
            shares=(),
            true_depth=False,
            motion_from_poses=False,
        )
        self._snippets = {
            name: SnippetDataset([sequence], plain)
            for name, sequence in by_name(sequences).items()
        }

    def figures(self, networks: nn.ModuleDict) -> dict[str, float]:
        """
        Rebuild images from their neighbours.

        :param networks: as a task trains them; they are put into evaluation mode
        :return: ``SEQUENCE/photometric``, the error of the better neighbour by the motion and the
            depth that the networks say, ``SEQUENCE/standing``, that without any motion, and
            ``mean/...`` over the sequences
        :raises LsdError: an image cannot be read
        """
        networks.eval()
        found: dict[str, float] = {}
        for name, snippets in self._snippets.items():
            chosen = spread(len(snippets), self.settings.images)
            errors = np.mean([self._errors(networks, snippets[i]) for i in chosen], axis=0)
            found[f'{name}/{PHOTOMETRIC}'], found[f'{name}/standing'] = errors.tolist()
        for each in (PHOTOMETRIC, 'standing'):
            values = [found[f'{name}/{each}'] for name in self._snippets]
            found[f'{MEAN}/{each}'] = float(np.mean(values))
        return found

    @torch.inference_mode()
    def _errors(self, networks: nn.ModuleDict, snippet: Snippet) -> tuple[float, float]:
        device = next(networks.parameters()).device
        batch = collate([snippet]).to(device)
        inputs = frames_of(batch.jittered, self._normalise)
        disparity = _read(networks[DEPTH], inputs.chunk(FRAMES)[TARGET])
        motions = estimated_motions(networks[POSE], inputs.chunk(FRAMES), batch, self._wanted)
        still = torch.eye(4, device=device).expand_as(motions)
        by_motion, standing = (
            photometric_objective(
                TripletViews(
                    images=batch.images.transpose(0, 1).flatten(0, 1).float() / 255,
                    intrinsics=batch.intrinsics,
                    disparities=down_to_full_size((disparity,), inputs.shape[2]),
                    source_from_target=each,
                ),
                self._wanted.input.depths,
                REBUILDING,
            )
            for each in (motions, still)
        )
        return float(by_motion.total), float(standing.total)


def _read(network: nn.Module, planes: Tensor) -> Tensor:
    """Return the disparity that is read at use."""
    if isinstance(network, SmallDepthNet):
        return network.read(planes)[:, :1]  # without the deviation beside it
    assert isinstance(network, BridgedTeacher)
    return network(planes)[0]  # type: ignore[no-any-return]


def by_name(sequences: Sequence[TrainingSequence]) -> dict[str, TrainingSequence]:
    """
    Return sequences by their names, in their order.

    :raises DatasetError: two have one name
    """
    found: dict[str, TrainingSequence] = {}
    for sequence in sequences:
        if sequence.name in found:
            raise DatasetError(f'two validation sequences are called {sequence.name}: rename one')
        found[sequence.name] = sequence
    return found


def spread(count: int, most: int) -> list[int]:
    """Return indices of at most so many of some things, spread over all of them."""
    chosen = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
    return [int(index) for index in chosen]


def _with_truth(sequence: TrainingSequence, most: int) -> list[_Image]:
    """Choose images with true depth, spread over the sequence."""
    indices = range(len(sequence)) if sequence.targets is None else sequence.targets
    known = [index for index in indices if _has_truth(sequence, index)]
    if not known:
        raise DatasetError(
            f'{sequence.name} has no true depth, so that it cannot validate: triangulate it, or '
            'leave it out'
        )
    return [_Image(sequence, known[place]) for place in spread(len(known), most)]


def _has_truth(sequence: TrainingSequence, index: int) -> bool:
    depth = sequence.depth(index)
    return depth is not None and bool(np.isfinite(depth).any())
