"""
Pixels of sensor_msgs/Image as RGB: every colour encoding of sensor_msgs/image_encodings.hpp.

Conversions and their order (colour first, then 16 to 8 bit) are those of cv_bridge.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import MessageError
from lsd_ros.messages.bit_depth import FULL, BitDepth

# OpenCV names a Bayer pattern by its second row: its BG is what everybody else calls RGGB.
_BAYER_CODES = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}
_COLOUR_CODES = {
    'rgb': (3, None),
    'bgr': (3, cv2.COLOR_BGR2RGB),
    'rgba': (4, cv2.COLOR_RGBA2RGB),
    'bgra': (4, cv2.COLOR_BGRA2RGB),
    'mono': (1, cv2.COLOR_GRAY2RGB),
}
_YUV422_CODES = {
    'yuv422': cv2.COLOR_YUV2RGB_UYVY,
    'uyvy': cv2.COLOR_YUV2RGB_UYVY,
    'yuv422_uyvy': cv2.COLOR_YUV2RGB_UYVY,
    'yuyv': cv2.COLOR_YUV2RGB_YUY2,
    'yuy2': cv2.COLOR_YUV2RGB_YUY2,
    'yuv422_yuy2': cv2.COLOR_YUV2RGB_YUY2,
    'yuv422_yuyv': cv2.COLOR_YUV2RGB_YUY2,
    'yvyu': cv2.COLOR_YUV2RGB_YVYU,
}
# The names of plain OpenCV arrays say no colour order: as cv_bridge, take OpenCV's.
_GENERIC_NAMES = {
    '8uc1': 'mono8',
    '8uc3': 'bgr8',
    '8uc4': 'bgra8',
    '16uc1': 'mono16',
    '16uc3': 'bgr16',
    '16uc4': 'bgra16',
}


@dataclass(frozen=True)
class _Packed:
    """Pixels side by side; ``even`` says by what the width (and height) must be divisible."""

    dtype: type[np.uint8 | np.uint16]
    channels: int
    code: int | None
    even: tuple[int, int] = (1, 1)
    smallest: int = 0


def _packed_encodings() -> Iterator[tuple[str, _Packed]]:
    depths: tuple[tuple[int, type[np.uint8 | np.uint16]], ...] = ((8, np.uint8), (16, np.uint16))
    for bits, dtype in depths:
        for name, (channels, code) in _COLOUR_CODES.items():
            yield f'{name}{bits}', _Packed(dtype, channels, code)
        for pattern, code in _BAYER_CODES.items():
            yield f'bayer_{pattern}{bits}', _Packed(dtype, 1, code, smallest=3)
    for name, code in _YUV422_CODES.items():
        yield name, _Packed(np.uint8, 2, code, even=(2, 1))


_PACKED = dict(_packed_encodings())
_PACKED.update({generic: _PACKED[name] for generic, name in _GENERIC_NAMES.items()})
_SEMI_PLANAR_CODES = {'nv12': cv2.COLOR_YUV2RGB_NV12, 'nv21': cv2.COLOR_YUV2RGB_NV21}
KNOWN_ENCODINGS = (*_PACKED, *_SEMI_PLANAR_CODES, 'nv24')


def raw_to_rgb(
    msg: Any, bits: BitDepth | None = None, *, turned: bool = False
) -> NDArray[np.uint8]:
    """
    Decode a sensor_msgs/Image; rgb8 without padding is a read-only view of the message.

    :param msg: message of rclpy or of rosbags
    :param bits: of 16 bit images; None: all, as for cv_bridge
    :param turned: whether bgr8 may be a read-only view, too, whose last stride is negative
    :return: RGB, shape (H, W, 3)
    :raises MessageError: the encoding is unknown, or size, step and data do not fit each other
    """
    encoding = msg.encoding.lower()
    if turned and encoding in ('bgr8', '8uc3'):
        return np.asarray(pixels(msg, np.uint8, 3)[..., ::-1], np.uint8)
    if encoding in _PACKED:
        return _packed_to_rgb(msg, _PACKED[encoding], bits or BitDepth(FULL))
    if encoding in _SEMI_PLANAR_CODES:
        return _semi_planar_to_rgb(msg, _SEMI_PLANAR_CODES[encoding])
    if encoding == 'nv24':
        return _nv24_to_rgb(msg)
    return _cv_bridge_to_rgb(msg)


def pixels(msg: Any, dtype: type[np.generic], channels: int) -> NDArray[Any]:
    """
    View the data of an image message as an array, whatever its row padding and byte order.

    :return: shape (H, W) for one channel, else (H, W, channels); native byte order, read-only
    :raises MessageError: size, step and data do not fit each other
    """
    item = np.dtype(dtype).newbyteorder('>' if msg.is_bigendian else '<')
    pixel = item.itemsize * channels
    buffer = _checked_buffer(msg, msg.width * pixel, msg.height)
    shape = (msg.height, msg.width, channels)
    view: NDArray[Any] = np.ndarray(shape, item, buffer, strides=(msg.step, pixel, item.itemsize))
    view.flags.writeable = False
    native = np.require(view, dtype, ['ALIGNED'])  # OpenCV takes no odd steps for 16 bit
    return native[..., 0] if channels == 1 else native


def demosaic(
    mosaic: NDArray[Any], encoding: str, bits: BitDepth | None = None
) -> NDArray[np.uint8]:
    """
    Turn a Bayer mosaic, shape (H, W), uint8 or uint16, into RGB, shape (H, W, 3).

    :param encoding: for example ``bayer_rggb8``
    :param bits: of 16 bit images; None: all
    """
    return (bits or BitDepth(FULL)).to_8_bit(
        cv2.cvtColor(mosaic, _PACKED[encoding.lower()].code or 0)
    )


def _packed_to_rgb(msg: Any, packed: _Packed, bits: BitDepth) -> NDArray[np.uint8]:
    _check_divisible(msg, *packed.even)
    if min(msg.width, msg.height) < packed.smallest:
        raise MessageError(
            f'{msg.encoding} image of {msg.width} x {msg.height} is too small: '
            f'it takes {packed.smallest} x {packed.smallest} pixels at least'
        )
    image = pixels(msg, packed.dtype, packed.channels)
    if packed.code is not None:
        image = cv2.cvtColor(image, packed.code)
    return np.ascontiguousarray(bits.to_8_bit(image))


def _semi_planar_to_rgb(msg: Any, code: int) -> NDArray[np.uint8]:
    _check_divisible(msg, 2, 2)
    rows = msg.height * 3 // 2
    planes = _checked_buffer(msg, msg.width, rows).reshape(rows, msg.step)
    return np.asarray(cv2.cvtColor(planes[:, : msg.width], code), np.uint8)


def _nv24_to_rgb(msg: Any) -> NDArray[np.uint8]:
    planes = _checked_buffer(msg, msg.width, msg.height * 3).reshape(msg.height * 3, msg.step)
    luma = planes[: msg.height, : msg.width]
    chroma = planes[msg.height :].reshape(msg.height, -1)[:, : 2 * msg.width]
    chroma = chroma.reshape(msg.height, msg.width, 2)
    # OpenCV has no code for full chroma: as UYVY with every pixel doubled the colours are exact.
    doubled = np.stack([chroma[..., 0], luma, chroma[..., 1], luma], axis=-1)
    doubled = doubled.reshape(msg.height, 2 * msg.width, 2)
    return np.ascontiguousarray(cv2.cvtColor(doubled, cv2.COLOR_YUV2RGB_UYVY)[:, ::2])


def _check_divisible(msg: Any, width: int, height: int) -> None:
    if msg.width % width or msg.height % height:
        raise MessageError(
            f'{msg.encoding} image of {msg.width} x {msg.height} is odd, but its colours are '
            'stored per pixel pair: let the driver send an even size'
        )


def _checked_buffer(msg: Any, row_bytes: int, rows: int) -> NDArray[np.uint8]:
    if msg.width <= 0 or msg.height <= 0:
        raise MessageError(
            f'image of {msg.width} x {msg.height} is empty: check the driver of the camera'
        )
    if msg.step < row_bytes:
        raise MessageError(
            f'{msg.encoding} image has step {msg.step}, but {msg.width} pixels take {row_bytes} '
            'bytes: the driver fills width, step or encoding wrongly'
        )
    buffer = np.frombuffer(msg.data, np.uint8)
    if buffer.size != msg.step * rows:
        fault = 'truncated' if buffer.size < msg.step * rows else 'too long'
        raise MessageError(
            f'{msg.encoding} image of {msg.width} x {msg.height} and step {msg.step} is {fault}: '
            f'it has {buffer.size} bytes instead of {msg.step * rows}'
        )
    return buffer


def _cv_bridge_to_rgb(msg: Any) -> NDArray[np.uint8]:
    unknown = f'encoding {msg.encoding!r} is unknown: send one of {", ".join(KNOWN_ENCODINGS)}'
    if not hasattr(msg, 'get_fields_and_field_types'):  # cv_bridge takes messages of rclpy only
        raise MessageError(unknown)
    try:
        cv_bridge = importlib.import_module('cv_bridge')
    except ImportError:
        raise MessageError(unknown) from None
    try:
        return np.asarray(cv_bridge.CvBridge().imgmsg_to_cv2(msg, 'rgb8'), np.uint8)
    except cv_bridge.CvBridgeError as error:
        raise MessageError(f'{unknown} (cv_bridge: {error})') from error
