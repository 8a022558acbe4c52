"""Pixels of sensor_msgs/CompressedImage: JPEG, PNG, and depth as PNG."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import MessageError
from lsd_ros.foreign.image_codec import JPEG, decode_image, decode_smaller
from lsd_ros.messages import raw
from lsd_ros.messages.bit_depth import FULL, BitDepth
from lsd_ros.types import Reduction

_DEPTH_HEADER = struct.Struct('<iff')  # compression_common.h: ConfigHeader


def compressed_to_rgb(
    msg: Any, bits: BitDepth | None = None, *, turned: bool = False
) -> NDArray[np.uint8]:
    """
    Decode a sensor_msgs/CompressedImage.

    :param msg: message of rclpy or of rosbags
    :param bits: of 16 bit images; None: all
    :param turned: whether the result may be a view whose last stride is negative
    :return: RGB, shape (H, W, 3)
    :raises MessageError: the data are no image, truncated, or hold depth
    """
    _check_picture(msg)
    depth = bits or BitDepth(FULL)
    image = _decoded(bytes(msg.data), msg.format)
    if image.ndim == 2:
        if encoding := _mosaic(msg):
            return _demosaic(image, encoding, depth)
        return np.asarray(cv2.cvtColor(depth.to_8_bit(image), cv2.COLOR_GRAY2RGB), np.uint8)
    return _in_rgb(depth.to_8_bit(image), msg, turned=turned)


def smaller_to_rgb(
    msg: Any,
    bits: BitDepth | None = None,
    *,
    factor_of: Callable[[int, int], int],
    turned: bool = False,
) -> tuple[NDArray[np.uint8], Reduction | None]:
    """
    Decode a sensor_msgs/CompressedImage at a smaller size, where that is faster: as JPEG.

    :param bits: see :func:`compressed_to_rgb`
    :param factor_of: says of (width, height) by how much it may be smaller: 1, 2, 4 or 8
    :param turned: see :func:`compressed_to_rgb`
    :return: RGB, and by how much it is reduced; None: it is whole
    :raises MessageError: see :func:`compressed_to_rgb`
    """
    _check_picture(msg)
    data = bytes(msg.data)
    if not data.startswith(JPEG) or _mosaic(msg):
        return compressed_to_rgb(msg, bits, turned=turned), None
    _check_complete(data, msg.format)
    found = decode_smaller(data, factor_of, MessageError, _named(msg.format))
    image = _in_rgb(found.image, msg, turned=turned)
    if found.factor == 1:
        return image, None
    whole = functools.cache(lambda: compressed_to_rgb(msg, bits))
    return image, Reduction(found.width, found.height, found.factor, whole)


def compressed_to_metres(msg: Any) -> NDArray[np.float32]:
    """
    Decode the PNG of compressed_depth_image_transport.

    :return: depth [m], shape (H, W), NaN where there is none
    :raises MessageError: the format is another one, or the data are truncated
    """
    encoding, _, compression = (part.strip() for part in msg.format.partition(';'))
    if compression not in ('compressedDepth', 'compressedDepth png'):
        raise MessageError(
            f'compressed image of format {msg.format!r} is no depth: it must be '
            "'16UC1; compressedDepth png' or '32FC1; compressedDepth png'"
        )
    data = bytes(msg.data)
    if len(data) < _DEPTH_HEADER.size:
        raise MessageError(f'{msg.format} image is truncated: it has {len(data)} bytes')
    _, numerator, offset = _DEPTH_HEADER.unpack_from(data)
    image = _decoded(data[_DEPTH_HEADER.size :], msg.format)
    if image.dtype != np.uint16 or image.ndim != 2:
        raise MessageError(f'{msg.format} image is {image.dtype}: its PNG must be 16 bit grey')
    values = image.astype(np.float32)
    values[image == 0] = np.nan
    return numerator / (values - offset) if encoding == '32FC1' else values / np.float32(1000)


def _check_picture(msg: Any) -> None:
    if 'compressedDepth' in msg.format:
        raise MessageError(
            f'compressed image of format {msg.format!r} holds depth: choose the topic of a picture'
        )


def _mosaic(msg: Any) -> str:
    """Return the encoding of a mosaic, which is stored as a grey picture; else nothing."""
    encoding: str = msg.format.partition(';')[0].strip()
    return encoding if encoding.lower().startswith('bayer_') else ''


def _in_rgb(image: NDArray[np.uint8], msg: Any, *, turned: bool) -> NDArray[np.uint8]:
    """Put the channels of an image as OpenCV gives it in order, without alpha."""
    if 'compressed rgb' in msg.format.partition(';')[2]:
        # The trap: such a file was written from RGB memory as if it were BGR, so that reading it
        # gives RGB back. 'compressed bgr', and files of anybody else, are ordinary.
        return np.ascontiguousarray(image[..., :3])
    if turned and image.shape[2] == 3:
        return image[..., ::-1]
    code = cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, code), np.uint8)


def _demosaic(image: NDArray[Any], encoding: str, bits: BitDepth) -> NDArray[np.uint8]:
    if encoding.lower() not in raw.KNOWN_ENCODINGS:
        known = ', '.join(name for name in raw.KNOWN_ENCODINGS if name.startswith('bayer_'))
        raise MessageError(f'encoding {encoding!r} is unknown: the known ones are {known}')
    return raw.demosaic(image, encoding, bits)


def _decoded(data: bytes, name: str) -> NDArray[Any]:
    _check_complete(data, name)
    # Unchanged: 16 bit stay, and EXIF does not turn the pixels away from their calibration.
    image = decode_image(data, cv2.IMREAD_UNCHANGED, MessageError, _named(name))
    if image.dtype not in (np.uint8, np.uint16):
        raise MessageError(
            f'compressed image of format {name!r} holds {image.dtype}: it must be 8 or 16 bit'
        )
    return image


def _named(name: str) -> str:
    return f'compressed image of format {name!r}'


def _check_complete(data: bytes, name: str) -> None:
    # OpenCV fills the missing part of a truncated file with grey and says nothing.
    whole = True
    if data.startswith(JPEG):  # the picture's end must follow its last scan
        whole = data.rfind(b'\xff\xd9') > data.rfind(b'\xff\xda') >= 0
    elif data.startswith(b'\x89PNG'):
        whole = data.rfind(b'IEND') > 0
    if not data or not whole:
        raise MessageError(
            f'compressed image of format {name!r} is truncated: it ends after {len(data)} bytes'
        )
