from __future__ import annotations

import numpy as np
import pytest

from lsd_ros.messages import encode
from lsd_ros.messages.bit_depth import BitDepth
from lsd_ros.messages.decode import image_to_rgb


def values(largest: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    return np.linspace(0, largest, 48).round().astype(np.uint16).reshape(6, 8)


@pytest.mark.parametrize(
    ('largest', 'bits'),
    [(300, 12), (4095, 12), (4096, 14), (16383, 14), (16384, 16), (65520, 16), (65535, 16)],
)
def test_largest_value_tells_the_bits(largest: int, bits: int) -> None:
    depth = BitDepth()
    said = depth.to_8_bit(values(largest))
    assert depth.bits == bits
    exact = np.round(values(largest).astype(float) * 255 / (2**bits - 1))
    np.testing.assert_array_equal(said, exact)


def test_dark_image_after_a_bright_one_stays_dark() -> None:
    depth = BitDepth()
    depth.to_8_bit(values(60000))
    assert depth.to_8_bit(values(3000)).max() == round(3000 * 255 / 65535)


def test_covered_lens_of_a_16_bit_camera_is_dark_from_the_first_image_on() -> None:
    assert BitDepth().to_8_bit(values(300)).max() < 20


def test_bits_that_are_given_are_not_guessed() -> None:
    depth = BitDepth(10)
    assert depth.to_8_bit(values(1023)).max() == 255
    assert depth.to_8_bit(values(4000)).max() == 255
    assert depth.bits == 10


def test_8_bit_images_stay_as_they_are() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert BitDepth(10).to_8_bit(image) is image


@pytest.mark.parametrize('encoding', ['mono16', 'rgb16', 'bgr16', 'bayer_rggb16'])
def test_12_bit_data_in_16_bit_messages_are_as_bright_as_they_look(encoding, types) -> None:
    grey = np.full((6, 8, 3), 200, np.uint8)
    msg = encode.raw_image(types, grey, 1, 'eye', 'rgb8')
    channels = 3 if 'b' in encoding[:3] and 'bayer' not in encoding else 1
    wide = np.full((6, 8, channels), 200 * 4095 // 255, '<u2')
    msg.encoding, msg.step, msg.data = encoding, 16 * channels, wide.tobytes()
    assert image_to_rgb(msg).max() < 20  # as cv_bridge takes it
    np.testing.assert_allclose(image_to_rgb(msg, BitDepth()), 200, atol=1)
