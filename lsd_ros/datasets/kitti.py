"""
KITTI raw and KITTI odometry, laid out as they are unpacked.

Geiger, Lenz, Stiller, Urtasun: Vision meets Robotics: The KITTI Dataset, IJRR 2013. Cameras: 0 and
1 are grey, 2 and 3 colour, even numbers left. All are rectified.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.image_file import image_files, read_rgb
from lsd_ros.datasets.training_sequence import DepthFiles, ImageSequence
from lsd_ros.datasets.tum import LONGEST_LINE, nanoseconds
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.geometry.rigid import inverse
from lsd_ros.types import Camera

CAMERAS = (2, 3, 0, 1)
SIDES = {'l': 2, 'r': 3, '2': 2, '3': 3}
LICENCE = 'KITTI: CC BY-NC-SA 3.0'
DEPTH_UNIT_M = 1 / 256
NOMINAL_STEP_NS = 100_000_000
EARTH_RADIUS_M = 6378137.0
_DATE = re.compile(r'\d{4}_\d{2}_\d{2}')
_DRIVE = re.compile(r'\d{4}_\d{2}_\d{2}_drive_\d{4}_(sync|extract)')


def is_raw(path: Path) -> bool:
    """Tell whether a folder is KITTI raw: all of it, a date, or a drive."""
    return bool(_drives(path))


def is_odometry(path: Path) -> bool:
    """Tell whether a folder is KITTI odometry: all of it, or one of its sequences."""
    return bool(_odometry_folders(path))


def read_raw(
    path: Path, cameras: Sequence[int] = (), split: Path | None = None
) -> list[ImageSequence]:
    """
    Read KITTI raw; poses come from oxts where it is unpacked, depth from ``proj_depth``.

    :param path: the folder that holds dates, a date, or a drive
    :param cameras: numbers; empty: left and right colour where there is colour, else grey
    :param split: file list of the Eigen splits, ``drive frame l|r`` per line: each sequence then
        has the frames of the list as its targets, and drives that are not in it are left out
    :raises DatasetError: something is missing or damaged
    """
    chosen = None if split is None else read_split(split)
    sequences = []
    for drive in _drives(path):
        for camera in cameras or _cameras_of(drive):
            wanted = None if chosen is None else chosen.pop((drive.name, camera), None)
            if chosen is None or wanted is not None:
                with ForeignCode(DatasetError, f'{drive} cannot be read'):
                    sequences.append(_raw_sequence(drive, camera, wanted))
    if chosen:
        (drive_name, camera), frames = next(iter(chosen.items()))
        raise DatasetError(
            f'{path} has no camera {camera} of {drive_name}, of which {split} chooses '
            f'{len(frames)} frames: unpack it, or shorten the list'
        )
    return sequences


def read_odometry(path: Path, cameras: Sequence[int] = ()) -> list[ImageSequence]:
    """
    Read KITTI odometry; poses come from ``poses/NN.txt`` where there are.

    :param path: the folder that holds ``sequences/``, that folder, or one sequence
    :param cameras: numbers; empty: left and right colour where there is colour, else grey
    :raises DatasetError: something is missing or damaged
    """
    with ForeignCode(DatasetError, f'{path} cannot be read'):
        return [
            _odometry_sequence(folder, camera)
            for folder in _odometry_folders(path)
            for camera in cameras or _cameras_of(folder)
        ]


def read_split(path: Path) -> dict[tuple[str, int], list[int]]:
    """
    Read a file list of the Eigen splits.

    :return: frame numbers by drive and camera number
    :raises DatasetError: it cannot be read, is empty, or a line is not ``drive frame l|r``
    """
    chosen: dict[tuple[str, int], list[int]] = {}
    for number, line in enumerate(_lines(path), start=1):
        shown = f'{line[:LONGEST_LINE]!r}'
        problem = f'{path}, line {number}: {shown} must be: drive frame l|r'
        with ForeignCode(DatasetError, problem):
            drive, frame, side = line.split()
            chosen.setdefault((Path(drive).name, SIDES[side]), []).append(int(frame))
    if not chosen:
        raise DatasetError(f'{path} is empty: it chooses no frame')
    return chosen


@dataclass(frozen=True)
class _Calibration:
    """Numbers by name, as KITTI's calibration files have them."""

    path: Path
    values: dict[str, NDArray[np.float64]]

    @classmethod
    def read(cls, path: Path) -> _Calibration:
        values = {}
        for line in _lines(path):
            name, _, numbers = line.partition(':')
            try:
                values[name.strip()] = np.array([float(number) for number in numbers.split()])
            except ValueError:
                continue  # calib_time and corner_dist are no numbers, or nobody's
        return cls(path, values)

    def matrix(self, name: str, rows: int, columns: int) -> NDArray[np.float64]:
        if name not in self.values or self.values[name].size != rows * columns:
            raise DatasetError(f'{self.path} has no {name} of {rows} x {columns} numbers')
        return self.values[name].reshape(rows, columns)

    def rigid(self) -> NDArray[np.float64]:
        return _rigid(self.matrix('R', 3, 3), self.matrix('T', 1, 3)[0])

    def camera(self, name: str, width: int, height: int) -> Camera:
        p = self.matrix(name, 3, 4)
        fx, fy, cx, cy = p[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
        return Camera(width, height, fx, fy, cx, cy)

    def camera_from_first(self, name: str) -> NDArray[np.float64]:
        """Return the shift of a rectified camera: P = K [I | t]."""
        p = self.matrix(name, 3, 4)
        return _rigid(np.eye(3), np.asarray(np.linalg.solve(p[:, :3], p[:, 3]), np.float64))


def _raw_sequence(drive: Path, camera: int, wanted: list[int] | None) -> ImageSequence:
    folder = drive / f'image_{camera:02d}' / 'data'
    numbers, images = _numbered(folder)
    calibration = _Calibration.read(drive.parent / 'calib_cam_to_cam.txt')
    height, width = read_rgb(images[0]).shape[:2]
    depth_folder = drive / 'proj_depth' / 'groundtruth' / f'image_{camera:02d}'
    depth = {n: depth_folder / f'{n:010d}.png' for n in numbers} if depth_folder.is_dir() else {}
    return ImageSequence(
        name=f'{drive.name}_{camera:02d}',
        camera=calibration.camera(f'P_rect_{camera:02d}', width, height),
        images=tuple(images),
        stamps_ns=_raw_stamps(drive / f'image_{camera:02d}' / 'timestamps.txt', numbers),
        poses=_raw_poses(drive, camera, calibration, numbers),
        depth_files=DepthFiles(
            {i: depth[n] for i, n in enumerate(numbers) if n in depth and depth[n].exists()},
            DEPTH_UNIT_M,
        ),
        targets=None if wanted is None else _targets(folder, numbers, wanted),
        licence=LICENCE,
    )


def _targets(folder: Path, numbers: list[int], wanted: list[int]) -> tuple[int, ...]:
    index_of = {number: index for index, number in enumerate(numbers)}
    for number in wanted:
        if number not in index_of:
            raise DatasetError(f'{folder} has no frame {number}, which the split chooses')
    return tuple(sorted({index_of[number] for number in wanted}))


def _raw_stamps(path: Path, numbers: list[int]) -> NDArray[np.int64]:
    if not path.exists():
        return np.array(numbers, np.int64) * NOMINAL_STEP_NS
    lines = _lines(path)
    if len(lines) <= numbers[-1]:
        raise DatasetError(f'{path} has {len(lines)} stamps: image {numbers[-1]} has none')
    with ForeignCode(DatasetError, f'{path} is damaged'):
        return np.array([_utc_ns(lines[number]) for number in numbers], np.int64)


def _utc_ns(text: str) -> int:
    whole, _, fraction = text.partition('.')
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return round(moment.timestamp()) * 1_000_000_000 + int(fraction[:9].ljust(9, '0') or 0)


def _raw_poses(
    drive: Path, camera: int, calibration: _Calibration, numbers: list[int]
) -> NDArray[np.float64] | None:
    folder = drive / 'oxts' / 'data'
    imu_file, velo_file = (
        drive.parent / f'calib_{name}.txt' for name in ('imu_to_velo', 'velo_to_cam')
    )
    if not (folder.is_dir() and imu_file.exists() and velo_file.exists()):
        return None
    rectified = _rigid(calibration.matrix('R_rect_00', 3, 3), np.zeros(3))
    camera_from_imu = (
        calibration.camera_from_first(f'P_rect_{camera:02d}')
        @ rectified
        @ _Calibration.read(velo_file).rigid()
        @ _Calibration.read(imu_file).rigid()
    )
    packets = {number: folder / f'{number:010d}.txt' for number in numbers}
    if not packets[numbers[0]].exists():
        raise DatasetError(f'{packets[numbers[0]]} is missing: image {numbers[0]} has no pose')
    first = _oxts(packets[numbers[0]])
    scale = float(np.cos(np.radians(first[0])))
    origin = _world_from_imu(first, scale)[:3, 3]  # metres since the equator would be imprecise
    poses = np.full((len(numbers), 4, 4), np.nan)
    for index, number in enumerate(numbers):
        if packets[number].exists():
            world_from_imu = _world_from_imu(_oxts(packets[number]), scale)
            world_from_imu[:3, 3] -= origin
            poses[index] = world_from_imu @ inverse(camera_from_imu)
    return poses


def _oxts(path: Path) -> tuple[float, ...]:
    with ForeignCode(DatasetError, f'{path} is no packet of oxts'):
        latitude, longitude, altitude, *angles = map(float, ' '.join(_lines(path)).split()[:6])
        roll, pitch, yaw = angles
    return latitude, longitude, altitude, roll, pitch, yaw


def _world_from_imu(packet: tuple[float, ...], scale: float) -> NDArray[np.float64]:
    """Project latitude and longitude with Mercator, true to scale at the drive's start."""
    latitude, longitude, altitude, roll, pitch, yaw = packet
    east = scale * EARTH_RADIUS_M * np.radians(longitude)
    north = scale * EARTH_RADIUS_M * np.log(np.tan(np.radians(90 + latitude) / 2))
    (cr, cp, cy), (sr, sp, sy) = ([f(a) for a in (roll, pitch, yaw)] for f in (np.cos, np.sin))
    rotation = np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )
    return _rigid(rotation, np.array([east, north, altitude]))


def _odometry_sequence(folder: Path, camera: int) -> ImageSequence:
    numbers, images = _numbered(folder / f'image_{camera}')
    calibration = _Calibration.read(folder / 'calib.txt')
    times = _lines(folder / 'times.txt')
    if len(times) <= numbers[-1]:
        raise DatasetError(
            f'{folder}/times.txt has {len(times)} stamps: image {numbers[-1]} has none'
        )
    with ForeignCode(DatasetError, f'{folder}/times.txt is damaged'):
        stamps_ns = np.array([nanoseconds(times[number]) for number in numbers], np.int64)
    height, width = read_rgb(images[0]).shape[:2]
    sequence = ImageSequence(
        name=f'kitti_{folder.name}_{camera}',
        camera=calibration.camera(f'P{camera}', width, height),
        images=tuple(images),
        stamps_ns=stamps_ns,
        licence=LICENCE,
    )
    poses_file = folder.parent.parent / 'poses' / f'{folder.name}.txt'
    if not poses_file.exists():
        return sequence
    world_from_first = _odometry_poses(poses_file, numbers)
    first_from_camera = inverse(calibration.camera_from_first(f'P{camera}'))
    return replace(sequence, poses=world_from_first @ first_from_camera)


def _odometry_poses(path: Path, numbers: list[int]) -> NDArray[np.float64]:
    with ForeignCode(DatasetError, f'{path} must have 12 numbers in each line'):
        rows = np.array([[float(value) for value in line.split()] for line in _lines(path)])
        rows = rows.reshape(-1, 3, 4)
    if len(rows) <= numbers[-1]:
        raise DatasetError(f'{path} has {len(rows)} poses: image {numbers[-1]} has none')
    poses = np.tile(np.eye(4), (len(numbers), 1, 1))
    poses[:, :3] = rows[numbers]
    return poses


def _numbered(folder: Path) -> tuple[list[int], list[Path]]:
    files = [file for file in image_files(folder) if file.stem.isdecimal()]
    if not files:
        raise DatasetError(f'{folder} holds no numbered images')
    files.sort(key=lambda file: int(file.stem))
    return [int(file.stem) for file in files], files


def _drives(path: Path) -> list[Path]:
    """List the drives below a folder that have images."""
    if _DRIVE.fullmatch(path.resolve().name):
        candidates: Iterable[Path] = [path.resolve()]
    elif _DATE.fullmatch(path.resolve().name):
        candidates = path.glob('*_drive_*')
    else:
        candidates = path.glob('????_??_??/*_drive_*')
    return [
        drive
        for drive in sorted(candidates)
        if _DRIVE.fullmatch(drive.name) and _cameras_of(drive)
    ]


def _odometry_folders(path: Path) -> list[Path]:
    candidates = [path.resolve(), *sorted(path.glob('*')), *sorted(path.glob('sequences/*'))]
    return [
        folder
        for folder in candidates
        if (folder / 'calib.txt').is_file()
        and (folder / 'times.txt').is_file()
        and _cameras_of(folder)
    ]


def _cameras_of(folder: Path) -> tuple[int, ...]:
    """Return the numbers of the cameras that are there: those of colour, else those of grey."""
    there = [
        camera
        for camera in CAMERAS
        if (folder / f'image_{camera:02d}' / 'data').is_dir()
        or (folder / f'image_{camera}').is_dir()
    ]
    return tuple(camera for camera in there if (camera >= 2) == (there[0] >= 2))


def _rigid(rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, translation
    return pose


def _lines(path: Path) -> list[str]:
    return [line for line in read_text(path, DatasetError).splitlines() if line.strip()]
