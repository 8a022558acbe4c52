"""Image files: found in a folder, decoded, and missed with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import DatasetError

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm')


def image_files(folder: Path) -> list[Path]:
    """
    List the images of a folder, by name.

    :raises DatasetError: the folder cannot be read
    """
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    except OSError as error:
        raise DatasetError(f'cannot read {folder}: {error.strerror}') from error
    return sorted(file for file in files if not file.name.startswith('.'))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """
    Read an image file as it is stored, whatever its EXIF orientation says.

    :return: RGB, shape (H, W, 3)
    :raises DatasetError: the file is missing, or no image that can be decoded
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return np.asarray(cv2.cvtColor(read_image(path, flags), cv2.COLOR_BGR2RGB), np.uint8)


def read_image(path: Path, flags: int) -> NDArray[Any]:
    """
    Read an image file with the flags of ``cv2.imread``.

    :raises DatasetError: the file is missing, or no image that can be decoded
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DatasetError(f'cannot read the image {path}: {error.strerror}') from error
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error as error:
        raise DatasetError(f'the image {path} cannot be decoded: {error.err}') from error
    if image is None:
        raise DatasetError(f'the image {path} cannot be decoded: it is damaged or no image')
    return np.asarray(image)


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
