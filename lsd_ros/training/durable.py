"""Files and folders that are there whole or not at all, also after the power fails."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lsd_ros.errors import TrainingError

HIDDEN = '.part-'


def write_durably(path: Path, data: bytes) -> None:
    """
    Write a file; what was there before stays where that fails.

    :raises TrainingError: the file cannot be written
    """
    path = Path(os.path.realpath(path))  # a link stays one
    temporary = path.with_name(f'{HIDDEN}{path.name}')
    with _translated(path):
        try:
            write_synced(temporary, data)
            temporary.replace(path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_appears(path: Path) -> Iterator[Path]:
    """
    Fill a folder that appears at its path only when the block ends without an error.

    What stood at the path is replaced.

    :return: the folder to fill meanwhile
    :raises TrainingError: it cannot be written
    """
    path = Path(os.path.realpath(path))  # a link stays one
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=path.parent))
    try:
        with _translated(path):
            new = room / 'new'
            new.mkdir()
            yield new
            _sync(new)
            if path.exists():
                path.rename(room / 'old')
            new.rename(path)
            _sync(path.parent)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file down to the disk."""
    with path.open('wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def remove_folder(path: Path) -> None:
    """
    Remove a folder at once: it is gone, or it is whole.

    :raises TrainingError: it cannot be removed
    """
    with _translated(path):
        room = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=path.parent))
        path.rename(room / 'old')
    shutil.rmtree(room, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed has left half-written."""
    for left in folder.glob(f'{HIDDEN}*'):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f'cannot write {path}: {error.strerror or error}; what was there before is whole'
        ) from error
