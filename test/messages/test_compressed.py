from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lsd_ros.errors import MessageError
from lsd_ros.messages import encode
from lsd_ros.messages.decode import depth_to_metres, frame_from_message, image_to_rgb
from lsd_ros.messages.types import MessageTypes
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.types import Frame

Pixels = NDArray[Any]


def picture() -> Pixels:
    """Smooth, so that JPEG keeps it; each channel its own direction."""
    y, x = np.mgrid[0:48, 0:64].astype(np.float64)
    return np.stack([x * 3, y * 4, 200 - x - y], axis=2).astype(np.uint8)


def file(extension: str, pixels: Pixels) -> bytes:
    """Write an image file; three channels in RGB, as the file means them."""
    if pixels.ndim == 3:
        code = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        pixels = cv2.cvtColor(pixels, code)
    return cv2.imencode(extension, pixels)[1].tobytes()


def message(name: str, data: bytes) -> Any:
    return SimpleNamespace(format=name, data=np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(
    'name', ['jpeg', 'jpg', '', 'rgb8; jpeg compressed bgr8', 'bgr8; jpeg compressed bgr8']
)
def test_jpeg_keeps_the_colours_that_the_file_means(name: str) -> None:
    decoded = image_to_rgb(message(name, file('.jpg', picture())))
    assert np.abs(decoded.astype(int) - picture()).mean() < 2


@pytest.mark.parametrize(
    'name', ['png', 'rgb8; png compressed bgr8', 'bgra8; png compressed bgr8']
)
def test_png_is_exact_and_alpha_is_dropped(name: str) -> None:
    np.testing.assert_array_equal(image_to_rgb(message(name, file('.png', picture()))), picture())
    alpha = np.full((48, 64, 1), 9, np.uint8)
    with_alpha = np.concatenate([picture(), alpha], axis=2)
    np.testing.assert_array_equal(image_to_rgb(message(name, file('.png', with_alpha))), picture())


def test_16_bit_png_is_scaled_to_8_bit() -> None:
    deep = picture().astype(np.uint16) * 257
    decoded = image_to_rgb(message('rgb16; png compressed bgr16', file('.png', deep)))
    np.testing.assert_array_equal(decoded, picture())
    decoded = image_to_rgb(message('mono16; png compressed ', file('.png', deep[..., 0])))
    np.testing.assert_array_equal(decoded, picture()[..., :1].repeat(3, axis=2))


def test_a_file_written_from_rgb_memory_as_if_it_were_bgr_gets_its_colours_back() -> None:
    swapped = file('.png', picture()[..., ::-1])
    decoded = image_to_rgb(message('rgb8; png compressed rgb8', swapped))
    np.testing.assert_array_equal(decoded, picture())


def test_a_compressed_bayer_mosaic_is_demosaiced() -> None:
    mosaic = np.full((8, 8), 120, np.uint8)  # green
    mosaic[::2, ::2] = 250  # red
    mosaic[1::2, 1::2] = 30  # blue
    decoded = image_to_rgb(message('bayer_rggb8; png compressed ', file('.png', mosaic)))
    np.testing.assert_array_equal(decoded, np.broadcast_to((250, 120, 30), (8, 8, 3)))


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
@pytest.mark.parametrize('share', [0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused_not_filled_with_grey(extension: str, share: float) -> None:
    whole = file(extension, picture())
    with pytest.raises(MessageError, match=r'truncated|cannot be decoded'):
        image_to_rgb(message('jpeg', whole[: int(share * len(whole))]))


def test_what_a_camera_appends_after_the_end_of_a_jpeg_does_no_harm() -> None:
    whole = file('.jpg', picture())
    padded = image_to_rgb(message('jpeg', whole + bytes(100)))
    np.testing.assert_array_equal(padded, image_to_rgb(message('jpeg', whole)))


@pytest.mark.parametrize(
    ('name', 'data', 'sentence'),
    [
        ('jpeg', b'hello world', 'its 11 bytes start with 68 65 6c 6c, which is no whole JPEG'),
        ('jpeg', b'', 'is truncated: it ends after 0 bytes'),
        ('16UC1; compressedDepth png', b'x', 'holds depth: choose the topic of a picture'),
        ('tiff', cv2.imencode('.tiff', np.ones((4, 4), np.float32))[1].tobytes(), 'float32'),
        ('bayer_xxxx8; png', file('.png', np.ones((4, 4), np.uint8)), "'bayer_xxxx8' is unknown"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(
    name: str, data: bytes, sentence: str
) -> None:
    with pytest.raises(MessageError, match=sentence):
        image_to_rgb(message(name, data))


@given(
    extension=st.sampled_from(['.jpg', '.png']),
    damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=20),
)
def test_damaged_data_give_an_image_or_a_message_error(
    extension: str, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(file(extension, picture()))
    for where, value in damage:
        data[where % len(data)] = value
    try:
        decoded = image_to_rgb(message('jpeg', bytes(data)))
    except MessageError:
        return
    assert decoded.dtype == np.uint8
    assert decoded.shape[2] == 3


@pytest.mark.parametrize('compression', ['jpeg', 'png'])
def test_what_the_encoder_compresses_the_decoder_reads(
    types: MessageTypes, compression: str
) -> None:
    msg = encode.compressed_image(types, picture(), 5, 'camera', compression)
    assert msg.format == f'rgb8; {compression} compressed bgr8'
    assert np.abs(image_to_rgb(msg).astype(int) - picture()).mean() < 2


def frame(name: str, data: bytes, factor: int, *, turned: bool = False) -> Frame:
    msg = message(name, data)
    msg.header = SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=0), frame_id='eye')
    return frame_from_message(msg, None, turned=turned, factor_of=lambda *_: factor)


@pytest.mark.parametrize('turned', [False, True])
@pytest.mark.parametrize(
    'name', ['jpeg', 'rgb8; jpeg compressed bgr8', 'rgb8; jpeg compressed rgb8']
)
def test_a_jpeg_that_is_read_smaller_has_the_colours_of_the_whole_one(
    name: str, turned: bool
) -> None:
    data = file('.jpg', picture()[:45, :61])
    smaller = frame(name, data, 2, turned=turned)
    assert (smaller.size, smaller.factor) == ((61, 45), 2)
    whole = image_to_rgb(message(name, data))
    np.testing.assert_array_equal(smaller.whole, whole)
    inside = whole[:44, :60].astype(float).reshape(22, 2, 30, 2, 3).mean(axis=(1, 3))
    assert smaller.image.shape == (23, 31, 3)
    assert np.abs(smaller.image[:22, :30] - inside).max() < 4
    np.testing.assert_array_equal(frame(name, data, 1, turned=turned).image, whole)


def test_a_grey_jpeg_that_is_read_smaller_is_grey() -> None:
    smaller = frame('mono8; jpeg compressed ', file('.jpg', picture()[..., 0]), 2)
    np.testing.assert_array_equal(smaller.image, smaller.image[..., :1].repeat(3, axis=2))
    whole = picture()[..., 0].reshape(24, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(smaller.image[..., 0] - whole).max() < 4


@pytest.mark.parametrize(
    ('name', 'data'),
    [
        ('png', file('.png', picture())),
        ('bayer_rggb8; jpeg compressed ', file('.jpg', picture()[..., 0])),
    ],
)
def test_what_is_no_faster_or_means_nothing_smaller_is_read_whole(name: str, data: bytes) -> None:
    whole = frame(name, data, 2)
    assert whole.factor == 1
    np.testing.assert_array_equal(whole.image, image_to_rgb(message(name, data)))


def test_a_phone_does_not_turn_a_jpeg_that_is_read_smaller() -> None:
    data = file('.jpg', picture())
    entry = struct.pack('<HHIHH', 0x0112, 3, 1, 6, 0)
    exif = b'Exif\0\0II*\0' + struct.pack('<IH', 8, 1) + entry + bytes(4)
    turned = data[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + data[2:]
    for factor in (1, 2):
        np.testing.assert_array_equal(
            frame('jpeg', turned, factor).image, frame('jpeg', data, factor).image
        )


@pytest.mark.parametrize('share', [0.3, 0.9, 0.999])
def test_a_truncated_jpeg_is_not_read_smaller_either(share: float) -> None:
    whole = file('.jpg', picture())
    with pytest.raises(MessageError, match=r'truncated|cannot be decoded'):
        frame('jpeg', whole[: int(share * len(whole))], 2)


@pytest.mark.parametrize('length', [0, 2])
def test_a_jpeg_without_height_or_width_is_refused_by_the_sentence_of_the_whole_one(
    length: int,
) -> None:
    data = bytearray(file('.jpg', picture()))
    place = data.index(b'\xff\xc0') + 5 + length
    data[place : place + 2] = bytes(2)
    msg = message('jpeg', bytes(data))
    msg.header = SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=0), frame_id='eye')
    with pytest.raises(MessageError) as whole:
        frame_from_message(msg, None)
    with pytest.raises(MessageError, match='it is damaged') as smaller:
        frame_from_message(msg, None, factor_of=Preprocessing().reduction)
    assert str(smaller.value) == str(whole.value)


def test_compressed_depth_in_millimetres() -> None:
    values = np.array([[0, 1, 1500], [65535, 2, 3]], np.uint16)
    data = struct.pack('<iff', 0, 0, 0) + file('.png', values)
    depth = depth_to_metres(message('16UC1; compressedDepth png', data))
    np.testing.assert_allclose(depth, [[np.nan, 0.001, 1.5], [65.535, 0.002, 0.003]], rtol=1e-6)
    assert depth.dtype == np.float32


def test_compressed_depth_quantised_by_its_inverse() -> None:
    values = np.array([[0, 600, 1100]], np.uint16)
    data = struct.pack('<iff', 0, 1000.0, 100.0) + file('.png', values)
    depth = depth_to_metres(message('32FC1; compressedDepth', data))
    np.testing.assert_allclose(depth, [[np.nan, 2.0, 1.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ('name', 'data', 'sentence'),
    [
        ('jpeg', b'', "'jpeg' is no depth"),
        ('16UC1; compressedDepth rvl', b'', 'must be .16UC1; compressedDepth png.'),
        ('16UC1; compressedDepth png', b'1234', 'truncated: it has 4 bytes'),
        (
            '16UC1; compressedDepth png',
            bytes(12) + file('.png', np.ones((2, 2), np.uint8)),
            'must be 16 bit grey',
        ),
    ],
)
def test_wrong_compressed_depth_is_refused_with_a_sentence(
    name: str, data: bytes, sentence: str
) -> None:
    with pytest.raises(MessageError, match=sentence):
        depth_to_metres(message(name, data))
