"""Training sequences, whatever they are stored as: recognised by their folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets import kitti
from lsd_ros.datasets.sequence import Sequence as SequenceFolder
from lsd_ros.datasets.training_sequence import TrainingSequence, undistorted
from lsd_ros.datasets.tum_rgbd import is_tum_rgbd, read_tum_rgbd
from lsd_ros.datasets.video import VIDEO_SUFFIXES
from lsd_ros.datasets.video_sequence import VideoSequence
from lsd_ros.errors import DatasetError

KNOWN = (
    'a sequence (images/, camera.yaml, timestamps.txt), KITTI raw, KITTI odometry, TUM RGB-D, a '
    'video with its calibration beside it, or a folder of these'
)
BAGS = 'bags become sequences with lsd_ros extract'


def open_sequences(
    paths: Iterable[str | Path], *, split: str | Path | None = None, cameras: Sequence[int] = ()
) -> list[TrainingSequence]:
    """
    Open everything below some paths that can be trained on.

    :param paths: each is :data:`KNOWN`
    :param split: file list of the Eigen splits, for KITTI raw
    :param cameras: of KITTI, by number; empty: left and right colour where there is colour
    :return: in the order of the paths, then by name; at least one
    :raises DatasetError: a path is missing, empty, damaged or nothing that is known
    """
    options = _KittiOptions(None if split is None else Path(split), tuple(cameras))
    found: list[TrainingSequence] = []
    for path in map(Path, paths):
        if not path.exists():
            raise DatasetError(f'{path} does not exist: give {KNOWN}')
        sequences = _opened(path, options)
        if not sequences:
            raise DatasetError(f'{path} holds no sequence: give {KNOWN}; {BAGS}')
        found += sequences
    if not found:
        raise DatasetError(f'no data are given: name {KNOWN}')
    if split is not None and all(sequence.targets is None for sequence in found):
        raise DatasetError(f'{split} chooses frames of KITTI raw: none of the data is that')
    return [undistorted(sequence) for sequence in found]


class FolderSequence:
    """
    A folder of our own format as a training sequence.

    :param path: the folder
    :raises DatasetError: as :class:`lsd_ros.datasets.sequence.Sequence`
    """

    targets: tuple[int, ...] | None = None
    one_way = False

    def __init__(self, path: Path) -> None:
        """Read everything but images and depth."""
        self._folder = SequenceFolder(path)
        self.name = self._folder.name
        self.camera = self._folder.camera
        self.stamps_ns = self._folder.stamps_ns
        self.licence = str(self._folder.manifest.get('licence') or '')
        trajectory = self._folder.trajectory
        self.poses: NDArray[np.float64] | None = None
        if trajectory is not None:
            self.poses = trajectory.world_from_camera

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._folder)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read an image, RGB, shape (H, W, 3)."""
        return self._folder.frame(index).image

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """Read depth [m], shape (H, W), NaN where there is none; None where there is no file."""
        return self._folder.depth(index)


class _KittiOptions(NamedTuple):
    split: Path | None
    cameras: tuple[int, ...]


def _opened(path: Path, options: _KittiOptions) -> list[TrainingSequence]:
    if path.is_file():
        return _opened_file(path)
    if (path / 'images').is_dir():
        return [FolderSequence(path)]
    if is_tum_rgbd(path):
        return [read_tum_rgbd(path)]
    if kitti.is_raw(path):
        return list(kitti.read_raw(path, options.cameras, options.split))
    if kitti.is_odometry(path):
        return list(kitti.read_odometry(path, options.cameras))
    found: list[TrainingSequence] = []
    for below in _below(path):
        found += _opened(below, options)
    return found


def _below(path: Path) -> list[Path]:
    """List what may hold sequences; what is hidden is not finished."""
    try:
        entries = [Path(entry.path) for entry in os.scandir(path) if entry.name[0] != '.']
    except OSError as error:
        raise DatasetError(f'cannot read {path}: {error.strerror}') from error
    return sorted(
        entry for entry in entries if entry.is_dir() or entry.suffix.lower() in VIDEO_SUFFIXES
    )


def _opened_file(path: Path) -> list[TrainingSequence]:
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise DatasetError(f'{path} cannot be trained on: give {KNOWN}; {BAGS}')
    return [VideoSequence(path)]
