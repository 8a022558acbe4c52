"""Folders that appear at their path when they are whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.output_paths import check_replaceable, real_target

LONGEST_PREFIX = 100  # names have at most 255 bytes


class Staging:
    """
    A hidden folder beside the path, in which the real one is built.

    Where the path is a symbolic link, it stays one: what it points to is written.

    :param path: where the folder shall stand in the end
    :param overwrite: whether what stands there is replaced, once the new one is whole
    :param is_ours: says of a path below it whether such a thing is written there: a folder with
        anything else in it is not replaced
    :raises DatasetError: something stands there already
    """

    def __init__(
        self, path: Path, *, overwrite: bool, is_ours: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Check the path; nothing is written yet."""
        self.path = path
        self._target = real_target(path)
        if self._target.exists() and not overwrite:
            raise DatasetError(f'{path} exists already: remove it, or choose another output path')
        if overwrite:
            check_replaceable(self._target, is_ours)
        self._parent: Path | None = None

    def open(self) -> Path:
        """
        Make the hidden folder.

        :return: where to build the folder; it has its final name and does not exist yet
        :raises DatasetError: nothing can be written there
        """
        if not self._target.name:
            raise DatasetError(f'cannot write {self.path}: it is the root of the file system')
        with ForeignCode(DatasetError, f'cannot write {self.path}'):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            prefix = f'.{self._target.name[:LONGEST_PREFIX]}.'
            self._parent = Path(tempfile.mkdtemp(prefix=prefix, dir=self._target.parent))
        return self._parent / self._target.name

    def commit(self) -> None:
        """
        Move the folder to its place.

        :raises DatasetError: it cannot be moved; what stood there still stands
        """
        if self._parent is None:
            raise DatasetError(f'{self.path} was never opened for writing')
        replaced = self._parent / 'replaced'
        try:
            if self._target.exists():
                self._target.rename(replaced)
            (self._parent / self._target.name).rename(self._target)
        except OSError as error:
            if replaced.exists():
                replaced.rename(self._target)
            raise DatasetError(f'cannot write {self.path}: {error.strerror}') from error

    def discard(self) -> None:
        """Remove what is left of the hidden folder."""
        if self._parent is not None:
            shutil.rmtree(self._parent, ignore_errors=True)
