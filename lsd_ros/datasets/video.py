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
from numpy.typing import NDArray

from lsd_ros.datasets.sequence import FRAME_ID
from lsd_ros.errors import CameraError, DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import open_file
from lsd_ros.foreign.limits import limits
from lsd_ros.types import Camera, Frame
from lsd_ros.types.camera import describe_camera
from lsd_ros.types.frame_source import NO_CAMERA, FrameStats

_log = logging.getLogger(__name__)

STEADY_FRAMES = 100  # that many at a steady rate: so are the others
STEADY_SHARE = 0.5  # of a frame: rounded stamps of a steady rate are nearer than this
SEEN_SHARE = 0.8  # of the time that a video says it lasts; the last frame may stand for long
MAX_STAMP_NS = 2**62
VIDEO_SUFFIXES = ('.avi', '.mp4', '.mkv', '.mov', '.webm', '.m4v', '.mpg', '.mpeg', '.ogv')


class VideoReader:
    """
    The frames of a video, with the stamps of the file where it has any, counted from 0.

    :param path: whatever OpenCV can decode
    :param camera: of the frames; None while it is not known
    :raises DatasetError: the file is missing, or no video that OpenCV can decode
    """

    kind = 'video'

    def __init__(self, path: str | Path, camera: Camera | None = None) -> None:
        """Open the video once, for its size and rate."""
        self.path = Path(path)
        self.stats = FrameStats()
        self.damage: list[str] = []
        self._camera = camera
        open_file(self.path, DatasetError).close()  # says better than OpenCV what is wrong
        with self._capture() as capture:
            self.rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
            self._count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
            self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
            self.turned_deg = round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        if not 0 < self.rate_hz < 10_000:
            raise DatasetError(f'{path} has no frame rate ({self.rate_hz} Hz): convert it')
        limits().check_image(self.width, self.height, 3, DatasetError)

    @property
    def name(self) -> str:
        """Return the name of the file, without its suffix."""
        return self.path.stem

    @property
    def frame_count(self) -> int | None:
        """Return the number of frames that the file names; None where it names none."""
        return self._count if self._count > 0 else None

    def check_upright(self) -> None:
        """
        Refuse a video that players turn before they show it.

        Nobody can tell whether its calibration is of the turned image.

        :raises DatasetError: it is one
        """
        if self.turned_deg:
            raise DatasetError(
                f'the video {self.path} is stored turned by {self.turned_deg} degrees: turn it '
                f'for good, for example with ffmpeg -i {self.path.name} turned.mp4, and calibrate '
                'the turned images'
            )

    @property
    def first_camera(self) -> Camera | None:
        """Return the camera that was given."""
        return self._camera

    @property
    def camera_problem(self) -> str:
        """Say that there is no camera where there is none."""
        return '' if self._camera else NO_CAMERA

    def __iter__(self) -> Iterator[Frame]:
        """
        Read the frames from the start.

        :raises DatasetError: not one frame can be decoded, the camera is of another size, or the
            video is to be turned
        """
        self.check_upright()
        self.stats, self.damage = FrameStats(), []
        stamps = _Stamps(self.rate_hz)
        for time_ms, image in self._decoded():
            with ForeignCode(DatasetError, f'{self.path} cannot be decoded'):
                rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
            try:
                frame = Frame(stamps.following(time_ms), FRAME_ID, rgb, self._camera)
            except CameraError as error:
                raise DatasetError(f'{self.path}: {error}') from error
            self.stats.frames += 1
            yield frame
        if not self.stats.frames:
            raise DatasetError(f'no frame of the video {self.path} can be decoded')
        self._note_end(stamps)

    def stamps_ns(self) -> NDArray[np.int64]:
        """
        Find the stamp of every frame: from the start of the video alone where its rate is steady.

        :return: strictly increasing [ns], shape (N,)
        :raises DatasetError: the video does not say how long it is, or cannot be decoded
        """
        if self._count <= 0:
            raise DatasetError(f'{self.path} does not say how long it is: convert it to .mp4')
        every = np.arange(self._count) * 1e9 / self.rate_hz
        steady: NDArray[np.int64] = np.rint(every).astype(np.int64)
        found: list[int] = []
        stamps = _Stamps(self.rate_hz)
        with self._capture() as capture:
            while len(found) < self._count and capture.grab():
                found.append(stamps.following(float(capture.get(cv2.CAP_PROP_POS_MSEC))))
                if len(found) == STEADY_FRAMES and _is_steady(found, steady):
                    return steady
        if _is_steady(found, steady):
            return steady  # what is counted but cannot be decoded says so when it is read
        _log.info('%s has no steady rate: its frames have the stamps of the file', self.path)
        return np.array(found, np.int64)

    def _note_end(self, stamps: _Stamps) -> None:
        """Note where the frames end too early; their number is a guess where no rate is steady."""
        frames = self.stats.frames
        if stamps.steady and self._count > frames:
            self.stats.undecodable = self._count - frames
            sentence = f'{self.path} breaks off after {frames} of {self._count} frames'
        elif not stamps.steady and stamps.latest_ns / 1e9 < SEEN_SHARE * self._duration_s:
            sentence = (
                f'{self.path} breaks off after {stamps.latest_ns / 1e9:.1f} of '
                f'{self._duration_s:.1f} s'
            )
        else:
            return
        self.damage.append(sentence)
        _log.warning('%s', sentence)

    @property
    def _duration_s(self) -> float:
        return self._count / self.rate_hz

    def _decoded(self) -> Iterator[tuple[float, NDArray[Any]]]:
        """Yield the frames with the time that the file gives them [ms]."""
        with self._capture() as capture:
            while True:
                with ForeignCode(DatasetError, f'{self.path} cannot be decoded'):
                    decoded, image = capture.read()
                    time_ms = float(capture.get(cv2.CAP_PROP_POS_MSEC))
                if not decoded:
                    return
                yield time_ms, image

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
            'turned_deg': self.turned_deg,
            'duration_s': None if self.frame_count is None else self._duration_s,
            'camera': describe_camera(self._camera),
        }

    @contextmanager
    def _capture(self) -> Iterator[cv2.VideoCapture]:
        with ForeignCode(DatasetError, f'{self.path} cannot be opened as a video'):
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


class _Stamps:
    """
    Stamps of frames in their order: those of the file, as far as they increase.

    Files without stamps say 0 for all; then the nominal rate counts. ``steady`` tells whether it
    held so far.
    """

    def __init__(self, rate_hz: float) -> None:
        self._step_ns = 1e9 / rate_hz
        self._count = 0
        self._first_ms = 0.0
        self.latest_ns = -1
        self.steady = True
        self._nominal = False

    def following(self, time_ms: float) -> int:
        """Return the stamp of the next frame [ns], given the time that the file gives it."""
        nominal_ns = round(self._count * self._step_ns)
        if self._count == 0:
            self._first_ms = time_ms
        since_first_ns = (time_ms - self._first_ms) * 1e6
        if not self.latest_ns < since_first_ns < MAX_STAMP_NS:
            self._nominal = True
        steady = abs(since_first_ns - nominal_ns) < STEADY_SHARE * self._step_ns
        stamp_ns = nominal_ns if self._nominal or steady else round(since_first_ns)
        self.steady &= stamp_ns == nominal_ns
        self.latest_ns = max(stamp_ns, self.latest_ns + 1)
        self._count += 1
        return self.latest_ns


def _is_steady(found: list[int], steady: NDArray[np.int64]) -> bool:
    return np.array_equal(np.array(found, np.int64), steady[: len(found)])


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Let neither OpenCV nor FFmpeg, which asks once, complain meanwhile: ours is one sentence."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    log = cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)


def _opened(path: Path) -> cv2.VideoCapture:
    """Open a capture."""
    # the other backends take numbers in names for image series
    has_ffmpeg = cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
    with silent_opencv():
        backend = cv2.CAP_FFMPEG if has_ffmpeg else cv2.CAP_ANY
        # absolute: FFmpeg takes what stands before a colon for a protocol, as in 10:30.mp4
        capture = cv2.VideoCapture(str(path.absolute()), backend)
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # pixels as they are stored
        return capture
