"""Image files: found in a folder, decoded, and missed with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_file
from lsd_ros.foreign.image_codec import decode_image
from lsd_ros.foreign.image_header import UPRIGHT, image_header
from lsd_ros.foreign.limits import MEBI, limits

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm')


def image_files(folder: Path) -> list[Path]:
    """
    List the images of a folder, by name.

    :raises DatasetError: the folder cannot be read
    """
    with ForeignCode(DatasetError, f'cannot read {folder}'):
        files = [file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(file for file in files if not file.name.startswith('.'))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """
    Read an image file.

    One that is to be turned by its EXIF orientation is refused: nobody can tell whether its
    calibration, depth and poses are of the turned image.

    :return: RGB, shape (H, W, 3)
    :raises DatasetError: the file is missing, no image that can be decoded, too large, or to be
        turned
    """
    data = _read(path)
    header = image_header(data)
    if header is not None and header.orientation != UPRIGHT:
        raise DatasetError(
            f'the image {path} is stored turned (EXIF orientation {header.orientation}): turn it '
            'for good, for example with mogrify -auto-orient, and calibrate the turned images'
        )
    image = _decoded(path, data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def read_image(path: Path, flags: int) -> NDArray[Any]:
    """
    Read an image file with the flags of ``cv2.imread``.

    :raises DatasetError: the file is missing, no image that can be decoded, or too large
    """
    return _decoded(path, _read(path), flags)


def _read(path: Path) -> bytes:
    return read_file(path, DatasetError, int(limits().unpacked_mib * MEBI))


def _decoded(path: Path, data: bytes, flags: int) -> NDArray[Any]:
    return decode_image(data, flags, DatasetError, f'the image {path}')


def write_image(path: Path, image: NDArray[Any], parameters: tuple[int, ...] = ()) -> None:
    """
    Write an image file in the format of its suffix.

    :param image: grey or BGR, as OpenCV has it
    :param parameters: of ``cv2.imencode``
    :raises DatasetError: it cannot be encoded or written
    """
    encoded, data = cv2.imencode(path.suffix, image, parameters)
    if not encoded:
        raise DatasetError(f'cannot encode the image {path}')
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise DatasetError(f'cannot write the image {path}: {error.strerror}') from error
