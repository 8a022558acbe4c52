"""Files and folders that appear whole or not at all, and stay whole after a loss of power."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.half_written import (
    PART,
    REPLACED,
    found_first,
    held_file,
    held_folder,
    part_prefix,
    remove_abandoned,
)
from lsd_ros.foreign.output_paths import check_replaceable, real_target


def write_atomically(
    path: Path,
    data: bytes,
    *,
    durable: bool = False,
    kind: type[LsdError] = DatasetError,
    problem: str = '',
    remedy: str = '',
) -> None:
    """
    Write a file at once; what was there before stays where that fails, and so do links to it.

    :param durable: wait until the disk has it, so that it outlives a loss of power
    :param kind: of the error
    :param problem: how the sentence of the error begins; default: that it cannot be written
    :param remedy: how it ends
    :raises LsdError: of that kind: the path cannot be written
    """
    target = real_target(path, kind)
    with ForeignCode(kind, problem or f'cannot write {path}', remedy):
        # looked for once in a folder: thousands of pictures may go into one
        remove_abandoned(target, found_first(target.parent))
        temporary = target.with_name(f'{part_prefix(target)}{os.getpid()}')
        with held_file(temporary) as handle:
            with os.fdopen(handle, 'wb', closefd=False) as file:
                file.write(data)
            if durable:
                os.fsync(handle)
            temporary.replace(target)
        if durable:
            sync_folder(target.parent)


@contextlib.contextmanager
def atomic_file(
    path: Path, kind: type[LsdError] = DatasetError, *, problem: str = '', remedy: str = ''
) -> Iterator[Path]:
    """
    Let others write a file that appears at its path only when the block ends without an error.

    The parameters are those of :func:`write_atomically`.

    :return: where to write meanwhile, of the same suffix
    :raises LsdError: of that kind: the path cannot be written
    """
    target = real_target(path, kind)
    temporary = target.with_name(f'{part_prefix(target)}{os.getpid()}{target.suffix}')
    writing = ForeignCode(kind, problem or f'cannot write {path}', remedy)
    with contextlib.ExitStack() as stack:
        with writing:
            remove_abandoned(target)
            stack.enter_context(held_file(temporary))
        yield temporary
        with writing:
            temporary.replace(target)


def write_synced(path: Path, data: bytes, kind: type[LsdError] = DatasetError) -> None:
    """
    Write a file and wait until the disk has it.

    :raises LsdError: of that kind: it cannot be written
    """
    with ForeignCode(kind, f'cannot write {path}'), path.open('wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of what lies in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class AtomicFolder:
    """
    A hidden folder beside the path, in which the real one is built.

    Where the path is a symbolic link, it stays one: what it points to is written.

    :param path: where the folder shall stand in the end
    :param overwrite: whether what stands there is replaced, once the new one is whole
    :param is_ours: says of a path below it whether such a thing is written there: a folder with
        anything else in it is not replaced
    :param durable: wait until the disk has it
    :param kind: of errors
    :raises LsdError: of that kind: something stands there already
    """

    def __init__(
        self,
        path: Path,
        *,
        overwrite: bool,
        is_ours: Callable[[str], bool] = lambda _: False,
        durable: bool = False,
        kind: type[LsdError] = DatasetError,
    ) -> None:
        """Check the path; nothing is written yet."""
        self.path = path
        self._kind, self._durable = kind, durable
        self._target = real_target(path, kind)
        if self._target.exists() and not overwrite:
            raise kind(f'{path} exists already: remove it, or choose another output path')
        if overwrite:
            check_replaceable(self._target, is_ours)
        self._parent: Path | None = None
        self._held = -1

    def open(self) -> Path:
        """
        Make the hidden folder.

        :return: where to build the folder; it has its final name and does not exist yet
        :raises LsdError: nothing can be written there
        """
        if not self._target.name:
            raise self._kind(f'cannot write {self.path}: it is the root of the file system')
        with ForeignCode(self._kind, f'cannot write {self.path}'):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self._target)
            self._parent, self._held = held_folder(self._target)
        return self._parent / self._target.name

    def commit(self) -> None:
        """
        Move the folder to its place.

        :raises LsdError: it cannot be moved; what stood there still stands
        """
        if self._parent is None:
            raise self._kind(f'{self.path} was never opened for writing')
        new, replaced = self._parent / self._target.name, self._parent / REPLACED
        try:
            if self._durable:
                sync_folder(new)
            if self._target.exists():
                self._target.rename(replaced)
            new.rename(self._target)
            if self._durable:
                sync_folder(self._target.parent)
        except OSError as error:
            if replaced.exists():
                replaced.rename(self._target)
            raise self._kind(f'cannot write {self.path}: {error.strerror}') from error

    def discard(self) -> None:
        """Remove what is left of the hidden folder."""
        if self._parent is not None:
            shutil.rmtree(self._parent, ignore_errors=True)
            os.close(self._held)
            self._parent = None


@contextlib.contextmanager
def atomic_folder(
    path: Path,
    *,
    overwrite: bool = False,
    is_ours: Callable[[str], bool] = lambda _: False,
    durable: bool = False,
    kind: type[LsdError] = DatasetError,
) -> Iterator[Path]:
    """
    Fill a folder that appears at its path only when the block ends without an error.

    The parameters are those of :class:`AtomicFolder`.

    :return: the folder to fill meanwhile
    :raises LsdError: of that kind: the path exists, or cannot be written
    """
    staging = AtomicFolder(path, overwrite=overwrite, is_ours=is_ours, durable=durable, kind=kind)
    try:
        folder = staging.open()
        with ForeignCode(kind, f'cannot write {path}'):
            folder.mkdir()
        yield folder
        staging.commit()
    finally:
        staging.discard()


def remove_folder(path: Path, kind: type[LsdError] = DatasetError) -> None:
    """
    Remove a folder at once: it is gone, or it is whole.

    :raises LsdError: of that kind: it cannot be removed
    """
    with ForeignCode(kind, f'cannot remove {path}', 'what was there before is whole'):
        parent = Path(tempfile.mkdtemp(prefix=PART, dir=path.parent))
        path.rename(parent / 'old')
    shutil.rmtree(parent, ignore_errors=True)
