"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from lsd_ros.datasets.staging import Staging
from lsd_ros.errors import DatasetError


@contextlib.contextmanager
def whole_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """
    Fill a folder that appears at its path only when the block ends without an error.

    :param overwrite: whether a folder that is there already is replaced
    :return: the folder to fill meanwhile
    :raises DatasetError: the path exists, or cannot be written
    """
    staging = Staging(path, overwrite=overwrite)
    try:
        folder = staging.open()
        with _translated(path):
            folder.mkdir()
        yield folder
        staging.commit()
    finally:
        staging.discard()


def write_whole(path: Path, data: bytes) -> None:
    """
    Write a file at once; what was there before stays where that fails.

    :raises DatasetError: the path cannot be written
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.part')
    with _translated(path):
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(f'cannot write {path}: {error.strerror or error}') from error
