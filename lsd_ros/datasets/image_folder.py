"""A folder of image files as a source of frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsd_ros.datasets.camera_yaml import describe_camera
from lsd_ros.datasets.frame_source import FrameStats
from lsd_ros.datasets.image_file import image_files, read_rgb
from lsd_ros.datasets.sequence import FRAME_ID
from lsd_ros.datasets.tum import nanoseconds
from lsd_ros.errors import CameraError, DatasetError
from lsd_ros.types import Camera, Frame

NOMINAL_RATE_HZ = 10.0
_SECONDS = re.compile(r'\d{9,10}\.\d+')
_NANOSECONDS = re.compile(r'\d{18,19}')


class ImageFolder:
    """
    The images of a folder, in the order of their stamps.

    Where every file name is a time since 1970, in seconds with a fraction or in nanoseconds, that
    is the stamp; else the files are taken by name, numbers by their value, at a nominal rate.

    :param path: the folder
    :param camera: of the images; None while it is not known
    :param rate_hz: nominal rate
    :raises DatasetError: the folder cannot be read, or holds no image
    """

    kind = 'images'

    def __init__(
        self,
        path: str | Path,
        camera: Camera | None = None,
        *,
        rate_hz: float = NOMINAL_RATE_HZ,
    ) -> None:
        """List the files; nothing is decoded yet."""
        self.path = Path(path)
        self.stats = FrameStats()
        self._camera = camera
        files = image_files(self.path)
        if not files:
            raise DatasetError(f'{path} holds no images')
        if not rate_hz > 0:
            raise DatasetError(f'rate {rate_hz} Hz of {path} must be positive')
        self.stamps_from_names = all(_stamp_ns(file) is not None for file in files)
        if self.stamps_from_names:
            stamped = sorted((_stamp_ns(file) or 0, file) for file in files)
        else:
            step_ns = 1e9 / rate_hz
            ordered = sorted(files, key=_natural)
            stamped = [(round(index * step_ns), file) for index, file in enumerate(ordered)]
        self._stamped: list[tuple[int, Path]] = stamped

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.path.resolve().name

    @property
    def frame_count(self) -> int | None:
        """Return the number of image files."""
        return len(self._stamped)

    def __iter__(self) -> Iterator[Frame]:
        """
        Read the frames from the start.

        :raises DatasetError: an image cannot be decoded, or is of another size than the camera
        """
        self.stats = FrameStats()
        latest_ns = -1
        for stamp_ns, file in self._stamped:
            if stamp_ns == latest_ns:
                self.stats.duplicates += 1
                continue
            latest_ns = stamp_ns
            frame = self._frame(stamp_ns, file)
            self.stats.frames += 1
            yield frame

    def __enter__(self) -> ImageFolder:
        """Return the source; nothing is held open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def describe(self) -> dict[str, Any]:
        """Return what the folder holds: count, size of the first image and stamps."""
        stamps = [stamp_ns for stamp_ns, _ in self._stamped]
        duration_s = (stamps[-1] - stamps[0]) / 1e9
        height, width = read_rgb(self._stamped[0][1]).shape[:2]
        return {
            'kind': self.kind,
            'path': str(self.path),
            'frames': len(stamps),
            'width': width,
            'height': height,
            'stamps_from_names': self.stamps_from_names,
            'duration_s': duration_s,
            'rate_hz': (len(stamps) - 1) / duration_s if duration_s else None,
            'camera': describe_camera(self._camera),
        }

    def _frame(self, stamp_ns: int, file: Path) -> Frame:
        try:
            return Frame(stamp_ns, FRAME_ID, read_rgb(file), self._camera)
        except CameraError as error:
            raise DatasetError(f'{file}: {error}') from error


def _stamp_ns(file: Path) -> int | None:
    if _NANOSECONDS.fullmatch(file.stem):
        return int(file.stem)
    return nanoseconds(file.stem) if _SECONDS.fullmatch(file.stem) else None


def _natural(file: Path) -> list[tuple[bool, int, str]]:
    """Sort numbers in names by their value, so that 2 comes before 10."""
    parts = re.split(r'(\d+)', file.name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts if part]
