"""A video file as a source of frames."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lsd_ros.datasets.camera_yaml import describe_camera
from lsd_ros.datasets.frame_source import FrameStats
from lsd_ros.datasets.sequence import FRAME_ID
from lsd_ros.errors import CameraError, DatasetError
from lsd_ros.types import Camera, Frame

_log = logging.getLogger(__name__)

VIDEO_SUFFIXES = ('.avi', '.mp4', '.mkv', '.mov', '.webm', '.m4v', '.mpg', '.mpeg', '.ogv')


class VideoReader:
    """
    The frames of a video; stamps count from 0 at the rate that the file names.

    :param path: whatever OpenCV can decode
    :param camera: of the frames; None while it is not known
    :raises DatasetError: the file is missing, or no video that OpenCV can decode
    """

    kind = 'video'

    def __init__(self, path: str | Path, camera: Camera | None = None) -> None:
        """Open the video once, for its size and rate."""
        self.path = Path(path)
        self.stats = FrameStats()
        self._camera = camera
        try:
            with self.path.open('rb') as file:
                file.read(1)
        except OSError as error:
            raise DatasetError(f'cannot read the video {path}: {error.strerror}') from error
        with self._capture() as capture:
            self.rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
            self._count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
            self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if not 0 < self.rate_hz < 10_000:
            raise DatasetError(f'{path} has no frame rate ({self.rate_hz} Hz): convert it')

    @property
    def name(self) -> str:
        """Return the name of the file, without its suffix."""
        return self.path.stem

    @property
    def frame_count(self) -> int | None:
        """Return the number of frames that the file names; None where it names none."""
        return self._count if self._count > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        """
        Read the frames from the start.

        :raises DatasetError: not one frame can be decoded, or the camera is of another size
        """
        self.stats = FrameStats()
        with self._capture() as capture:
            while True:
                decoded, image = capture.read()
                if not decoded:
                    break
                stamp_ns = round(self.stats.frames * 1e9 / self.rate_hz)
                rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
                try:
                    frame = Frame(stamp_ns, FRAME_ID, rgb, self._camera)
                except CameraError as error:
                    raise DatasetError(f'{self.path}: {error}') from error
                self.stats.frames += 1
                yield frame
        if not self.stats.frames:
            raise DatasetError(f'no frame of the video {self.path} can be decoded')
        if self._count > self.stats.frames:
            self.stats.undecodable = self._count - self.stats.frames
            _log.warning(
                '%s breaks off after %d of %d frames', self.path, self.stats.frames, self._count
            )

    def __enter__(self) -> VideoReader:
        """Return the source; the file is only open while it is read."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def describe(self) -> dict[str, Any]:
        """Return what the file says about itself: frames, size, rate and codec."""
        return {
            'kind': self.kind,
            'path': str(self.path),
            'frames': self.frame_count,
            'width': self.width,
            'height': self.height,
            'rate_hz': self.rate_hz,
            'duration_s': None if self.frame_count is None else self._count / self.rate_hz,
            'camera': describe_camera(self._camera),
        }

    @contextmanager
    def _capture(self) -> Iterator[cv2.VideoCapture]:
        capture = _opened(self.path)
        try:
            if not capture.isOpened():
                raise DatasetError(
                    f'{self.path} is no video that OpenCV can decode: convert it, for example '
                    'with ffmpeg, to H.264 in .mp4'
                )
            yield capture
        finally:
            capture.release()


def _opened(path: Path) -> cv2.VideoCapture:
    """Open a capture without the complaints of OpenCV and FFmpeg: ours is one sentence."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    # the other backends take numbers in names for image series
    has_ffmpeg = cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
    log = cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG if has_ffmpeg else cv2.CAP_ANY)
    finally:
        log.setLogLevel(level)
