"""A teacher out of its training: what phase 2 learns from."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lsd_ros import settings
from lsd_ros.errors import SettingError, TrainingError
from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.training.checkpointing import Checkpoint, CheckpointFolder
from lsd_ros.training.phase_settings import StudentSettings, TeacherSettings
from lsd_ros.training.provenance import Origin
from lsd_ros.training.run_folder import BEST, CARD, CHECKPOINTS, read_run_card
from lsd_ros.training.self_supervised_task import DEPTH, POSE

KIND = 'teacher'
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taught:
    """
    A trained teacher.

    :param network: with bridges, in evaluation mode
    :param pose: pose network, in evaluation mode
    :param wanted: settings that it was trained with
    :param sha256: of its checkpoint
    :param step: how many steps it was trained
    :param origin: what it learned from
    """

    network: BridgedTeacher
    pose: PoseNet
    wanted: TeacherSettings
    sha256: str
    step: int
    origin: Origin = field(default_factory=Origin)


def read_teacher(run: Path) -> Taught:
    """
    Read the newest whole checkpoint of a teacher's training, or its best one.

    :param run: folder of the training, or the folder ``best`` in it
    :raises TrainingError: it is no teacher's, has no whole checkpoint, or is of another version
    """
    is_best = run.name == BEST and (run.parent / CARD).is_file()
    run, checkpoints = (run.parent, BEST) if is_best else (run, CHECKPOINTS)
    card = read_run_card(run)
    if card.kind != KIND:
        raise TrainingError(f'{run} trains a {card.kind}: give the training of a {KIND}')
    checkpoint = CheckpointFolder(run / checkpoints).newest()
    if checkpoint is None:
        raise TrainingError(f'{run} has no checkpoint yet: train the teacher first')
    try:
        wanted = settings.build(TeacherSettings, checkpoint.card.settings)
    except SettingError as error:
        raise TrainingError(
            f'{checkpoint.path} is of another version of lsd_ros: {error}'
        ) from error
    if checkpoint.step < wanted.loop.max_steps and not is_best:
        LOGGER.warning(
            'the teacher in %s has made %d of its %d steps',
            run,
            checkpoint.step,
            wanted.loop.max_steps,
        )
    network, pose = BridgedTeacher(wanted.network), PoseNet(wanted.pose)
    networks = nn.ModuleDict({DEPTH: network, POSE: pose})
    fill(networks, checkpoint)
    networks.eval()
    origin = Origin.of_training(card)
    return Taught(network, pose, wanted, checkpoint.sha256, checkpoint.step, origin)


def fill(networks: nn.Module, checkpoint: Checkpoint) -> None:
    """
    Give networks the weights of a checkpoint: their averages, where those were taken.

    :raises TrainingError: the checkpoint is of other networks
    """
    average = checkpoint.state.get('average')
    state: dict[str, Any] = average or checkpoint.state['networks']
    tensors: dict[str, Tensor] = {
        name.removeprefix('module.'): value
        for name, value in state.items()
        if name != 'n_averaged'
    }
    try:
        networks.load_state_dict(tensors)
    except RuntimeError as error:
        reason = ' '.join(str(error).split())[:300]
        raise TrainingError(f'{checkpoint.path} is of other networks ({reason})') from error


def check_fits(taught: Taught, wanted: StudentSettings) -> None:
    """
    Check that a student can imitate a teacher.

    :raises SettingError: widths, colours or depth range differ
    """
    taught.wanted.network.check_student(wanted.network)
    for name in ('colour', 'min_depth', 'max_depth'):
        theirs, ours = getattr(taught.wanted.input, name), getattr(wanted.input, name)
        if theirs != ours:
            raise SettingError(
                f'input.{name} is {ours!r}, and {theirs!r} for the teacher: they must be the same'
            )
    if wanted.pose_from_teacher and taught.wanted.pose != wanted.pose:
        raise SettingError(
            f'the pose network is {wanted.pose}, and {taught.wanted.pose} for the teacher: choose '
            'the same, or set pose_from_teacher to false'
        )
