"""What an encoded image says about itself, read without decoding it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from lsd_ros.errors import MessageError
from lsd_ros.foreign.door import ForeignCode

UPRIGHT = 1
_EXIF_ORIENTATION = 0x0112
_TIFF_TAGS = {0x0100: 'width', 0x0101: 'height', 0x0102: 'bits', 0x0115: 'samples'}
_TIFF_TYPES = {1: 'B', 3: 'H', 4: 'I', 16: 'Q'}  # BYTE, SHORT, LONG, LONG8
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_PNM = re.compile(rb'P([1-6])(?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})')


class ImageHeader(NamedTuple):
    """
    What an image file says about itself.

    :param kind: for example ``JPEG``
    :param pixel_bytes: that one decoded pixel takes
    :param orientation: of EXIF, 1 to 8; 1: as it is stored
    """

    kind: str
    width: int
    height: int
    pixel_bytes: int
    orientation: int = UPRIGHT


def image_header(data: bytes) -> ImageHeader | None:
    """
    Read the header of a JPEG, PNG, BMP, TIFF, WebP or PNM image.

    :return: None where it is none of these, or damaged
    """
    readers = (
        (b'\xff\xd8', _jpeg),
        (b'\x89PNG\r\n\x1a\n', _png),
        (b'BM', _bmp),
        (b'II', _tiff),
        (b'MM', _tiff),
        (b'RIFF', _webp),
        (b'P', _pnm),
    )
    for magic, read in readers:
        if data.startswith(magic):
            with suppress(MessageError), ForeignCode(MessageError, 'the header is damaged'):
                return read(data)
    return None


def _jpeg(data: bytes) -> ImageHeader | None:
    orientation = UPRIGHT
    for marker, content in _jpeg_segments(data):
        if marker in _JPEG_FRAMES:
            _, height, width, _ = struct.unpack_from('>BHHB', content)
            return ImageHeader('JPEG', width, height, 3, orientation)
        if marker == 0xE1 and content.startswith(b'Exif\0\0') and orientation == UPRIGHT:
            orientation = _exif_orientation(content[6:])
    return None


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:  # some cameras pad between segments
            place = data.find(b'\xff', place)
            if place < 0:
                return
            continue
        marker = data[place + 1]
        if marker in (0x01, 0xFF) or 0xD0 <= marker <= 0xD8:  # these have no content
            place += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from('>H', data, place + 2)
        yield marker, data[place + 4 : place + 2 + length]
        place += 2 + max(length, 2)


def _png(data: bytes) -> ImageHeader | None:
    name, width, height, depth, colour = struct.unpack_from('>4sIIBB', data, 12)
    if name != b'IHDR':
        return None
    orientation = UPRIGHT
    place = 8
    while True:
        length, chunk = struct.unpack_from('>I4s', data, place)
        if length > len(data) - place - 12:
            return None  # OpenCV takes memory for what a chunk says, however little there is of it
        if chunk == b'eXIf':
            orientation = _exif_orientation(data[place + 8 : place + 8 + length])
        if chunk == b'IEND':
            break
        place += 12 + length
    size = max(3, _PNG_CHANNELS[colour]) * (2 if depth == 16 else 1)
    return ImageHeader('PNG', width, height, size, orientation)


def _bmp(data: bytes) -> ImageHeader | None:
    (size,) = struct.unpack_from('<I', data, 14)
    width, height = struct.unpack_from('<HH' if size == 12 else '<ii', data, 18)
    return ImageHeader('BMP', abs(width), abs(height), 4)


def _webp(data: bytes) -> ImageHeader | None:
    if data[8:12] != b'WEBP':
        return None
    kind = data[12:16]
    if kind == b'VP8X':
        width = int.from_bytes(data[24:27], 'little') + 1
        height = int.from_bytes(data[27:30], 'little') + 1
    elif kind == b'VP8 ':
        width, height = (size & 0x3FFF for size in struct.unpack_from('<HH', data, 26))
    elif kind == b'VP8L':
        (bits,) = struct.unpack_from('<I', data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        return None
    return ImageHeader('WebP', width, height, 4)


def _pnm(data: bytes) -> ImageHeader | None:
    found = _PNM.match(data)
    if found is None:
        return None
    return ImageHeader('PNM', int(found[2]), int(found[3]), 6)


def _tiff(data: bytes) -> ImageHeader | None:
    tags = _tiff_tags(data)
    names = {name: tags[tag] for tag, name in _TIFF_TAGS.items() if tag in tags}
    size = max(3, names.get('samples', 1)) * max(1, names.get('bits', 8) // 8)
    orientation = tags.get(_EXIF_ORIENTATION, UPRIGHT)
    return ImageHeader('TIFF', names['width'], names['height'], size, orientation)


def _exif_orientation(data: bytes) -> int:
    """Read the orientation; 1 where there is none, or what there is is damaged."""
    orientation = UPRIGHT
    with suppress(MessageError), ForeignCode(MessageError, 'EXIF is damaged'):
        orientation = _tiff_tags(data).get(_EXIF_ORIENTATION, UPRIGHT)
    return orientation if 1 <= orientation <= 8 else UPRIGHT


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Read the first value of every whole number of the first directory."""
    order = '<' if data.startswith(b'II') else '>'
    (version,) = struct.unpack_from(order + 'H', data, 2)
    big = version == 43
    (place,) = struct.unpack_from(order + ('Q' if big else 'I'), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ('Q' if big else 'H'), data, place)
    place += 8 if big else 2
    entry = struct.Struct(order + ('HHQ8s' if big else 'HHI4s'))
    tags: dict[int, int] = {}
    for number in range(min(count, 1000)):
        tag, kind, values, value = entry.unpack_from(data, place + number * entry.size)
        form = _TIFF_TYPES.get(kind)
        if form is None:
            continue
        size = struct.calcsize(form) * values
        if size > len(value):  # what is larger lies elsewhere
            (there,) = struct.unpack(order + ('Q' if big else 'I'), value)
            value = data[there : there + struct.calcsize(form)]
        tags[tag] = struct.unpack_from(order + form, value)[0]
    return tags
