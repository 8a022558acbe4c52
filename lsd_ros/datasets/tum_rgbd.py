"""
TUM RGB-D benchmark sequences, laid out as they are unpacked.

Sturm, Engelhard, Endres, Burgard, Cremers: A Benchmark for the Evaluation of RGB-D SLAM Systems,
IROS 2012.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.camera_yaml import read_camera
from lsd_ros.datasets.image_file import read_rgb
from lsd_ros.datasets.training_sequence import DepthFiles, ImageSequence
from lsd_ros.datasets.tum import nanoseconds, read_tum
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.geometry.rigid import poses_at
from lsd_ros.types import Camera
from lsd_ros.types.stamps import nearest

LICENCE = 'TUM RGB-D: CC BY 4.0'
DEPTH_UNIT_M = 1 / 5000
DEPTH_TOLERANCE_NS = 20_000_000  # that of the benchmark's own association
POSE_GAP_NS = 100_000_000
# The benchmark's advice for depth that was registered without undistortion, and freiburg3's own.
DEFAULT_INTRINSICS = (525.0, 525.0, 319.5, 239.5)
FREIBURG3_INTRINSICS = (535.4, 539.2, 320.1, 247.6)

_log = logging.getLogger(__name__)


def is_tum_rgbd(path: Path) -> bool:
    """Tell whether a folder is a sequence of the benchmark."""
    return (path / 'rgb.txt').is_file()


def read_tum_rgbd(path: Path) -> ImageSequence:
    """
    Read a sequence; depth is associated by stamp, poses are interpolated at the images.

    The camera is that of ``camera.yaml`` where there is one, else the one that the benchmark
    recommends for the images as they are.

    :raises DatasetError: a list is missing or damaged, or no pose matches the images
    """
    stamps_ns, images = _listed(path / 'rgb.txt')
    depth: dict[int, Path] = {}
    if (path / 'depth.txt').exists():
        depth = _associated(stamps_ns, *_listed(path / 'depth.txt'))
    poses = None
    if (path / 'groundtruth.txt').exists():
        poses = poses_at(read_tum(path / 'groundtruth.txt'), stamps_ns, POSE_GAP_NS)
        if np.isnan(poses).all():
            raise DatasetError(
                f'{path}/groundtruth.txt matches no image: its stamps are not those of rgb.txt'
            )
    return ImageSequence(
        name=path.resolve().name,
        camera=_camera(path, images[0]),
        images=images,
        stamps_ns=stamps_ns,
        poses=poses,
        depth_files=DepthFiles(depth, DEPTH_UNIT_M),
        licence=LICENCE,
    )


def _camera(path: Path, image: Path) -> Camera:
    if (path / 'camera.yaml').exists():
        return read_camera(path / 'camera.yaml')
    freiburg3 = 'freiburg3' in path.resolve().name
    height, width = read_rgb(image).shape[:2]
    if (width, height) != (640, 480):
        raise DatasetError(
            f'{image} is {width} x {height}, not 640 x 480 as in the benchmark: put a camera.yaml '
            f'into {path}'
        )
    _log.info('%s has no camera.yaml: taking the camera that the benchmark recommends', path)
    return Camera(width, height, *(FREIBURG3_INTRINSICS if freiburg3 else DEFAULT_INTRINSICS))


def _listed(path: Path) -> tuple[NDArray[np.int64], tuple[Path, ...]]:
    """Read ``stamp file`` per line, in the order of the stamps."""
    lines = read_text(path, DatasetError).splitlines()
    found: dict[int, Path] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith('#'):
            continue
        with ForeignCode(DatasetError, f'{path}, line {number} must be a stamp and a file'):
            stamp, name = line.split()
            found.setdefault(nanoseconds(stamp), path.parent / name)
    if not found:
        raise DatasetError(f'{path} is empty: it lists no file')
    stamps = sorted(found)
    return np.array(stamps, np.int64), tuple(found[stamp] for stamp in stamps)


def _associated(
    stamps_ns: NDArray[np.int64], depth_ns: NDArray[np.int64], files: tuple[Path, ...]
) -> dict[int, Path]:
    """Give each image the depth that is nearest in time, if it is near."""
    found, off_ns = nearest(stamps_ns, depth_ns)
    return {
        index: files[found[index]]
        for index in np.flatnonzero(off_ns <= DEPTH_TOLERANCE_NS).tolist()
    }
