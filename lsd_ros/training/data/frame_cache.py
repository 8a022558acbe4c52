"""
Decoded frames at a reduced size, filled as they are asked for and shared by all processes.

Decoding a large JPEG or PNG takes longer than everything else that is done to a sample, and every
image is needed three times an epoch.
"""

from __future__ import annotations

import logging
import mmap
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.geometry.resize import resize_image
from lsd_ros.settings import setting
from lsd_ros.training.data.window import largest_window
from lsd_ros.types import Camera

_EMPTY, _FILLED, _COLOURED = 0, 1, 2  # coloured: a frame with colour in a grey sequence
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheSettings:
    """Where decoded frames are kept."""

    where: str = setting(
        'auto',
        'Where decoded frames are kept; auto: in memory where they take less than half of what is '
        'free, else on disk, else nowhere',
        choices=('auto', 'memory', 'disk', 'none'),
    )
    scale: float = setting(
        1.6,
        'Larger frames are kept at this many times the network size',
        minimum=1,
        maximum=16,
    )
    folder: str = setting('', 'Folder for the file of a cache on disk; empty: that of the system')

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


class FrameCache:
    """
    The frames of some sequences, reduced to what their network size needs.

    Processes forked from this one share what each of them decodes. Nothing outlives them.

    :param sizes: (width, height) of the network input, for each sequence
    :param fit: how images become that size, ``crop`` or ``stretch``
    :raises DatasetError: an image cannot be decoded, or the disk is full
    """

    def __init__(
        self,
        sequences: Sequence[TrainingSequence],
        sizes: Sequence[tuple[int, int]],
        fit: str,
        given: CacheSettings,
    ) -> None:
        """Lay the frames out; none is decoded yet but the first of each sequence."""
        self._sequences = sequences
        self._cameras = [
            _reduced(sequence.camera, size, fit, given.scale)
            for sequence, size in zip(sequences, sizes, strict=True)
        ]
        shapes = [_shape(s, camera) for s, camera in zip(sequences, self._cameras, strict=True)]
        counts = [len(sequence) for sequence in sequences]
        self.size_bytes = sum(
            n * (1 + int(np.prod(shape))) for n, shape in zip(counts, shapes, strict=True)
        )
        self.where = _where(given, self.size_bytes)
        self._frames: list[NDArray[np.uint8]] = []
        self._filled: list[NDArray[np.uint8]] = []
        if self.where == 'none':
            self._cameras = [sequence.camera for sequence in sequences]
            self._warn_of_videos()
            return
        memory = np.frombuffer(_allocated(self.where, self.size_bytes, given.folder), np.uint8)
        start = 0
        for count, shape in zip(counts, shapes, strict=True):
            end = start + count * int(np.prod(shape))
            self._frames.append(memory[start:end].reshape(count, *shape))
            self._filled.append(memory[end : end + count])
            start = end + count
        for number, sequence in enumerate(sequences):
            if sequence.one_way:
                self._fill(number)

    def camera(self, sequence: int) -> Camera:
        """Return the camera of the frames of a sequence, by its number."""
        return self._cameras[sequence]

    def image(self, sequence: int, index: int) -> NDArray[np.uint8]:
        """
        Return a frame, RGB, shape (H, W, 3), not to be written to.

        :raises DatasetError: it cannot be decoded
        """
        if self.where == 'none':
            return self._sequences[sequence].image(index)
        frames, filled = self._frames[sequence], self._filled[sequence]
        if filled[index] == _FILLED:
            return _three(frames[index])
        image = self._decoded(sequence, index)
        if frames.ndim == 4:
            frames[index] = image
        elif _is_grey(image):
            frames[index] = image[..., 0]
        else:
            filled[index] = _COLOURED
            return image
        filled[index] = _FILLED  # last: another process may look
        return image

    def _fill(self, sequence: int) -> None:
        _log.info('decoding %s once', self._sequences[sequence].name)
        for index in range(len(self._sequences[sequence])):
            self.image(sequence, index)

    def _warn_of_videos(self) -> None:
        for sequence in self._sequences:
            if sequence.one_way:
                _log.warning(
                    '%s is decoded from its start for each sample: extract it, or use a cache',
                    sequence.name,
                )

    def _decoded(self, sequence: int, index: int) -> NDArray[np.uint8]:
        camera = self._cameras[sequence]
        return resize_image(self._sequences[sequence].image(index), camera.width, camera.height)


def _reduced(camera: Camera, size: tuple[int, int], fit: str, scale: float) -> Camera:
    columns, rows = largest_window(camera.width, camera.height, size, fit)
    share = scale * max(size[0] / columns, size[1] / rows)
    if share >= 1:
        return camera
    return camera.resized(round(camera.width * share), round(camera.height * share))


def _shape(sequence: TrainingSequence, camera: Camera) -> tuple[int, ...]:
    """Return the shape of a stored frame: one plane where the first image is grey."""
    planes = () if _is_grey(sequence.image(0)) else (3,)
    return (camera.height, camera.width, *planes)


def _is_grey(image: NDArray[np.uint8]) -> bool:
    first = image[..., 0]
    return np.array_equal(first, image[..., 1]) and np.array_equal(first, image[..., 2])


def _three(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if frame.ndim == 3:
        return frame
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB), np.uint8)


def _where(given: CacheSettings, size_bytes: int) -> str:
    if given.where != 'auto':
        return given.where
    processes = int(os.environ.get('LOCAL_WORLD_SIZE', '1'))  # torchrun: each has its own
    need = size_bytes * processes
    folder = given.folder or tempfile.gettempdir()
    if need < psutil.virtual_memory().available / 2:
        return 'memory'
    if Path(folder).is_dir() and need < shutil.disk_usage(folder).free / 2:
        return 'disk'
    _log.warning('%.1f GB of decoded frames fit nowhere: they are decoded each time', need / 1e9)
    return 'none'


def _allocated(where: str, size_bytes: int, folder: str) -> mmap.mmap:
    try:
        if where == 'memory':
            return mmap.mmap(-1, size_bytes)
        with tempfile.TemporaryFile(dir=folder or None) as file:  # has no name: nothing is left
            os.posix_fallocate(file.fileno(), 0, size_bytes)  # a full disk is met here, not later
            return mmap.mmap(file.fileno(), size_bytes)
    except OSError as error:
        raise DatasetError(
            f'cannot keep {size_bytes / 1e9:.1f} GB of decoded frames '
            f'{"in memory" if where == "memory" else f"in {folder or tempfile.gettempdir()}"}: '
            f"{error.strerror}; set cache.where to 'none', or lower cache.scale"
        ) from error
