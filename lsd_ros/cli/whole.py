"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.output_paths import real_target
from lsd_ros.foreign.staging import LONGEST_PREFIX, Staging


@contextlib.contextmanager
def whole_folder(
    path: Path, *, overwrite: bool = False, is_ours: Callable[[str], bool] = lambda _: False
) -> Iterator[Path]:
    """
    Fill a folder that appears at its path only when the block ends without an error.

    :param overwrite: whether a folder that is there already is replaced
    :param is_ours: says of a path below it whether it is of an earlier one
    :return: the folder to fill meanwhile
    :raises DatasetError: the path exists, or cannot be written
    """
    staging = Staging(path, overwrite=overwrite, is_ours=is_ours)
    try:
        folder = staging.open()
        with ForeignCode(DatasetError, f'cannot write {path}'):
            folder.mkdir()
        yield folder
        staging.commit()
    finally:
        staging.discard()


def write_whole(path: Path, data: bytes) -> None:
    """
    Write a file at once; what was there before stays where that fails, and so do links to it.

    :raises DatasetError: the path cannot be written
    """
    target = real_target(path)
    with ForeignCode(DatasetError, f'cannot write {path}'):
        temporary = target.with_name(f'.{target.name[:LONGEST_PREFIX]}.{os.getpid()}.part')
        try:
            temporary.write_bytes(data)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
