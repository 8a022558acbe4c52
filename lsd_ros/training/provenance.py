"""What a training learns from, so that weights can say where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lsd_ros import __version__, settings
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.models.checkpoint import WeightsCard
from lsd_ros.models.licence import forbids_commercial_use
from lsd_ros.training.checkpointing import RunCard
from lsd_ros.training.phase_settings import PhaseSettings, StudentSettings

SEPARATOR = '; '  # of licences
METRES = ('metric', 'metres_per_unit', 'focal_px', 'camera_height_m')


@dataclass(frozen=True)
class Origin:
    """
    What networks had learned from before a training took them over: it stays in them.

    :param data: names of the sequences
    :param licences: of these, each once
    :param metres: what their card says of metres, where they are metric
    """

    data: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    metres: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_training(cls, card: RunCard) -> Origin:
        """Return what a training gives on."""
        return cls(_names(card), _licences(card))

    @classmethod
    def of_weights(cls, card: WeightsCard) -> Origin:
        """Return what a weights file gives on."""
        licences = tuple(card.licence.split(SEPARATOR)) if card.licence else ()
        metres = {name: getattr(card, name) for name in METRES} if card.metric else {}
        return cls(card.data, licences, metres)


def run_card(
    kind: str,
    wanted: PhaseSettings,
    data: Sequence[TrainingSequence],
    command: str,
    teacher: str = '',
    origins: Sequence[Origin] = (),
) -> RunCard:
    """
    Say what a training is.

    :param kind: ``teacher`` or ``student``
    :param teacher: SHA-256 of the teacher's checkpoint
    :param origins: of the teacher, and of what the networks start from
    """
    return RunCard(
        kind,
        settings.values(wanted),
        [describe(sequence) for sequence in data],
        command,
        __version__,
        teacher,
        sorted({name for origin in origins for name in origin.data}),
        sorted({licence for origin in origins for licence in origin.licences}),
    )


def weights_card(wanted: StudentSettings, card: RunCard, steps: int, taught: str) -> WeightsCard:
    """
    Say where the weights of a student come from, and what they may be used for.

    :param steps: how many were made
    :param taught: what to say of the teacher
    """
    licence = SEPARATOR.join(_licences(card))
    return WeightsCard(
        name=f'student of {steps} steps',
        trained=True,
        **wanted.learned_metres,
        licence=licence,
        commercial_use=not forbids_commercial_use(licence),
        data=_names(card),
        command=card.command,
        note=f'{taught}, seed {wanted.loop.seed}, lsd_ros {card.version}',
    )


def describe(sequence: TrainingSequence) -> dict[str, Any]:
    """Return name, licence and counts of a sequence, and a digest that tells it from others."""
    camera = sequence.camera
    digest = hashlib.sha256(np.ascontiguousarray(sequence.stamps_ns).tobytes())
    digest.update(repr((camera, sequence.targets)).encode())
    return {
        'name': sequence.name,
        'images': len(sequence),
        'poses': sequence.poses is not None,
        'licence': sequence.licence,
        'sha256': digest.hexdigest(),
    }


def _names(card: RunCard) -> tuple[str, ...]:
    own = [str(sequence['name']) for sequence in card.data]
    return (*own, *(name for name in card.data_before if name not in own))


def _licences(card: RunCard) -> tuple[str, ...]:
    own = {str(sequence['licence']) for sequence in card.data if sequence['licence']}
    return tuple(sorted(own | set(card.licences_before)))
