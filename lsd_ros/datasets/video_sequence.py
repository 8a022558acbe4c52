"""A video file as a training sequence."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.camera_yaml import read_camera
from lsd_ros.datasets.video import VideoReader
from lsd_ros.errors import DatasetError
from lsd_ros.types import Camera, Frame

_log = logging.getLogger(__name__)


class VideoSequence:
    """
    A video with its calibration beside it: ``drive.mp4`` and ``drive.yaml``.

    Frames are fast in their order only: going back means to decode from the start.

    :param path: video file
    :param camera: None: read from the calibration file beside it
    :raises DatasetError: the video or its calibration is missing or damaged
    """

    poses: NDArray[np.float64] | None = None
    targets: tuple[int, ...] | None = None
    licence = ''
    one_way = True

    def __init__(self, path: Path, camera: Camera | None = None) -> None:
        """Read the calibration, and size and length of the video."""
        calibration = path.with_suffix('.yaml')
        if camera is None and not calibration.exists():
            raise DatasetError(
                f'{path} has no calibration: put that of its camera beside it, as {calibration}'
            )
        self.name = path.stem
        self.camera = camera or read_camera(calibration)
        self._path = path
        self._reader = VideoReader(path, self.camera)
        self._reader.check_upright()
        self.stamps_ns = self._reader.stamps_ns()
        self._frames: Iterator[Frame] = iter(())
        self._next = len(self.stamps_ns)
        self._process = 0
        self._warned = False

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.stamps_ns)

    def image(self, index: int) -> NDArray[np.uint8]:
        """
        Decode an image, RGB, shape (H, W, 3).

        :raises DatasetError: the video breaks off before it
        """
        if index < self._next or self._process != os.getpid():  # a decoder survives no fork
            self._frames, self._next, self._process = iter(self._reader), 0, os.getpid()
        for frame in self._frames:
            if self._next >= len(self):
                break  # more than the file counts
            self._check_stamp(frame.stamp_ns)
            self._next += 1
            if self._next > index:
                return frame.image
        raise DatasetError(
            f'{self._path} breaks off after {self._next} of {len(self)} frames: repair it, or '
            'extract what is readable with lsd_ros extract'
        )

    def _check_stamp(self, stamp_ns: int) -> None:
        off_ns = abs(stamp_ns - int(self.stamps_ns[self._next]))
        if off_ns > 1e9 / self._reader.rate_hz and not self._warned:
            self._warned = True
            _log.warning(
                '%s keeps its rate at the start only: frame %d is %.3f s off; convert it to a '
                'steady rate',
                self._path,
                self._next,
                off_ns / 1e9,
            )

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """Return None: a video has no depth."""
        return None
