"""Images are measured by their headers before they take memory."""

from __future__ import annotations

import contextlib
import resource
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest

from lsd_ros.errors import MessageError, SettingError
from lsd_ros.foreign.image_codec import decode_image
from lsd_ros.foreign.image_header import image_header
from lsd_ros.foreign.limits import limits, raised

PICTURE = np.random.default_rng(0).integers(0, 255, (37, 53, 3), dtype=np.uint8)


def encoded(suffix: str, image: Any = PICTURE) -> bytes:
    return bytes(cv2.imencode(suffix, image)[1])


def png(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds nothing of it."""
    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunks = ((b'IHDR', head), (b'IDAT', zlib.compress(bytes(1000))), (b'IEND', b''))
    body = b''.join(
        struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
        for name, data in chunks
    )
    return b'\x89PNG\r\n\x1a\n' + body


def jpeg(width: int, height: int) -> bytes:
    data = bytearray(encoded('.jpg'))
    place = data.index(b'\xff\xc0')
    data[place + 5 : place + 9] = struct.pack('>HH', height, width)
    return bytes(data)


def with_exif(data: bytes, orientation: int) -> bytes:
    """Write an orientation into a JPEG, as phones do."""
    entry = struct.pack('<HHIHH', 0x0112, 3, 1, orientation, 0)
    exif = b'Exif\0\0II*\0' + struct.pack('<IH', 8, 1) + entry + bytes(4)
    return data[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + data[2:]


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.tif', '.webp', '.ppm', '.pgm'])
def test_headers_say_the_size(suffix: str) -> None:
    image = PICTURE[..., 0] if suffix == '.pgm' else PICTURE
    header = image_header(encoded(suffix, image))
    assert header is not None
    assert (header.width, header.height, header.orientation) == (53, 37, 1)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_headers_say_how_an_image_is_to_be_turned(orientation: int) -> None:
    header = image_header(with_exif(encoded('.jpg'), orientation))
    assert header is not None
    assert header.orientation == orientation


@pytest.mark.parametrize('data', [png(32000, 32000), jpeg(32000, 32000), png(2**31 - 1, 1)])
def test_a_huge_image_is_refused_before_it_takes_memory(data: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MessageError, match='more than 100 megapixels: raise --max-megapixels'):
        decode_image(data, cv2.IMREAD_UNCHANGED, MessageError, 'it')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.parametrize('length', [2**32 - 1, 2**31 - 1, 2**30, 10_000])
def test_a_chunk_that_claims_more_than_there_is_takes_no_memory(length: int) -> None:
    data = bytearray(encoded('.png'))
    place = data.index(b'IDAT') - 4
    data[place : place + 4] = struct.pack('>I', length)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MessageError, match='which is no whole JPEG, PNG'):
        decode_image(bytes(data), cv2.IMREAD_UNCHANGED, MessageError, 'it')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_limits_are_raised_by_whoever_has_larger_images() -> None:
    data = encoded('.png', np.zeros((300, 400), np.uint8))
    with raised(megapixels=0.1), pytest.raises(MessageError, match='more than 0.1 megapixels'):
        decode_image(data, cv2.IMREAD_UNCHANGED, MessageError, 'it')
    with raised(megapixels=0.2):
        assert decode_image(data, cv2.IMREAD_UNCHANGED, MessageError, 'it').shape == (300, 400)
    assert limits().megapixels == 100


@pytest.mark.parametrize('text', ['many', '-1', 'nan', 'inf', '0'])
def test_a_limit_that_is_no_number_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv('LSD_ROS_MAX_MEGAPIXELS', text)
    with pytest.raises(SettingError, match=f"LSD_ROS_MAX_MEGAPIXELS is '{text}'"):
        limits()


def test_whatever_the_bytes_are_the_answer_is_an_image_or_a_sentence() -> None:
    rng = np.random.default_rng(1)
    for suffix in ('.jpg', '.png', '.bmp', '.tif', '.webp', '.ppm'):
        whole = np.frombuffer(encoded(suffix), np.uint8)
        for _ in range(40):
            data = whole.copy()
            data[rng.integers(0, min(len(data), 200), 3)] = rng.integers(0, 256, 3)
            with contextlib.suppress(MessageError):
                decode_image(data.tobytes(), cv2.IMREAD_UNCHANGED, MessageError, 'it')
