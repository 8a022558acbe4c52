"""What a training learns from, so that weights can say where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from lsd_ros import __version__, settings
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.training.checkpointing import RunCard
from lsd_ros.training.phase_settings import PhaseSettings


def run_card(
    kind: str,
    wanted: PhaseSettings,
    data: Sequence[TrainingSequence],
    command: str,
    teacher: str = '',
) -> RunCard:
    """
    Say what a training is.

    :param kind: ``teacher`` or ``student``
    :param teacher: SHA-256 of the teacher's checkpoint
    """
    described = [describe(sequence) for sequence in data]
    return RunCard(kind, settings.values(wanted), described, command, __version__, teacher)


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


def licences(card: RunCard) -> str:
    """Return the licences of all data, each once; empty where none says one."""
    found = {str(sequence['licence']) for sequence in card.data if sequence['licence']}
    return '; '.join(sorted(found))
