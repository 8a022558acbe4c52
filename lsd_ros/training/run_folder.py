"""The folder of one training: it is made, resumed, or refused."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lsd_ros.errors import TrainingError
from lsd_ros.foreign.atomic import atomic_folder, write_synced
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.lock import locked
from lsd_ros.foreign.output_paths import check_replaceable
from lsd_ros.training.checkpointing import CheckpointFolder, RunCard

CARD = 'run.json'
CONFIG = 'config.yaml'
CHECKPOINTS, BEST = 'checkpoints', 'best'
BOARD = 'tensorboard'
METRICS, VALIDATION = 'metrics.jsonl', 'validation.jsonl'
WEIGHTS, BEST_WEIGHTS = 'weights.safetensors', 'best.safetensors'
# what may change between two parts of one training, because the steps stay what they are
FREE = ('loop.workers', 'loop.threads', 'record.', 'validation.')
LOGGER = logging.getLogger(__name__)


class RunFolder:
    """
    Everything that a training writes.

    Use it as a context manager: meanwhile no other process can train into the same folder.

    :param path: of the folder; see :meth:`open`
    :param card: of the training
    """

    def __init__(self, path: Path, card: RunCard) -> None:
        self.path = path
        self.card = card
        self._held = ExitStack()

    @classmethod
    def open(
        cls,
        path: Path,
        card: RunCard,
        config: str,
        *,
        defaults: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> RunFolder:
        """
        Make the folder of a training, or find it for going on.

        :param card: of the training that is wanted
        :param config: the same settings as YAML, for people
        :param defaults: what settings are that the version which began the training did not know
        :param overwrite: whether a training that is there is removed
        :raises TrainingError: there is something else at the path, or another training
        """
        if path.exists() and not path.is_dir():
            raise TrainingError(f'{path} is a file: choose a folder for the training')
        if path.is_dir() and any(path.iterdir()):
            if not (path / CARD).is_file():
                raise TrainingError(f'{path} holds no training: choose another folder')
            if not overwrite:
                _check_same(path, read_run_card(path), card, defaults or {})
                return cls(path, card)
            check_replaceable(path, _is_of_training)
            with cls(path, card):  # nobody trains into what is about to be removed
                LOGGER.info('the training in %s is removed', path)
        with atomic_folder(
            path, overwrite=True, is_ours=lambda _: True, durable=True, kind=TrainingError
        ) as folder:
            write_synced(folder / CARD, _card_text(card).encode(), TrainingError)
            write_synced(folder / CONFIG, config.encode(), TrainingError)
        return cls(path, card)

    def __enter__(self) -> RunFolder:
        """Lock the folder."""
        in_use = f'another process trains into {self.path} now'
        self._held.enter_context(locked(self.path / '.lock', TrainingError, in_use))
        return self

    def __exit__(self, *_: object) -> None:
        """Unlock the folder."""
        self._held.close()

    def checkpoints(self, keep_last: int = 3, keep_every: int = 0) -> CheckpointFolder:
        """Return the checkpoints of the training."""
        return CheckpointFolder(self.path / CHECKPOINTS, keep_last, keep_every)

    def best(self) -> CheckpointFolder:
        """Return where the best checkpoint of a training with validation is."""
        return CheckpointFolder(self.path / BEST, keep_last=1)


def _is_of_training(below: str) -> bool:
    first, _, rest = below.partition('/')
    if rest:
        return first in (CHECKPOINTS, BEST, BOARD) or first.startswith('.')
    files = (CARD, CONFIG, METRICS, VALIDATION, WEIGHTS, BEST_WEIGHTS)
    return first in files or first.startswith(('.', 'bad_batch_'))


def read_run_card(path: Path) -> RunCard:
    """
    Read what a folder trains.

    :raises TrainingError: it is the folder of no training
    """
    with ForeignCode(TrainingError, f'{path} holds no training: it has no readable {CARD}'):
        return RunCard(**json.loads((path / CARD).read_text(encoding='utf-8')))


def _card_text(card: RunCard) -> str:
    return json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False) + '\n'


def _check_same(path: Path, there: RunCard, wanted: RunCard, defaults: Mapping[str, Any]) -> None:
    remedy = 'choose another folder, or add --overwrite to remove that training'
    if there.kind != wanted.kind:
        raise TrainingError(f'{path} trains a {there.kind}, not a {wanted.kind}: {remedy}')
    names = sorted(set(there.settings) | set(wanted.settings))
    for name in names:
        before = _plain(there.settings.get(name, defaults.get(name)))
        now = _plain(wanted.settings.get(name))
        if before != now and not _is_free(name, wanted.settings):
            raise TrainingError(f'{path} trains with {name} {before!r}, not {now!r}: {remedy}')
    if there.teacher != wanted.teacher:
        raise TrainingError(f'{path} learns from another teacher, or none: {remedy}')
    if _plain(there.data) != _plain(wanted.data):
        before, now = (', '.join(_names(card.data)) for card in (there, wanted))
        raise TrainingError(f'{path} learns from other data ({before}; now {now}): {remedy}')


def _is_free(name: str, settings: dict[str, Any]) -> bool:
    if name == 'loop.max_steps':  # longer is fine where no learning rate depends on the length
        return bool(settings.get('optimiser.schedule') == 'constant')
    return name.startswith(FREE)


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back: tuples become lists."""
    return json.loads(json.dumps(value))


def _names(data: Sequence[dict[str, Any]]) -> list[str]:
    return [str(sequence.get('name')) for sequence in data]
