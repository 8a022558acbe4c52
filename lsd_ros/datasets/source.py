"""Open whatever holds frames: a bag, a sequence, a folder of images or a video."""

from __future__ import annotations

from pathlib import Path

from lsd_ros.bags.bag_files import kind_of
from lsd_ros.bags.bag_source import BagSource
from lsd_ros.datasets.image_file import IMAGE_SUFFIXES, image_files
from lsd_ros.datasets.image_folder import ImageFolder
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.video import VIDEO_SUFFIXES, VideoReader
from lsd_ros.errors import DatasetError
from lsd_ros.types import Camera
from lsd_ros.types.frame_source import FrameSource

BAG_SUFFIXES = ('.bag', '.mcap', '.db3')


def open_source(
    path: str | Path, *, image_topic: str | None = None, camera: Camera | None = None
) -> FrameSource:
    """
    Open a source of frames by what its path is.

    :param path: bag folder or file, sequence folder, image folder, or video file
    :param image_topic: of a bag; None: the topic that looks most like the main camera
    :param camera: what to use instead of the calibration that comes with the frames
    :raises DatasetError: it is none of these, or cannot be read
    """
    path = Path(path)
    kind = kind_of_source(path)
    if kind == 'bag':
        return BagSource(path, image_topic, camera)
    if image_topic is not None:
        raise DatasetError(f'{path} is no bag: it has no topic {image_topic!r}')
    if kind == 'sequence':
        return Sequence(path, camera)
    return ImageFolder(path, camera) if kind == 'images' else VideoReader(path, camera)


def kind_of_source(path: Path) -> str:
    """
    Tell what a path is.

    :return: ``bag``, ``sequence``, ``images`` or ``video``
    :raises DatasetError: it is none of these, or cannot be read
    """
    try:
        if not path.exists():
            raise DatasetError(f'{path} does not exist: give a bag, sequence, folder or video')
        return _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    except OSError as error:
        raise DatasetError(f'cannot read {path}: {error.strerror}') from error


def _kind_of_folder(path: Path) -> str:
    if (path / 'images').is_dir():
        return 'sequence'
    if (path / 'metadata.yaml').exists() or any(
        any(name in BAG_SUFFIXES for name in file.suffixes) for file in path.iterdir()
    ):
        return 'bag'
    if image_files(path):
        return 'images'
    raise DatasetError(
        f'{path} holds no frames: give a bag (metadata.yaml, .mcap, .db3, .bag), a sequence '
        '(images/, camera.yaml, timestamps.txt) or a folder of images'
    )


def _kind_of_file(path: Path) -> str:
    if kind_of(path) in ('rosbag1', 'mcap', 'sqlite3') or set(path.suffixes) & set(BAG_SUFFIXES):
        return 'bag'
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return 'video'
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise DatasetError(f'{path} is a single image: give the folder that holds it')
    raise DatasetError(
        f'{path} holds no frames: give a bag (.mcap, .db3, .bag) or a video '
        f'({", ".join(VIDEO_SUFFIXES)})'
    )
