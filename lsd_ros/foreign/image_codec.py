"""The one place where encoded images are decoded: JPEG, PNG, BMP, TIFF, WebP and PNM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.image_header import ImageHeader, image_header
from lsd_ros.foreign.limits import limits

JPEG = b'\xff\xd8'
AS_IT_LIES = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
SMALLER = {
    factor: flag | cv2.IMREAD_IGNORE_ORIENTATION
    for factor, flag in (
        (2, cv2.IMREAD_REDUCED_COLOR_2),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (8, cv2.IMREAD_REDUCED_COLOR_8),
    )
}


class Smaller(NamedTuple):
    """
    A JPEG that was read at a smaller size.

    :param image: BGR, a pixel for ``factor`` pixels each way, the last ones for what is left
    :param width: of the whole image [pixels]
    :param height: of the whole image [pixels]
    :param factor: 1: it is the whole image
    """

    image: NDArray[np.uint8]
    width: int
    height: int
    factor: int


def decode_smaller(
    data: bytes, factor_of: Callable[[int, int], int], error: type[LsdError], name: str
) -> Smaller:
    """
    Decode a JPEG at a smaller size, which its decoder is faster at than at the whole one.

    :param factor_of: says of (width, height) by how much it may be smaller: 1, 2, 4 or 8
    :param name: what to call it in a sentence
    :raises LsdError: as :func:`decode_image`
    """
    with ForeignCode(error, f'{name} cannot be decoded'):
        header = _checked(data, error, name)
        empty = 0 in (header.width, header.height)  # OpenCV refuses it
        factor = 1 if empty else factor_of(header.width, header.height)
        image = _decoded(data, SMALLER.get(factor, AS_IT_LIES), error, name)
        return Smaller(np.asarray(image, np.uint8), header.width, header.height, factor)


def decode_image(data: bytes, flags: int, error: type[LsdError], name: str) -> NDArray[Any]:
    """
    Decode an image; how large it is, is checked by its header, before memory is taken.

    :param flags: of ``cv2.imdecode``
    :param name: what to call it in a sentence
    :return: grey or BGR, as OpenCV has it
    :raises LsdError: of the given type: it is damaged, of another format, or larger than the
        limits allow
    """
    with ForeignCode(error, f'{name} cannot be decoded'):
        _checked(data, error, name)
        return _decoded(data, flags, error, name)


def _checked(data: bytes, error: type[LsdError], name: str) -> ImageHeader:
    header = image_header(data)
    if header is None:
        raise error(
            f'{name} cannot be decoded: its {len(data)} bytes start with '
            f'{data[:4].hex(" ") or "nothing"}, which is no whole JPEG, PNG, BMP, TIFF, WebP '
            'or PNM'
        )
    try:
        limits().check_image(header.width, header.height, header.pixel_bytes, error)
    except error as large:
        raise error(f'{name} is not decoded: {large}') from large
    return header


def _decoded(data: bytes, flags: int, error: type[LsdError], name: str) -> NDArray[Any]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise error(f'{name} cannot be decoded: it is damaged, or not one that OpenCV knows')
    return np.asarray(image)
