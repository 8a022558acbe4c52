"""The folder for what is made on the way: one process at a time, and nothing of others is lost."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.half_written import PART, remove_parts
from lsd_ros.foreign.lock import locked
from lsd_ros.foreign.printable import printable

LOCK = '.adaptation.lock'
TELLING = (LOCK, 'extracted', 'parts', 'geometry.json', 'report.json')
BUILT_IN = ('motions', 'parts', 'known', 'synthetic')
_OURS = re.compile(
    r'extracted|motions|parts|known|synthetic|depth|pose|images|images_pose'
    r'|(depth|pose|images|images_pose)\.(probe|plan\.json)|geometry\.json|spent\.json|points\.npy'
    r'|report\.(md|json)|held_out_\d+\.png|.+\.camera\.yaml|'
    rf'{re.escape(PART)}.*|{re.escape(LOCK)}'
)


def check_work_folder(work: Path, *, overwrite: bool) -> None:
    """
    Check that nothing but an earlier work is gone on with, or replaced.

    :raises DatasetError: others have put something there, or it cannot be read
    """
    with ForeignCode(DatasetError, f'cannot look into {work}'):
        if not work.exists():
            return
        if not work.is_dir():
            raise DatasetError(f'{work} is a file: give a folder with --work')
        names = sorted(path.name for path in work.iterdir())
    if names and not set(names) & set(TELLING):
        raise DatasetError(
            f'{work} is not the work of an earlier adaptation and is left alone: give another '
            '--work'
        )
    foreign = [name for name in names if not _OURS.fullmatch(name)]
    if foreign and overwrite:
        raise DatasetError(
            f'{work} holds {printable(foreign[0])}, which would be lost: move it away, or give '
            'another --work'
        )


@contextlib.contextmanager
def claimed(work: Path, *, overwrite: bool = False) -> Iterator[None]:
    """
    Make the folder, or find it, and keep other processes out of it meanwhile.

    What a process that was killed left half-written is removed.

    :param overwrite: whether what an earlier adaptation left there is removed
    :raises DatasetError: another process works in it, or it cannot be written
    """
    in_use = f'{work} is in use: another process works in it; give another --work'
    with locked(work / LOCK, DatasetError, in_use):
        for path in work.iterdir() if overwrite else ():
            if path.name == LOCK:
                continue
            with ForeignCode(DatasetError, f'cannot remove {path}'):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in (work, *(work / name for name in BUILT_IN)):
            remove_parts(path)
        yield
