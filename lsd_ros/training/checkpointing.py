"""Checkpoints of a training: numbered, whole or not there, checked when they are read."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from lsd_ros.errors import TrainingError
from lsd_ros.foreign.atomic import atomic_folder, remove_folder, write_synced
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.foreign.half_written import remove_parts

FORMAT = 'lsd_ros.checkpoint/1'
CARD = 'checkpoint.json'
STATE = 'state.pt'
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunCard:
    """
    What a training is, so that its checkpoints can be used without it.

    :param kind: which phase: ``teacher`` or ``student``
    :param settings: of the whole training, by dotted names
    :param data: what it learns from: name, licence and counts of each sequence
    :param teacher: SHA-256 of the teacher's checkpoint; empty: there is no teacher
    :param command: what started it
    :param version: of lsd_ros
    :param data_before: names of what its teacher, and what it started from, had learned from
    :param licences_before: those of these data
    """

    kind: str
    settings: dict[str, Any]
    data: list[dict[str, Any]]
    command: str
    version: str
    teacher: str = ''
    data_before: list[str] = field(default_factory=list)
    licences_before: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint:
    """
    One checkpoint that was read and found whole.

    :param path: its folder
    :param step: how many steps were made
    :param card: of the training that made it
    :param state: networks, optimiser, averages, random states; on the CPU
    :param sha256: of the state
    """

    path: Path
    step: int
    card: RunCard
    state: dict[str, Any]
    sha256: str


class CheckpointFolder:
    """
    The checkpoints of one training.

    :param path: the folder that they are in
    :param keep_last: how many of the newest are kept
    :param keep_every: those whose step is a multiple of this are kept for good; 0: none
    """

    def __init__(self, path: Path, keep_last: int = 3, keep_every: int = 0) -> None:
        self.path = path
        self._keep_last = keep_last
        self._keep_every = keep_every

    def steps(self) -> list[int]:
        """Return the steps of the checkpoints that are there, ascending."""
        found = (re.fullmatch(r'step_(\d{7,})', entry.name) for entry in self.path.glob('step_*'))
        return sorted(int(match[1]) for match in found if match)

    def save(self, step: int, card: RunCard, state: dict[str, Any]) -> Path:
        """
        Write a checkpoint, and remove those that need not be kept.

        :raises TrainingError: it cannot be written; those before are whole
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        data = buffer.getvalue()
        head = {'format': FORMAT, 'step': step, 'sha256': hashlib.sha256(data).hexdigest()}
        path = self._path(step)
        with atomic_folder(
            path, overwrite=True, is_ours=lambda _: True, durable=True, kind=TrainingError
        ) as folder:
            write_synced(folder / STATE, data, TrainingError)
            whole = {**head, **asdict(card)}
            whole['head_sha256'] = _head_sha256(whole)
            text = json.dumps(whole, indent=2, ensure_ascii=False)
            write_synced(folder / CARD, text.encode(), TrainingError)
        self._thin_out()
        return path

    def newest(self) -> Checkpoint | None:
        """
        Read the newest checkpoint that is whole; damaged ones are named in the log.

        :return: None where there is no checkpoint
        :raises TrainingError: there are some, and not one is whole
        """
        remove_parts(self.path)
        steps = self.steps()
        for step in reversed(steps):
            try:
                return self.read(step)
            except TrainingError as error:
                LOGGER.warning('%s: going on with the one before', error)
        if steps:
            raise TrainingError(f'not one of the {len(steps)} checkpoints in {self.path} is whole')
        return None

    def read(self, step: int) -> Checkpoint:
        """
        Read one checkpoint.

        :raises TrainingError: it is missing, damaged, or of another version
        """
        path = self._path(step)
        with ForeignCode(TrainingError, f'checkpoint {path} is damaged'):
            head = json.loads(read_text(path / CARD, TrainingError))
            data = (path / STATE).read_bytes()
        if not isinstance(head, dict) or head.get('format') != FORMAT:
            raise TrainingError(f'checkpoint {path} is not of the format {FORMAT}')
        # those of earlier versions have no SHA-256 of their head
        head_sha256 = head.pop('head_sha256', None) or _head_sha256(head)
        wanted = (head.get('sha256'), head_sha256)
        if (hashlib.sha256(data).hexdigest(), _head_sha256(head)) != wanted:
            raise TrainingError(f'checkpoint {path} is damaged (its SHA-256 is another one)')
        with ForeignCode(TrainingError, f'checkpoint {path} cannot be read'):
            # weights_only: nothing in the file can run code
            state = torch.load(io.BytesIO(data), map_location='cpu', weights_only=True)
            card = RunCard(**{f.name: head[f.name] for f in fields(RunCard) if f.name in head})
            return Checkpoint(path, head['step'], card, state, head['sha256'])

    def _path(self, step: int) -> Path:
        return self.path / f'step_{step:07d}'

    def _thin_out(self) -> None:
        for step in self.steps()[: -self._keep_last]:
            if not self._keep_every or step % self._keep_every:
                remove_folder(self._path(step), TrainingError)


def _head_sha256(head: dict[str, Any]) -> str:
    """Return the SHA-256 of a head, which says of which networks the numbers are."""
    return hashlib.sha256(json.dumps(head, sort_keys=True).encode()).hexdigest()
