"""The one interface of all sequences that one can train on, and sequences of image files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.image_file import read_image, read_rgb
from lsd_ros.errors import DatasetError
from lsd_ros.geometry.undistortion import Undistorter
from lsd_ros.types import Camera


class TrainingSequence(Protocol):
    """
    Images of one camera in the order of their stamps, each read when it is asked for.

    The camera has no distortion.
    """

    @property
    def name(self) -> str:
        """Return what people would call it."""
        ...

    @property
    def camera(self) -> Camera:
        """Return the camera of every image and depth, without distortion."""
        ...

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """Return the strictly increasing stamps [ns], shape (N,)."""
        ...

    @property
    def poses(self) -> NDArray[np.float64] | None:
        """Return ``world_from_camera``, shape (N, 4, 4) [m], NaN where unknown; None: no poses."""
        ...

    @property
    def targets(self) -> tuple[int, ...] | None:
        """Return which images a split chooses to train on; None: all."""
        ...

    @property
    def licence(self) -> str:
        """Return what the data put on weights that are trained on them; empty: not known."""
        ...

    @property
    def one_way(self) -> bool:
        """Return whether images are fast in their order only, as those of a video."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def image(self, index: int) -> NDArray[np.uint8]:
        """
        Read an image.

        :return: RGB, shape (H, W, 3)
        :raises DatasetError: it cannot be decoded, or is of another size than the camera
        """
        ...

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """
        Read the true depth of an image; None where there is none.

        :return: along the optical axis [m], shape (H, W), NaN where there is none
        :raises DatasetError: it cannot be decoded, or is of another size than the camera
        """
        ...


def world_from_camera(sequence: TrainingSequence, index: int) -> NDArray[np.float64] | None:
    """Return the pose of one image, shape (4, 4); None where it is not known."""
    if sequence.poses is None or not np.isfinite(sequence.poses[index]).all():
        return None
    return np.asarray(sequence.poses[index])


@dataclass(frozen=True)
class DepthFiles:
    """
    True depth in files of 16 bits, 0 where there is none.

    :param files: by the index of the image
    :param unit_m: metres per value
    """

    files: dict[int, Path] = field(default_factory=dict)
    unit_m: float = 0.001

    def read(self, index: int) -> NDArray[np.float32] | None:
        """
        Read depth [m], NaN where there is none; None where there is no file.

        :raises DatasetError: the file is missing or no grey image of 16 bits
        """
        file = self.files.get(index)
        if file is None:
            return None
        values = read_image(file, cv2.IMREAD_UNCHANGED)
        if values.dtype != np.uint16 or values.ndim != 2:
            raise DatasetError(f'{file} is no depth: it must be grey with 16 bits')
        depth = values.astype(np.float32) * np.float32(self.unit_m)
        depth[values == 0] = np.nan
        return depth


@dataclass(frozen=True)
class ImageSequence:
    """
    A training sequence of image files.

    :param images: in the order of their stamps
    :param stamps_ns: strictly increasing, shape (N,)
    :param poses: ``world_from_camera``, shape (N, 4, 4), NaN where unknown
    :raises DatasetError: counts do not fit, or stamps do not increase
    """

    name: str
    camera: Camera
    images: tuple[Path, ...]
    stamps_ns: NDArray[np.int64]
    poses: NDArray[np.float64] | None = None
    depth_files: DepthFiles = field(default_factory=DepthFiles)
    targets: tuple[int, ...] | None = None
    licence: str = ''
    one_way: bool = False

    def __post_init__(self) -> None:
        """Check counts and order."""
        if not self.images:
            raise DatasetError(f'{self.name} is empty: it has no image')
        poses = len(self.images) if self.poses is None else len(self.poses)
        if not len(self.images) == len(self.stamps_ns) == poses:
            raise DatasetError(
                f'{self.name}: {len(self.images)} images, {len(self.stamps_ns)} stamps and '
                f'{poses} poses do not fit each other: one of each per image'
            )
        backwards = np.flatnonzero(np.diff(self.stamps_ns) <= 0)
        if backwards.size:
            raise DatasetError(
                f'{self.name}: the stamp of image {int(backwards[0]) + 1} is not after the one '
                'before: stamps must increase'
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def image(self, index: int) -> NDArray[np.uint8]:
        """
        Read an image, RGB, shape (H, W, 3).

        :raises DatasetError: it cannot be decoded, or is of another size than the camera
        """
        image = read_rgb(self.images[index])
        check_size(self.images[index], image, self.camera)
        return image

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """
        Read depth [m], shape (H, W), NaN where there is none; None where there is no file.

        :raises DatasetError: it cannot be decoded, or is of another size than the camera
        """
        depth = self.depth_files.read(index)
        if depth is not None:
            check_size(self.depth_files.files[index], depth, self.camera)
        return depth


def check_size(file: Path, image: NDArray[Any], camera: Camera) -> None:
    """
    Check that an image is as large as its camera.

    :raises DatasetError: it is not
    """
    height, width = image.shape[:2]
    if (width, height) != (camera.width, camera.height):
        raise DatasetError(
            f'{file} is {width} x {height}, its camera is of {camera.width} x {camera.height}: '
            'give the calibration of this size'
        )


class UndistortedSequence:
    """
    A sequence whose images are undistorted while they are read.

    :param source: with a distorted camera
    :raises CameraError: its camera has no distortion, or its lens sees next to nothing
    """

    def __init__(self, source: TrainingSequence) -> None:
        """Compute the maps."""
        self._source = source
        self._undistorter = Undistorter(source.camera)
        self.name = source.name
        self.camera = self._undistorter.camera
        self.stamps_ns = source.stamps_ns
        self.targets = source.targets
        self.licence = source.licence
        self.one_way = source.one_way
        self.poses = source.poses
        if source.poses is not None:
            self.poses = source.poses @ self._undistorter.camera_from_rectified

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._source)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read an image, RGB, shape (H, W, 3)."""
        return self._undistorter.image(self._source.image(index))

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """Read depth [m], shape (H, W), NaN where there is none; None where there is no file."""
        depth = self._source.depth(index)
        return None if depth is None else self._undistorter.depth(depth)


def undistorted(sequence: TrainingSequence) -> TrainingSequence:
    """Return the sequence itself where its camera is a pinhole camera, else undistorted."""
    return sequence if sequence.camera.distortion is None else UndistortedSequence(sequence)
