"""Writes a sequence folder, whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from lsd_ros.datasets.camera_yaml import write_camera
from lsd_ros.datasets.image_file import write_image
from lsd_ros.datasets.tum import write_tum
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import AtomicFolder
from lsd_ros.types import Camera, Frame, Trajectory

if TYPE_CHECKING:
    from types import TracebackType

JPEG_QUALITY = 95
MAX_DEPTH_VALUE = 65535
_FILES = re.compile(
    r'(images|depth)/[^/]+\.(jpe?g|png)|(camera|manifest)\.yaml|timestamps\.txt|poses\.tum'
)


class SequenceWriter:
    """
    A sequence that appears at its path only when the ``with`` block ends without an error.

    :param path: folder to make
    :param camera: of every image
    :param manifest: origin, licence and whatever else is known; counts are added
    :param suffix: of the images, ``.jpg`` or ``.png``
    :param jpeg_quality: 1 to 100
    :param depth_unit_m: metres per value of the depth files
    :param overwrite: whether what stands at the path is replaced
    :raises DatasetError: the path exists, or the suffix or unit is not allowed
    """

    def __init__(
        self,
        path: str | Path,
        camera: Camera,
        *,
        manifest: dict[str, Any] | None = None,
        suffix: str = '.jpg',
        jpeg_quality: int = JPEG_QUALITY,
        depth_unit_m: float = 0.001,
        overwrite: bool = False,
    ) -> None:
        """Check the arguments; nothing is written yet."""
        if suffix not in ('.jpg', '.png'):
            raise DatasetError(f'images cannot be written as {suffix!r}: choose .jpg or .png')
        if not depth_unit_m > 0:
            raise DatasetError(f'depth_unit_m is {depth_unit_m}: it must be positive')
        self.path = Path(path)
        self._camera = camera
        self._manifest = dict(manifest or {})
        self._suffix = suffix
        self._quality = (cv2.IMWRITE_JPEG_QUALITY, jpeg_quality) if suffix == '.jpg' else ()
        self._depth_unit_m = depth_unit_m
        self._staging = AtomicFolder(self.path, overwrite=overwrite, is_ours=is_of_sequence)
        self._stamps_ns: list[int] = []
        self._poses: list[NDArray[np.float64]] = []
        self._depth_maps = 0

    def __len__(self) -> int:
        """Return the number of frames written so far."""
        return len(self._stamps_ns)

    def note(self, entries: dict[str, Any]) -> None:
        """Add to the manifest what is known only in the end."""
        self._manifest.update(entries)

    def __enter__(self) -> SequenceWriter:
        """Make a folder beside the path, under a name of its own."""
        self._folder = self._staging.open()
        (self._folder / 'images').mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the sequence where it belongs; after an error, remove it."""
        try:
            if kind is None:
                self._finish()
                self._staging.commit()
        finally:
            self._staging.discard()

    def add(
        self,
        frame: Frame,
        *,
        world_from_camera: NDArray[np.float64] | None = None,
        depth: NDArray[np.float32] | None = None,
    ) -> None:
        """
        Write the next frame.

        :param world_from_camera: pose of the camera, shape (4, 4); for all frames or for none
        :param depth: along the optical axis [m], shape (H, W); what is not finite, not positive
            or beyond 65535 units is written as none
        :raises DatasetError: the size or stamp does not fit, or a file cannot be written
        """
        height, width = frame.image.shape[:2]
        if (width, height) != (self._camera.width, self._camera.height):
            raise DatasetError(
                f'frame {len(self)} is {width} x {height}, the camera of {self.path} is '
                f'{self._camera.width} x {self._camera.height}'
            )
        if self._stamps_ns and frame.stamp_ns <= self._stamps_ns[-1]:
            raise DatasetError(
                f'frame {len(self)} has stamp {frame.stamp_ns} after {self._stamps_ns[-1]}: '
                'stamps must increase'
            )
        if self._stamps_ns and (world_from_camera is None) != (not self._poses):
            raise DatasetError(f'frame {len(self)}: give a pose for every frame or for none')
        self._write(frame, world_from_camera, depth)

    def _write(
        self,
        frame: Frame,
        world_from_camera: NDArray[np.float64] | None,
        depth: NDArray[np.float32] | None,
    ) -> None:
        name = f'{len(self):06d}'
        path = self._folder / 'images' / (name + self._suffix)
        write_image(path, _grey_or_bgr(frame.image), self._quality)
        if depth is not None:
            if depth.shape != frame.image.shape[:2]:
                raise DatasetError(f'depth of {depth.shape} does not fit frame {len(self)}')
            (self._folder / 'depth').mkdir(exist_ok=True)
            write_image(
                self._folder / 'depth' / f'{name}.png', depth_values(depth, self._depth_unit_m)
            )
            self._depth_maps += 1
        if world_from_camera is not None:
            self._poses.append(np.asarray(world_from_camera, np.float64))
        self._manifest.setdefault('frame_id', frame.frame_id)
        self._stamps_ns.append(frame.stamp_ns)

    def _finish(self) -> None:
        if not self._stamps_ns:
            raise DatasetError(f'{self.path} is not written: there was not one frame')
        manifest = {**self._manifest, 'frames': len(self), 'depth_maps': self._depth_maps}
        if self._depth_maps:
            manifest['depth_unit_m'] = self._depth_unit_m
        try:
            stamps = ''.join(f'{stamp_ns}\n' for stamp_ns in self._stamps_ns)
            (self._folder / 'timestamps.txt').write_text(stamps)
            text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
            (self._folder / 'manifest.yaml').write_text(text, encoding='utf-8')
        except OSError as error:
            raise DatasetError(f'cannot write {self.path}: {error.strerror}') from error
        except yaml.YAMLError as error:
            raise DatasetError(f'the manifest cannot be written as YAML: {error}') from error
        write_camera(self._folder / 'camera.yaml', self._camera, self.path.name)
        if self._poses:
            stamps_ns = np.array(self._stamps_ns, np.int64)
            write_tum(self._folder / 'poses.tum', Trajectory(stamps_ns, np.stack(self._poses)))


def is_of_sequence(below: str) -> bool:
    """Say whether a path below a folder is one of a sequence."""
    return _FILES.fullmatch(below) is not None


def depth_values(depth: NDArray[np.float32], unit_m: float) -> NDArray[np.uint16]:
    """
    Return what stands for depth in a file of 16 bits; what does not fit in is none.

    :param depth: [m], shape (H, W)
    :param unit_m: metres per value
    """
    values = np.rint(np.nan_to_num(depth, nan=0, posinf=0, neginf=0) / unit_m)
    values[(values < 0) | (values > MAX_DEPTH_VALUE)] = 0
    return np.asarray(values, np.uint16)


def _grey_or_bgr(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one plane where the three are equal: it is stored smaller and read faster."""
    first = image[..., 0]
    if np.array_equal(first, image[..., 1]) and np.array_equal(first, image[..., 2]):
        return np.ascontiguousarray(first)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
