"""
What is not whole yet: hidden beside its target, and held by the process that makes it.

A process that is killed without a word leaves it behind. The kernel lets go of its locks, so that
the next one that makes the same thing can tell what nobody holds any more from the work of others.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PART = '.part-'  # how the name of what is not whole yet begins
LONGEST_PREFIX = 100  # names have at most 255 bytes
REPLACED = 'replaced'  # what stood at the target, in the folder that takes its place


def part_prefix(target: Path) -> str:
    """Return how the names of what shall become a file or folder begin."""
    return f'{PART}{target.name[:LONGEST_PREFIX]}.'


@contextlib.contextmanager
def held_file(path: Path) -> Iterator[int]:
    """
    Make an empty file, hold it meanwhile, and remove it in the end if it is still there.

    :return: its descriptor, for writing
    :raises OSError: it cannot be written
    """
    handle = _held(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    while not os.fstat(handle).st_nlink:  # somebody took it for left behind, and removed it
        os.close(handle)
        handle = _held(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        yield handle
    finally:
        os.close(handle)
        path.unlink(missing_ok=True)


def held_folder(target: Path) -> tuple[Path, int]:
    """
    Make a hidden folder beside a target, and hold it until its descriptor is closed.

    :raises OSError: it cannot be written
    """
    while True:
        made = Path(tempfile.mkdtemp(prefix=part_prefix(target), dir=target.parent))
        with contextlib.suppress(FileNotFoundError):  # somebody took it for left behind
            handle = _held(made, os.O_RDONLY)
            if made.exists():
                return made, handle
            os.close(handle)


@functools.lru_cache(maxsize=64)
def found_first(folder: Path) -> tuple[Path, ...]:
    """Return what was half-written in a folder when this process looked first, for many files."""
    return _half_written(folder)


def remove_abandoned(target: Path, found: Iterable[Path] | None = None) -> None:
    """
    Remove what was to become a file or folder, and is held by nobody any more.

    What was about to be replaced, and is nowhere else, is put back.

    :param found: half-written, among it what is looked for; None: whatever is there now
    """
    prefix = part_prefix(target)
    everything = _half_written(target.parent) if found is None else found
    left = [part for part in everything if part.name.startswith(prefix)]
    for part in left:
        with contextlib.suppress(OSError), _taken(part):
            if not part.is_dir():
                part.unlink()
                continue
            if (part / REPLACED).exists() and not target.exists():
                (part / REPLACED).rename(target)
            shutil.rmtree(part, ignore_errors=True)


def remove_parts(folder: Path) -> None:
    """Remove everything half-written from a folder that this process alone works in."""
    for left in folder.glob(f'{PART}*'):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _half_written(folder: Path) -> tuple[Path, ...]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return tuple(Path(entry.path) for entry in entries if entry.name.startswith(PART))
    return ()


def _held(path: Path, flags: int) -> int:
    """Open a path and hold it; a file system without locks never takes it for left behind."""
    handle = os.open(path, flags | os.O_CLOEXEC, 0o666)
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


@contextlib.contextmanager
def _taken(path: Path) -> Iterator[None]:
    """
    Hold a path that nobody else holds.

    :raises OSError: somebody does, it is gone, or the file system has no locks
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), os.lstat(path)):
            raise FileNotFoundError(path)
        yield
    finally:
        os.close(handle)
