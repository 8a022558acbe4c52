"""The two phases from settings to weights: everything is checked before anything is written."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lightning_fabric import Fabric
from torch import Tensor, nn

from lsd_ros import config, settings
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError, SettingError
from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.bridge_start import let_through
from lsd_ros.models.checkpoint import Weights, save_weights
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Normalise
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.training.checkpointing import RunCard
from lsd_ros.training.data.snippet_batch import collate
from lsd_ros.training.data.snippets import SnippetDataset
from lsd_ros.training.depth_task import DepthTask
from lsd_ros.training.fine_tuning import start_student, start_teacher
from lsd_ros.training.imitation import Imitation
from lsd_ros.training.phase_settings import (
    PhaseSettings,
    StudentSettings,
    TeacherSettings,
    check_read_level,
    check_trained,
    check_uncertainty,
)
from lsd_ros.training.pose_task import ImagesPoseTask, PoseTask
from lsd_ros.training.provenance import Origin, describe, run_card, weights_card
from lsd_ros.training.random_states import seed_everything
from lsd_ros.training.run_folder import BEST_WEIGHTS, WEIGHTS, RunFolder
from lsd_ros.training.self_supervised_task import DEPTH, POSE, StudentTask, TeacherTask, frames_of
from lsd_ros.training.task import Task
from lsd_ros.training.trained_teacher import Taught, check_fits, fill, read_teacher
from lsd_ros.training.trainer import Trainer, leave_fabric, make_fabric
from lsd_ros.training.training_settings import PHOTOMETRIC
from lsd_ros.training.validation import NeighbourValidation, TruthValidation, Validation

TEACHER, STUDENT = 'teacher', 'student'
FIRST_IMAGES = 16  # by which bridges are set before the first step
Progress = Callable[[int, int], contextlib.AbstractContextManager[Callable[[], object]]]
LOGGER = logging.getLogger(__name__)


@contextlib.contextmanager
def unseen(done: int, steps: int) -> Any:
    """Show no progress; see :func:`train_teacher`."""
    yield lambda: None


def train_teacher(
    wanted: TeacherSettings,
    data: Sequence[TrainingSequence],
    out: Path,
    *,
    validation: Sequence[TrainingSequence] = (),
    command: str = '',
    overwrite: bool = False,
    progress: Progress = unseen,
) -> Trainer:
    """
    Train teacher, bridges and pose network, or go on with it.

    :param out: folder of the training
    :param validation: what is measured meanwhile; nothing is learned from it
    :param command: what to say that started it
    :param overwrite: whether another training in that folder is removed
    :param progress: given the steps that were made before and the wanted ones, shows the rest
    :return: the trainer, at its end
    :raises LsdError: data, settings or folder do not fit, or the training fails
    """
    fabric = make_fabric(wanted.loop)
    check_trained(wanted, is_taught=False)
    samples = samples_of(wanted, data)
    seed_everything(wanted.loop.seed)
    network, pose = BridgedTeacher(wanted.network), PoseNet(wanted.pose)
    if wanted.encoder_weights:
        network.teacher.load_encoder(wanted.encoder_weights)
        let_through(network, _first_images(samples, wanted))
    origins = [start_teacher(network, pose, wanted)] if wanted.start_from else []
    alone = wanted.trained == 'depth'
    task = (DepthTask if alone else TeacherTask)(network, pose, wanted)
    card = run_card(TEACHER, wanted, data, command, origins=origins)
    held_out = _validation(validation, data, wanted)
    trainer = run_phase(fabric, task, samples, wanted, card, out, overwrite, progress, held_out)
    leave_fabric(fabric)
    return trainer


def train_student(
    wanted: StudentSettings,
    data: Sequence[TrainingSequence],
    out: Path,
    *,
    teacher: Path | None = None,
    validation: Sequence[TrainingSequence] = (),
    command: str = '',
    overwrite: bool = False,
    progress: Progress = unseen,
) -> Trainer:
    """
    Train student and pose network, or go on with it; in the end write ``weights.safetensors``.

    The other arguments are those of :func:`train_teacher`.

    :param teacher: folder of the teacher's training; None: learn from the images alone
    :raises LsdError: data, teacher, settings or folder do not fit, or the training fails
    """
    fabric = make_fabric(wanted.loop)
    taught = None if teacher is None else read_teacher(teacher)
    if taught is not None:
        check_fits(taught, wanted)
    check_read_level(wanted, is_taught=taught is not None)
    check_uncertainty(wanted, is_taught=taught is not None)
    check_trained(wanted, is_taught=taught is not None)
    samples = samples_of(wanted, data)
    seed_everything(wanted.loop.seed)
    student, pose = SmallDepthNet(wanted.network), PoseNet(wanted.pose)
    origins = [] if taught is None else [taught.origin]
    if wanted.start_from:
        origins.append(start_student(student, pose, wanted))
    elif taught is not None and wanted.pose_from_teacher:
        pose.load_state_dict(taught.pose.state_dict())
    task = _student_task(student, pose, wanted, taught)
    metres = _kept_metres(wanted, origins)
    sha256 = '' if taught is None else taught.sha256
    card = run_card(STUDENT, wanted, data, command, sha256, origins)
    held_out = _validation(validation, data, wanted)
    trainer = run_phase(fabric, task, samples, wanted, card, out, overwrite, progress, held_out)
    if fabric.is_global_zero:
        networks = cast(nn.ModuleDict, trainer.result).cpu()
        save_weights(_weights(networks, trainer.step, wanted, card, taught, metres), out / WEIGHTS)
        LOGGER.info('weights: %s', out / WEIGHTS)
        best = RunFolder(out, card).best().newest() if held_out else None
        if best is not None:
            fill(networks, best)
            save_weights(
                _weights(networks, best.step, wanted, card, taught, metres), out / BEST_WEIGHTS
            )
            LOGGER.info('the best of them, of step %d: %s', best.step, out / BEST_WEIGHTS)
    leave_fabric(fabric)
    return trainer


def _student_task(
    student: SmallDepthNet, pose: PoseNet, wanted: StudentSettings, taught: Taught | None
) -> Task:
    if wanted.trained == 'pose':
        by_motions = wanted.data.motion_from_poses
        return (PoseTask if by_motions else ImagesPoseTask)(student, pose, wanted)
    if wanted.trained == 'depth':
        imitation = None if taught is None else Imitation(taught.network, wanted)
        return DepthTask(student, pose, wanted, imitation)
    return StudentTask(student, pose, wanted, None if taught is None else taught.network)


def _kept_metres(wanted: StudentSettings, origins: Sequence[Origin]) -> dict[str, Any]:
    """Return what the card of start_from says of metres, where depth stays as it was there."""
    stays = wanted.trained == 'pose' or wanted.anchor > 0
    return origins[-1].metres if wanted.start_from and stays and not wanted.is_metric else {}


def _first_images(samples: SnippetDataset, wanted: PhaseSettings) -> Tensor:
    """Return images spread over the data, as networks see them; all of the commonest size."""
    count = min(FIRST_IMAGES, len(samples))
    snippets = [samples[i * (len(samples) - 1) // max(count - 1, 1)] for i in range(count)]
    (shape, _), *_ = Counter(snippet.jittered.shape for snippet in snippets).most_common(1)
    batch = collate([snippet for snippet in snippets if snippet.jittered.shape == shape])
    return frames_of(batch.jittered_targets, Normalise(wanted.preprocessing))


def samples_of(wanted: PhaseSettings, data: Sequence[TrainingSequence]) -> SnippetDataset:
    """
    Return the samples of a phase.

    :param data: opened sequences
    :raises DatasetError: no sequence has what the settings learn from
    :raises SettingError: the settings ask for what they do not use, or the other way round
    """
    for name in ('weight', 'motion'):
        weight = getattr(wanted.metric, name)
        if weight and all(sequence.poses is None for sequence in data):
            raise DatasetError(
                f'metric.{name} is {weight}, but not one of {len(data)} sequences has poses: give '
                'data with poses, or set it to 0'
            )
    if wanted.data.motion_from_poses != (wanted.metric.motion > 0):
        raise SettingError(
            f'data.motion_from_poses is {wanted.data.motion_from_poses} and metric.motion is '
            f'{wanted.metric.motion}: set both, so that the pose network learns the motions that '
            'the depth network learns by, or none'
        )
    if wanted.data.true_depth != (wanted.truth.weight > 0):
        raise SettingError(
            f'data.true_depth is {wanted.data.true_depth} and truth.weight is '
            f'{wanted.truth.weight}: set both, or none'
        )
    seed = (wanted.data.seed + wanted.loop.seed) % 2**31
    return SnippetDataset(data, replace(wanted.data, seed=seed))


def run_phase(
    fabric: Fabric,
    task: Task,
    samples: SnippetDataset,
    wanted: PhaseSettings,
    card: RunCard,
    out: Path,
    overwrite: bool,
    progress: Progress,
    validation: Validation | None = None,
) -> Trainer:
    """
    Train a task in a folder, from the last whole checkpoint there if there is one.

    :param samples: of :func:`samples_of`
    :param card: what the training learns from
    :param out: folder of the training
    :param overwrite: whether another training there may be lost
    :param progress: shows how far it is
    :param validation: looks at held-out data meanwhile
    :return: with the result
    :raises TrainingError: the folder holds another training, or this one went astray
    """
    with contextlib.ExitStack() as stack:
        if fabric.is_global_zero:
            run = RunFolder.open(
                out,
                card,
                config.dump(wanted),
                defaults=settings.values(type(wanted)()),
                overwrite=overwrite,
            )
            stack.enter_context(run)
        fabric.barrier()
        trainer = Trainer(fabric, RunFolder(out, card), task, wanted)
        trainer.resume()
        LOGGER.info('%d snippets of %d sequences', len(samples), len(card.data))
        advance = stack.enter_context(progress(trainer.step, wanted.loop.max_steps))
        trainer.train(samples, collate, advance, validation)
    return trainer


def _validation(
    held_out: Sequence[TrainingSequence], data: Sequence[TrainingSequence], wanted: PhaseSettings
) -> Validation | None:
    if not held_out:
        return None
    learned = [describe(sequence) for sequence in data]
    for sequence in held_out:
        if describe(sequence) in learned:
            raise DatasetError(
                f'{sequence.name} is learned from and cannot validate: give other sequences to '
                '--validate'
            )
    if wanted.validation.figure == PHOTOMETRIC:
        return NeighbourValidation(held_out, wanted)
    return TruthValidation(held_out, wanted)


def _weights(
    networks: nn.ModuleDict,
    steps: int,
    wanted: StudentSettings,
    card: RunCard,
    taught: Taught | None,
    metres: dict[str, Any],
) -> Weights:
    """Return trained networks with where they come from; metres of the start, where they stay."""
    told = (
        'no teacher' if taught is None else f'teacher {card.teacher[:12]} of {taught.step} steps'
    )
    return Weights(
        depth=cast(SmallDepthNet, networks[DEPTH]).float(),
        pose=cast(PoseNet, networks[POSE]).float(),
        preprocessing=wanted.preprocessing,
        depths=wanted.input.depths,
        card=replace(weights_card(wanted, card, steps, told), **metres),
    )
