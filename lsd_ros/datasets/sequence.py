"""
Our own format of a camera sequence: one folder.

``images/*.jpg|png``, ``camera.yaml`` (the ROS camera calibration file), ``timestamps.txt`` (ns per
line), and where there are: ``poses.tum`` (a pose per image), ``depth/*.png`` (16 bits, named as
its image, metres = value x ``depth_unit_m`` of the manifest, 0 = none), ``manifest.yaml`` (origin,
licence, counts).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.camera_yaml import read_camera
from lsd_ros.datasets.image_file import image_files, read_image, read_rgb
from lsd_ros.datasets.tum import read_tum
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.files import read_text
from lsd_ros.foreign.yaml_text import parse_yaml
from lsd_ros.types import Camera, Frame, Trajectory
from lsd_ros.types.camera import describe_camera
from lsd_ros.types.frame_source import FrameStats, note_undecodable

FRAME_ID = 'camera_optical_frame'
SHOWN = 40  # characters of a value that is wrong
POSE_STAMP_TOLERANCE_NS = 1_000_000  # floats of seconds in our days are 200 ns apart


class Sequence:
    """
    A sequence folder, read lazily: an image is decoded when its frame is asked for.

    :param path: the folder
    :param camera: what to use instead of camera.yaml
    :raises DatasetError: a file is missing or damaged, or counts or stamps do not fit
    :raises CameraError: camera.yaml describes an impossible camera
    """

    kind = 'sequence'

    def __init__(self, path: str | Path, camera: Camera | None = None) -> None:
        """Read everything but images and depth."""
        self.path = Path(path)
        self.stats = FrameStats()
        self.damage: list[str] = []
        if not (self.path / 'images').is_dir():
            raise DatasetError(f'{path} is no sequence: it has no folder images/')
        self.images = image_files(self.path / 'images')
        if not self.images:
            raise DatasetError(f'{path} is empty: its folder images/ holds no image')
        self.camera = camera or read_camera(self._needed('camera.yaml'))
        self.stamps_ns = _stamps(self._needed('timestamps.txt'))
        if len(self.stamps_ns) != len(self.images):
            raise DatasetError(
                f'{path}: {len(self.stamps_ns)} lines of timestamps.txt do not fit '
                f'{len(self.images)} images: one stamp per image'
            )
        self.manifest = _manifest(self.path / 'manifest.yaml')
        self.trajectory = self._trajectory()
        self.depth_files = self._depth_files()

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.path.resolve().name

    @property
    def frame_count(self) -> int | None:
        """Return the number of images."""
        return len(self)

    @property
    def depth_indices(self) -> list[int]:
        """Return the indices of the frames that have true depth."""
        return sorted(self.depth_files)

    @property
    def first_camera(self) -> Camera:
        """Return the camera of every frame."""
        return self.camera

    @property
    def camera_problem(self) -> str:
        """Return nothing: there is no sequence without a camera."""
        return ''

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __iter__(self) -> Iterator[Frame]:
        """
        Read the frames from the start; images that cannot be decoded are skipped and counted.

        :raises DatasetError: not one image can be read
        """
        self.stats, self.damage = FrameStats(), []
        for index in range(len(self)):
            try:
                frame = self.frame(index)
            except DatasetError as error:
                note_undecodable(self.stats, self.damage, error)
                continue
            self.stats.frames += 1
            yield frame
        if not self.stats.frames:
            raise DatasetError(f'{self.path}: no image can be read: {self.damage[-1]}')

    def __enter__(self) -> Sequence:
        """Return the sequence; nothing is held open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def frame(self, index: int) -> Frame:
        """
        Read one frame.

        :raises DatasetError: its image cannot be decoded, or is of another size than the camera
        """
        file = self.images[index]
        image = read_rgb(file)
        self._check_size(file, image)
        return Frame(int(self.stamps_ns[index]), self._frame_id, image, self.camera)

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """
        Read the true depth of one frame; None where the sequence has none.

        :return: depth along the optical axis [m], shape (H, W), NaN where there is none
        :raises DatasetError: the file cannot be decoded, or does not fit the camera
        """
        file = self.depth_files.get(range(len(self))[index])
        if file is None:
            return None
        values = read_image(file, cv2.IMREAD_UNCHANGED)
        self._check_size(file, values)
        if values.dtype != np.uint16 or values.ndim != 2:
            raise DatasetError(
                f'{file} is no depth: it must be grey with 16 bits, not {values.dtype} of '
                f'shape {values.shape}'
            )
        depth = values.astype(np.float32) * np.float32(self._depth_unit_m)
        depth[values == 0] = np.nan
        return depth

    def describe(self) -> dict[str, Any]:
        """Return what the sequence holds: counts, times, camera and manifest."""
        duration_s = (int(self.stamps_ns[-1]) - int(self.stamps_ns[0])) / 1e9
        return {
            'kind': self.kind,
            'path': str(self.path),
            'frames': len(self),
            'start_ns': int(self.stamps_ns[0]),
            'duration_s': duration_s,
            'rate_hz': (len(self) - 1) / duration_s if duration_s else None,
            'camera': describe_camera(self.camera),
            'poses': self.trajectory is not None,
            'depth_maps': len(self.depth_files),
            'manifest': _plain(self.manifest),
        }

    def _needed(self, name: str) -> Path:
        """Return a file that every sequence has."""
        file = self.path / name
        if not file.exists():
            raise DatasetError(
                f'{self.path} has no {name}, which a sequence needs: where there are images '
                f'alone, give {self.path / "images"} and the calibration of its camera'
            )
        return file

    @property
    def _frame_id(self) -> str:
        return str(self.manifest.get('frame_id', FRAME_ID))

    @cached_property
    def _depth_unit_m(self) -> float:
        unit = self.manifest.get('depth_unit_m')
        if not isinstance(unit, int | float) or not 0 < unit < float('inf'):
            raise DatasetError(
                f'{self.path}: depth_unit_m is {unit!r} in manifest.yaml: say how many metres a '
                'value of depth/ is'
            )
        return float(unit)

    def _trajectory(self) -> Trajectory | None:
        file = self.path / 'poses.tum'
        if not file.exists():
            return None
        poses = read_tum(file)
        if len(poses) != len(self):
            raise DatasetError(f'{file}: {len(poses)} poses do not fit {len(self)} images')
        # as floats: the difference of stamps that cannot be would overflow
        gaps = np.abs(poses.stamps_ns.astype(np.float64) - self.stamps_ns)
        if gaps.max() > POSE_STAMP_TOLERANCE_NS:
            index = int(gaps.argmax())
            raise DatasetError(
                f'{file}: pose {index} is {gaps[index] / 1e9:.3f} s off its image: the stamps '
                'must be those of timestamps.txt'
            )
        return Trajectory(self.stamps_ns, poses.world_from_camera)

    def _depth_files(self) -> dict[int, Path]:
        folder = self.path / 'depth'
        if not folder.is_dir():
            return {}
        index_of = {image.stem: index for index, image in enumerate(self.images)}
        files = [file for file in image_files(folder) if file.suffix == '.png']
        for file in files:
            if file.stem not in index_of:
                raise DatasetError(f'{file} belongs to no image: there is no images/{file.stem}.*')
        return {index_of[file.stem]: file for file in files}

    def _check_size(self, file: Path, image: NDArray[Any]) -> None:
        height, width = image.shape[:2]
        if (width, height) != (self.camera.width, self.camera.height):
            raise DatasetError(
                f'{file} is {width} x {height}, its camera is of '
                f'{self.camera.width} x {self.camera.height}'
            )


def _stamps(file: Path) -> NDArray[np.int64]:
    lines = read_text(file, DatasetError).split()
    stamps_ns = np.array([_stamp(line, n, file) for n, line in enumerate(lines, 1)], np.int64)
    backwards = np.flatnonzero(stamps_ns[1:] <= stamps_ns[:-1])  # a difference may overflow
    if backwards.size:
        line = int(backwards[0]) + 2
        raise DatasetError(
            f'{file}, line {line}: {stamps_ns[line - 1]} comes after {stamps_ns[line - 2]}: '
            'stamps must increase'
        )
    return stamps_ns


def _stamp(text: str, number: int, file: Path) -> int:
    stamp_ns = int(text) if text.lstrip('-').isdecimal() and len(text) < SHOWN else None
    if stamp_ns is None or not -(2**63) <= stamp_ns < 2**63:
        raise DatasetError(
            f'{file}, line {number}: {text[:SHOWN]!r} must be whole nanoseconds of 64 bits'
        )
    return stamp_ns


def _manifest(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    content = parse_yaml(read_text(file, DatasetError), str(file), DatasetError)
    if not isinstance(content, dict):
        raise DatasetError(f'{file} must be a mapping, it holds {type(content).__name__}')
    return content


def _plain(value: Any) -> Any:
    """Return what YAML gave as what JSON can say; dates become text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
