"""A folder of image files as a source of frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.image_file import image_files, read_rgb
from lsd_ros.datasets.sequence import FRAME_ID
from lsd_ros.datasets.tum import nanoseconds
from lsd_ros.errors import CameraError, DatasetError
from lsd_ros.types import Camera, Frame
from lsd_ros.types.camera import describe_camera
from lsd_ros.types.frame_source import NO_CAMERA, FrameStats, note_undecodable

NOMINAL_RATE_HZ = 10.0
LONGEST_NUMBER = 100
_SECONDS = re.compile(r'[0-9]{9,10}\.[0-9]{1,9}')
_NANOSECONDS = re.compile(r'[0-9]{18,19}')


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
        self.damage: list[str] = []
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
        Read the frames from the start; images that cannot be decoded are skipped and counted.

        :raises DatasetError: not one image can be decoded, or the camera is of another size
        """
        self.stats, self.damage = FrameStats(), []
        latest_ns = -1
        for stamp_ns, file in self._stamped:
            if stamp_ns == latest_ns:
                self.stats.duplicates += 1
                continue
            try:
                image = read_rgb(file)
            except DatasetError as error:
                note_undecodable(self.stats, self.damage, error)
                continue
            latest_ns = stamp_ns
            frame = self._frame(stamp_ns, file, image)
            self.stats.frames += 1
            yield frame
        if not self.stats.frames:
            raise DatasetError(f'{self.path}: no image can be read: {self.damage[-1]}')

    def __enter__(self) -> ImageFolder:
        """Return the source; nothing is held open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def describe(self) -> dict[str, Any]:
        """Return what the folder holds: count, size of the first readable image and stamps."""
        stamps = [stamp_ns for stamp_ns, _ in self._stamped]
        duration_s = (stamps[-1] - stamps[0]) / 1e9
        height, width = self._first_readable().shape[:2]
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

    def _first_readable(self) -> NDArray[np.uint8]:
        problem: DatasetError | None = None
        for _, file in self._stamped:
            try:
                return read_rgb(file)
            except DatasetError as error:
                problem = problem or error
        raise DatasetError(f'{self.path}: no image can be read: {problem}')

    def _frame(self, stamp_ns: int, file: Path, image: NDArray[np.uint8]) -> Frame:
        try:
            return Frame(stamp_ns, FRAME_ID, image, self._camera)
        except CameraError as error:
            raise DatasetError(f'{file}: {error}') from error


def _stamp_ns(file: Path) -> int | None:
    if _NANOSECONDS.fullmatch(file.stem):
        return int(file.stem)
    return nanoseconds(file.stem) if _SECONDS.fullmatch(file.stem) else None


def _natural(file: Path) -> list[tuple[bool, int, str]]:
    """Sort numbers in names by their value, so that 2 comes before 10."""
    # [0-9], and not digits in general: what is a digit is no number everywhere (superscripts)
    parts = re.split(r'([0-9]+)', file.name)
    return [_sortable(part) for part in parts if part]


def _sortable(part: str) -> tuple[bool, int, str]:
    is_number = part.isascii() and part.isdigit() and len(part) < LONGEST_NUMBER
    return is_number, int(part) if is_number else 0, part
