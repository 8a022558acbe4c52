"""The one place where encoded images are decoded: JPEG, PNG, BMP, TIFF, WebP and PNM."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.image_header import image_header
from lsd_ros.foreign.limits import limits


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
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if image is None:
            raise error(f'{name} cannot be decoded: it is damaged, or not one that OpenCV knows')
        return np.asarray(image)
