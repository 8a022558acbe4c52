"""A video of a replay: image, depth and, from above, scan, side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lsd_ros.cli.panels import ESTIMATE_RED, fitted, scans_from_above, write_text
from lsd_ros.cli.pictures import Picture
from lsd_ros.datasets.video import VideoReader, silent_opencv
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import atomic_file
from lsd_ros.inference.preview import colour_map
from lsd_ros.types import Estimate, Scan

HEIGHT = 360
WIDEST = 640  # of image and depth
WIDE = 1.6  # width over height beyond which depth goes below the image
SLOWEST_HZ, FASTEST_HZ = 1.0, 60.0
FARTHEST_M = 20.0
NO_SCAN = 'no scan: mount.* is unknown'


class ReplayVideo:
    """
    A video file that grows by a frame for each estimate.

    Its frame rate is that of the first two estimates.

    :param path: MP4 file to write
    :param shown: how it is called in sentences
    """

    def __init__(self, path: Path, shown: Path) -> None:
        """Open nothing yet: size and rate come with the estimates."""
        self._path, self._shown = path, shown
        self._count = 0
        self._first: tuple[int, Picture] | None = None
        self._file: cv2.VideoWriter | None = None

    def add(self, estimate: Estimate, scan: Scan | None) -> None:
        """
        Add a frame.

        :param scan: of that estimate; None: there is none
        :raises DatasetError: the estimate has no depth, or the file cannot be written
        """
        picture = video_frame(estimate, scan)
        if self._file is None:
            if self._first is None:
                self._first = estimate.stamp_ns, picture
                return
            stamp_ns, first = self._first
            self._file = self._opened(estimate.stamp_ns - stamp_ns, first)
            self._write(first)
        self._write(picture)

    def close(self) -> None:
        """
        Finish the file.

        :raises DatasetError: there was no estimate at all, or not every image was written
        """
        if self._file is None and self._first is not None:
            self._file = self._opened(0, self._first[1])
            self._write(self._first[1])
        if self._file is None:
            raise DatasetError(f'{self._shown} is not written: there is no image to show')
        with silent_opencv():
            self._file.release()
        written = 0
        with contextlib.suppress(DatasetError):
            written = VideoReader(self._path).frame_count or 0
        if written < self._count:  # OpenCV says nothing of it
            raise DatasetError(
                f'cannot write {self._shown}: {written} of {self._count} images are in it; is the '
                'disk full?'
            )

    def _opened(self, gap_ns: int, picture: Picture) -> cv2.VideoWriter:
        rate_hz = float(
            np.clip(1e9 / gap_ns if gap_ns > 0 else SLOWEST_HZ, SLOWEST_HZ, FASTEST_HZ)
        )
        height, width = picture.shape[:2]
        code = cv2.VideoWriter.fourcc(*'mp4v')
        # absolute: FFmpeg takes what stands before a colon for a protocol, as in 10:30.mp4
        with silent_opencv():
            file = cv2.VideoWriter(str(self._path.absolute()), code, rate_hz, (width, height))
        if not file.isOpened():
            raise DatasetError(
                f'cannot write {self._shown}: OpenCV has no encoder for it, or the folder cannot '
                'be written; choose a path that ends with .mp4'
            )
        return file

    def _write(self, picture: Picture) -> None:
        assert self._file is not None, 'it was opened before'
        with silent_opencv():
            self._file.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self._count += 1


@contextlib.contextmanager
def replay_video(path: Path) -> Iterator[ReplayVideo]:
    """
    Write a video that appears at its path when the block ends without an error.

    :raises DatasetError: it cannot be written
    """
    try:
        str(path).encode('utf-8')
    except UnicodeEncodeError as error:  # OpenCV does not survive it
        raise DatasetError(f'{path} has bytes that are no text: choose another name') from error
    with atomic_file(path) as temporary:
        video = ReplayVideo(temporary, path)
        yield video
        video.close()


def video_frame(estimate: Estimate, scan: Scan | None) -> Picture:
    """
    Draw image, depth and scan side by side; depth of wide images is below them.

    :return: RGB, 360 pixels high
    :raises DatasetError: the estimate has no depth
    """
    if estimate.image is None or estimate.depth is None:
        raise DatasetError('there is no picture of an estimate without depth')
    height, width = estimate.depth.shape
    is_wide = width > WIDE * height
    rows = HEIGHT // 2 if is_wide else HEIGHT
    size = min(WIDEST, round(rows * width / height)) // 2 * 2, rows
    panels = [_centred(picture, size) for picture in (estimate.image, colour_map(estimate.depth))]
    both = np.vstack(panels) if is_wide else np.hstack(panels)
    if scan is None:
        above = np.full((HEIGHT, HEIGHT, 3), 24, np.uint8)
        write_text(above, NO_SCAN, (12, HEIGHT // 2), (200, 200, 200), 0.45)
    else:
        limit_m = min(FARTHEST_M, scan.range_max)
        above = scans_from_above([(scan, ESTIMATE_RED, 2)], limit_m, HEIGHT)
    return np.hstack([both, above])


def scan_of(message: Any) -> Scan:
    """Return the scan that a sensor_msgs/LaserScan carries."""
    stamp = message.header.stamp
    return Scan(
        stamp.sec * 10**9 + stamp.nanosec,
        message.header.frame_id,
        np.asarray(message.ranges, np.float32),
        message.angle_min,
        message.angle_increment,
        message.range_min,
        message.range_max,
    )


def _centred(picture: Picture, size: tuple[int, int]) -> Picture:
    """Fit a picture into a size without changing its aspect."""
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = fitted(picture, (round(width * scale), round(height * scale)))
    result = np.full((size[1], size[0], 3), 24, np.uint8)
    top, left = (size[1] - inner.shape[0]) // 2, (size[0] - inner.shape[1]) // 2
    result[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return result
