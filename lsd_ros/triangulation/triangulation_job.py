"""Triangulates a sequence in parts, side by side; what was done before an interruption stays."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.datasets.image_file import read_image, write_image
from lsd_ros.datasets.job_processes import run_jobs
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.datasets.sequence_writer import MAX_DEPTH_VALUE, depth_values
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.half_written import remove_abandoned
from lsd_ros.foreign.lock import locked
from lsd_ros.triangulation.triangulation import Triangulator
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings

PART = 32  # images: neighbours share much of their work
IDENTITY, POSES, LOCK = 'triangulation.json', 'poses.npy', '.lock'
Advance = Callable[[], object]
LOGGER = logging.getLogger(__name__)


class Unfinished:
    """
    The hidden folder beside a result, in which the depth of its images gathers.

    :param path: where the result shall stand in the end
    :param folder: the sequence
    :param wanted: settings
    """

    def __init__(
        self, path: Path, folder: FolderSequence, wanted: TriangulationSettings, origin: str = ''
    ) -> None:
        self.path = path.parent / f'.{path.name}.unfinished'
        self._result = path
        self._count, self._unit_m = len(folder), wanted.furthest_m / MAX_DEPTH_VALUE
        stamps = hashlib.sha256(np.ascontiguousarray(folder.stamps_ns).tobytes()).hexdigest()
        self._identity = {
            'settings': json.loads(json.dumps(settings.values(wanted))),
            'camera': repr(folder.camera),
            'stamps': stamps,
            'motions': origin,
        }

    @property
    def poses(self) -> NDArray[np.float64] | None:
        """Return the poses that were found before an interruption, shape (N, 4, 4)."""
        if not self._is_same() or not (self.path / POSES).is_file():
            return None
        return np.asarray(np.load(self.path / POSES), np.float64)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """
        Keep other processes out of the folder meanwhile.

        :raises DatasetError: another one triangulates into it, or it cannot be made
        """
        in_use = f'{self.path} is in use: another process triangulates into it'
        with locked(self.path / LOCK, DatasetError, in_use):
            yield

    def open(self, poses: NDArray[np.float64] | None) -> list[int]:
        """
        Make the folder, or find it.

        :param poses: of the images, so that they need not be found again
        :return: which images have no depth yet
        :raises DatasetError: nothing can be written there
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self._is_same() and self._emptied():
                LOGGER.info('%s is of other settings or images, and begun anew', self.path)
            if poses is not None:
                with (self.path / f'.{POSES}').open('wb') as file:
                    np.save(file, poses)
                os.replace(self.path / f'.{POSES}', self.path / POSES)
            (self.path / IDENTITY).write_text(json.dumps(self._identity), encoding='utf-8')
        except OSError as error:
            raise DatasetError(f'cannot write {self.path}: {error.strerror}') from error
        return [index for index in range(self._count) if not self._file(index).exists()]

    def write(self, index: int, depth: NDArray[np.float32]) -> None:
        """
        Keep the depth of an image, wholly or not at all.

        :raises DatasetError: it cannot be written
        """
        part = self.path / f'.{index:06}.png'
        write_image(part, depth_values(depth, self._unit_m))
        part.replace(self._file(index))

    def depths(self) -> Iterator[NDArray[np.float32]]:
        """Yield the depth of every image [m], NaN where there is none."""
        for index in range(self._count):
            values = read_image(self._file(index), cv2.IMREAD_UNCHANGED)
            depth = values.astype(np.float32) * np.float32(self._unit_m)
            depth[values == 0] = np.nan
            yield depth

    def remove(self) -> None:
        """Remove the folder: the result is there."""
        shutil.rmtree(self.path, ignore_errors=True)

    def clear_away(self) -> None:
        """Remove what a run has left that was killed when the result was there already."""
        remove_abandoned(self._result)
        if self.path.is_dir():
            with contextlib.suppress(DatasetError), self.claimed():
                self.remove()

    def _file(self, index: int) -> Path:
        return self.path / f'{index:06}.png'

    def _emptied(self) -> bool:
        """Remove everything but the lock; return whether there was anything."""
        left = [file for file in self.path.iterdir() if file.name != LOCK]
        for file in left:
            file.unlink()
        return bool(left)

    def _is_same(self) -> bool:
        try:
            there = json.loads((self.path / IDENTITY).read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return False
        return bool(there == self._identity)


class Part(NamedTuple):
    """
    Images of one sequence, next to each other.

    :param paths: of all sequences that are compared with each other
    :param poses: of those, where they are not in their folders
    :param number: of the sequence
    :param indices: of the images
    :param unfinished: where the depth gathers
    """

    paths: tuple[Path, ...]
    poses: tuple[NDArray[np.float64] | None, ...]
    wanted: TriangulationSettings
    number: int
    indices: tuple[int, ...]
    unfinished: Unfinished


def triangulate(
    folders: Sequence[FolderSequence],
    paths: Sequence[Path],
    wanted: TriangulationSettings,
    number: int,
    unfinished: Unfinished,
    jobs: int,
    advance: Advance = lambda: None,
) -> None:
    """
    Give every image of a sequence its depth, as far as that was not done before.

    :param paths: of the folders
    :param number: of the sequence in both
    :param unfinished: where the depth gathers
    :param jobs: parts that are worked on at the same time
    :param advance: called for each image
    :raises DatasetError: an image cannot be read, nothing can be written, or a part fails
    """
    left = unfinished.open(folders[number].poses)
    for _ in range(len(folders[number]) - len(left)):
        advance()
    size = PART if jobs > 1 else max(1, len(left))
    poses = tuple(folder.poses for folder in folders)
    parts = [
        Part(tuple(paths), poses, wanted, number, tuple(left[at : at + size]), unfinished)
        for at in range(0, len(left), size)
    ]
    problems = []
    for outcome in run_jobs(
        triangulate_part, [(part,) for part in parts], jobs, lambda *_: advance()
    ):
        problems += [outcome.problem] if outcome.problem else []
    if problems:
        raise DatasetError(f'{folders[number].name} is not finished: {problems[0]}')


def triangulate_part(part: Part, advance: Callable[[int, int], object]) -> None:
    """
    Triangulate some images.

    :param advance: told of each image
    :raises DatasetError: an image cannot be read, or depth cannot be written
    """
    folders = [FolderSequence(path) for path in part.paths]
    for folder, poses in zip(folders, part.poses, strict=True):
        folder.poses = poses if folder.poses is None else folder.poses
    triangulator = Triangulator(folders, part.wanted)
    for index in part.indices:
        part.unfinished.write(index, triangulator.depth(part.number, index))
        advance(1, 0)
