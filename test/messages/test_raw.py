from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lsd_ros.errors import MessageError
from lsd_ros.messages import encode, raw
from lsd_ros.messages.bit_depth import BitDepth
from lsd_ros.messages.decode import image_to_rgb
from lsd_ros.messages.types import MessageTypes

Pixels = NDArray[Any]
HEIGHT, WIDTH = 6, 10


def noise() -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def blocks() -> Pixels:
    """Colours of which every 2 x 2 block has one, so that shared chroma loses nothing."""
    small = np.random.default_rng(2).integers(40, 200, (HEIGHT // 2, WIDTH // 2, 3), np.uint8)
    return small.repeat(2, axis=0).repeat(2, axis=1)


def orange() -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), (250, 120, 30), np.uint8)


def grey() -> Pixels:
    return noise()[..., :1].repeat(3, axis=2)


def yuv(rgb: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """ITU-R BT.601, studio range."""
    r, g, b = np.moveaxis(rgb.astype(np.float64) / 255, -1, 0)
    luma = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    blue = 128 - 37.797 * r - 74.203 * g + 112 * b
    red = 128 + 112 * r - 93.786 * g - 18.214 * b
    y, u, v = (np.round(plane).astype(np.uint8) for plane in (luma, blue, red))
    return y, u, v


def ordered(order: str) -> Callable[[Pixels], Pixels]:
    def pack(rgb: Pixels) -> Pixels:
        alpha = np.full_like(rgb[..., :1], 7)
        return np.concatenate([rgb, alpha], axis=2)[..., ['rgba'.index(c) for c in order]]

    return pack


def mosaic(pattern: str) -> Callable[[Pixels], Pixels]:
    def pack(rgb: Pixels) -> Pixels:
        result = np.empty(rgb.shape[:2], np.uint8)
        for index, colour in enumerate(pattern):
            row, column = divmod(index, 2)
            result[row::2, column::2] = rgb[row::2, column::2, 'rgb'.index(colour)]
        return result

    return pack


def yuv422(order: str) -> Callable[[Pixels], Pixels]:
    def pack(rgb: Pixels) -> Pixels:
        y, u, v = yuv(rgb)
        planes = {'u': u[:, ::2], 'v': v[:, ::2]}
        lumas = iter((y[:, ::2], y[:, 1::2]))
        return np.stack([next(lumas) if c == 'y' else planes[c] for c in order], axis=2)

    return pack


def nv(order: str, step: int) -> Callable[[Pixels], Pixels]:
    def pack(rgb: Pixels) -> Pixels:
        y, u, v = yuv(rgb)
        chroma = np.stack([{'u': u, 'v': v}[c][::step, ::step] for c in order], axis=2)
        return np.concatenate([y, chroma.reshape(-1, WIDTH)])

    return pack


# encoding -> (picture that it carries without loss, how its bytes are laid out, tolerance)
ENCODINGS: dict[str, tuple[Pixels, Callable[[Pixels], Pixels], int]] = {
    **{f'{order}8': (noise(), ordered(order), 0) for order in ('rgb', 'bgr', 'rgba', 'bgra')},
    **{f'{order}16': (noise(), ordered(order), 0) for order in ('rgb', 'bgr', 'rgba', 'bgra')},
    **{name: (grey(), ordered('r'), 0) for name in ('mono8', 'mono16', '8UC1', '16UC1')},
    **{name: (noise(), ordered('bgr'), 0) for name in ('8UC3', '16UC3')},
    **{name: (noise(), ordered('bgra'), 0) for name in ('8UC4', '16UC4')},
    **{
        f'bayer_{pattern}{bits}': (orange(), mosaic(pattern), 0)
        for pattern in ('rggb', 'bggr', 'gbrg', 'grbg')
        for bits in (8, 16)
    },
    **{name: (blocks(), yuv422('uyvy'), 3) for name in ('yuv422', 'uyvy', 'UYVY', 'yuv422_uyvy')},
    **{name: (blocks(), yuv422('yuyv'), 3) for name in ('yuv422_yuy2', 'yuyv', 'YUYV', 'yuy2')},
    'yuv422_yuyv': (blocks(), yuv422('yuyv'), 3),
    'yvyu': (blocks(), yuv422('yvyu'), 3),
    'nv12': (blocks(), nv('uv', 2), 3),
    'nv21': (blocks(), nv('vu', 2), 3),
    'nv24': (np.clip(noise(), 40, 200), nv('uv', 1), 3),
}


def image(
    types: MessageTypes | None,
    encoding: str,
    packed: Pixels,
    padding: int = 0,
    big_endian: bool = False,
    **changes: Any,
) -> Any:
    """Lay pixels out as a message, each row followed by bytes that mean nothing."""
    rows = packed.reshape(len(packed), -1)
    if '16' in encoding:
        # Plus 100, so that a value is not the same with its bytes swapped; it is rounded away.
        deep = np.minimum(rows.astype(np.uint32) * 257 + 100, 65535)
        rows = deep.astype('>u2' if big_endian else '<u2')
    rows = np.ascontiguousarray(rows).view(np.uint8)
    if encoding == 'nv24' and padding:  # its chroma rows are two luma rows long
        luma = np.pad(rows[:HEIGHT], ((0, 0), (0, padding)), constant_values=99)
        chroma = rows[HEIGHT:].reshape(HEIGHT, -1)
        chroma = np.pad(chroma, ((0, 0), (0, 2 * padding)), constant_values=99)
        rows = np.concatenate([luma, chroma.reshape(2 * HEIGHT, -1)])
    else:
        rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    fields: dict[str, Any] = {
        'height': HEIGHT,
        'width': WIDTH,
        'encoding': encoding,
        'is_bigendian': int(big_endian),
        'step': rows.shape[1],
        'data': rows.reshape(-1),
        **changes,
    }
    if types is None:
        return SimpleNamespace(**fields)
    return types.make('sensor_msgs/msg/Image', header=encode.header(types, 0, 'camera'), **fields)


@pytest.mark.parametrize('padding', [0, 6, 7])
@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_decodes_to_the_picture_that_it_carries(
    encoding: str, big_endian: bool, padding: int
) -> None:
    picture, pack, tolerance = ENCODINGS[encoding]
    decoded = image_to_rgb(image(None, encoding, pack(picture), padding, big_endian))
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    assert np.abs(decoded.astype(int) - picture).max() <= tolerance


def test_no_known_encoding_is_untested() -> None:
    assert {name.lower() for name in ENCODINGS} == set(raw.KNOWN_ENCODINGS)


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'mono16', 'bayer_grbg8', 'yuyv', 'nv12'])
def test_every_family_of_messages_decodes_to_the_same(types: MessageTypes, encoding: str) -> None:
    picture, pack, _ = ENCODINGS[encoding]
    decoded = image_to_rgb(image(types, encoding, pack(picture), padding=4))
    bare = image_to_rgb(image(None, encoding, pack(picture), padding=4))
    np.testing.assert_array_equal(decoded, bare)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_our_decoder_agrees_with_cv_bridge(encoding: str) -> None:
    cv_bridge = pytest.importorskip('cv_bridge', reason='needs a ROS distribution with cv_bridge')
    from sensor_msgs.msg import Image

    bare = image(None, encoding, ENCODINGS[encoding][1](noise()))
    msg = Image(**{key: value for key, value in vars(bare).items() if key != 'data'})
    msg.data.frombytes(bare.data)
    try:
        theirs = cv_bridge.CvBridge().imgmsg_to_cv2(msg, 'rgb8')
    except cv_bridge.CvBridgeError as error:
        pytest.skip(f'cv_bridge cannot: {error}')
    np.testing.assert_array_equal(image_to_rgb(msg), theirs)


def test_16_bit_round_to_the_nearest_of_8_bit() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    exact = np.array([round(int(value) * 255 / 65535) for value in values.flat], np.uint8)
    np.testing.assert_array_equal(BitDepth(16).to_8_bit(values).reshape(-1), exact)


def test_rgb8_without_padding_is_a_read_only_view() -> None:
    msg = image(None, 'rgb8', noise())
    decoded = image_to_rgb(msg)
    assert np.shares_memory(decoded, msg.data)
    assert not decoded.flags.writeable
    assert msg.data.flags.writeable


@pytest.mark.parametrize(
    ('encoding', 'changes', 'sentence'),
    [
        (
            'rgb8',
            {'data': np.zeros(179, np.uint8)},
            'is truncated: it has 179 bytes instead of 180',
        ),
        ('rgb8', {'data': np.zeros(181, np.uint8)}, 'is too long: it has 181 bytes'),
        ('rgb8', {'step': 29}, 'has step 29, but 10 pixels take 30 bytes'),
        ('rgb8', {'width': 0, 'step': 0}, 'image of 0 x 6 is empty'),
        ('yuyv', {'width': 9}, 'yuyv image of 9 x 6 is odd'),
        ('nv12', {'height': 5}, 'nv12 image of 10 x 5 is odd'),
        ('bayer_rggb8', {'height': 2}, 'it takes 3 x 3 pixels at least'),
        ('nv12', {'data': np.zeros(60, np.uint8)}, 'has 60 bytes instead of 90'),
        ('32SC2', {}, "encoding '32SC2' is unknown: send one of rgb8, bgr8"),
        ('', {}, "encoding '' is unknown"),
    ],
)
def test_a_wrong_image_is_refused_with_a_sentence(
    encoding: str, changes: dict[str, Any], sentence: str
) -> None:
    pack = ENCODINGS.get(encoding, ENCODINGS['rgb8'])[1]
    with pytest.raises(MessageError, match=sentence):
        image_to_rgb(image(None, encoding, pack(noise()), **changes))


@given(
    encoding=st.sampled_from(sorted(ENCODINGS)),
    width=st.integers(0, 9),
    height=st.integers(0, 9),
    step=st.integers(0, 80),
    size=st.integers(0, 800) | st.none(),
)
def test_any_sizes_give_an_image_or_a_message_error(
    encoding: str, width: int, height: int, step: int, size: int | None
) -> None:
    rows = {'nv12': 3 * height // 2, 'nv21': 3 * height // 2, 'nv24': 3 * height}
    data = np.zeros(step * rows.get(encoding, height) if size is None else size, np.uint8)
    changes = {'width': width, 'height': height, 'step': step, 'data': data}
    try:
        decoded = image_to_rgb(image(None, encoding, noise(), **changes))
    except MessageError:
        return
    assert decoded.shape == (height, width, 3)


def test_bgr_that_may_be_turned_is_a_view_of_the_message():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    step = 3 * 7 + 2  # padded rows
    data = np.zeros((5, step), np.uint8)
    data[:, : 3 * 7] = picture[..., ::-1].reshape(5, -1)
    msg = SimpleNamespace(
        encoding='bgr8', width=7, height=5, step=step, is_bigendian=0, data=data.ravel()
    )
    seen = raw.raw_to_rgb(msg, turned=True)
    np.testing.assert_array_equal(seen, picture)
    assert np.shares_memory(seen, data)
    assert not seen.flags.writeable
    np.testing.assert_array_equal(raw.raw_to_rgb(msg), picture)
