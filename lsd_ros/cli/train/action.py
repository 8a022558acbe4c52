"""``lsd_ros train``: the two phases, from sequences to weights."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeVar

from lsd_ros import config, settings
from lsd_ros.cli.checking import opened_data
from lsd_ros.cli.printing import say
from lsd_ros.cli.progress import progress
from lsd_ros.cli.shared_options import assigned
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.errors import TrainingError
from lsd_ros.foreign.output_paths import check_apart
from lsd_ros.training.phase_settings import PhaseSettings, StudentSettings, TeacherSettings
from lsd_ros.training.run_folder import WEIGHTS

Phase = TypeVar('Phase', bound=PhaseSettings)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    first = os.environ.get('RANK', '0') == '0'  # the others say nothing but errors
    logger = logging.getLogger('lsd_ros')
    logger.setLevel(min(logger.level, logging.INFO) if first else logging.ERROR)
    options: dict[str, Any] = {
        'command': shlex.join(['lsd_ros', *sys.argv[1:]]),
        'overwrite': given.overwrite,
        'progress': _bar if first else _no_bar,
    }
    if given.validate:
        options['validation'] = open_sequences(given.validate)
    if given.phase == 'teacher':
        wanted = phase_settings(given, TeacherSettings)
        data = opened_data(given)
        trainer = _phases().train_teacher(wanted, data, given.out, **options)
        result = given.out
    else:
        chosen = phase_settings(given, StudentSettings)
        data = opened_data(given)
        trainer = _phases().train_student(
            chosen, data, given.out, teacher=given.teacher, **options
        )
        result = given.out / WEIGHTS
    if first:
        say(f'{given.phase} of {trainer.step} steps: {result}')
    return 0


def phase_settings(given: argparse.Namespace, cls: type[Phase]) -> Phase:
    """
    Gather the settings: ``--set`` goes before options of their own, and those before the file.

    :raises SettingError: a setting is unknown or not allowed, or the file cannot be read
    """
    values: dict[str, Any] = {}
    if given.config is not None:
        values.update(settings.values(config.load(given.config, cls)))
    if given.max_steps is not None:
        values['loop.max_steps'] = given.max_steps
    values.update(assigned(given, cls))
    wanted = settings.build(cls, values)
    check_apart({'--out': given.out}, [wanted.start_from, getattr(wanted, 'encoder_weights', '')])
    return wanted


def _phases() -> ModuleType:
    try:
        return importlib.import_module('lsd_ros.training.phases')
    except ModuleNotFoundError as error:
        raise TrainingError(
            f'training needs the Python library {error.name}: install lsd_ros[training]'
        ) from error


@contextlib.contextmanager
def _bar(done: int, steps: int) -> Iterator[Callable[[], object]]:
    with progress('train', steps, 'step', done=done) as advance:
        yield advance


@contextlib.contextmanager
def _no_bar(done: int, steps: int) -> Iterator[Callable[[], object]]:
    yield lambda: None
