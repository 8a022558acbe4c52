from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lsd_ros.errors import CameraError, MessageError
from lsd_ros.messages import encode
from lsd_ros.messages.decode import (
    depth_to_metres,
    frame_from_message,
    image_to_rgb,
    pose_to_matrix,
    stamp_ns,
)
from lsd_ros.messages.types import MessageTypes
from lsd_ros.types import Camera

STAMP = 1_700_000_000_123_456_789


def depth_message(values: Any, encoding: str, dtype: str, padding: int = 0) -> Any:
    rows = np.ascontiguousarray(values, dtype).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return SimpleNamespace(
        height=len(values),
        width=len(values[0]),
        encoding=encoding,
        is_bigendian=int(dtype.startswith('>')),
        step=rows.shape[1],
        data=rows.reshape(-1),
    )


@pytest.mark.parametrize('padding', [0, 3, 8])
@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('encoding', ['16UC1', 'mono16'])
def test_depth_in_millimetres(encoding: str, order: str, padding: int) -> None:
    msg = depth_message([[0, 1, 1500], [65535, 2, 3]], encoding, f'{order}u2', padding)
    expected = [[np.nan, 0.001, 1.5], [65.535, 0.002, 0.003]]
    np.testing.assert_allclose(depth_to_metres(msg), expected, rtol=1e-6)


@pytest.mark.parametrize('padding', [0, 3, 8])
@pytest.mark.parametrize('order', ['<', '>'])
def test_depth_in_metres_keeps_the_infinities(order: str, padding: int) -> None:
    msg = depth_message([[0, -1, 1.5], [np.inf, -np.inf, np.nan]], '32FC1', f'{order}f4', padding)
    expected = [[np.nan, np.nan, 1.5], [np.inf, -np.inf, np.nan]]
    depth = depth_to_metres(msg)
    np.testing.assert_array_equal(depth, expected)
    assert depth.dtype == np.float32
    assert depth.dtype.isnative


def test_a_picture_is_no_depth() -> None:
    with pytest.raises(MessageError, match="encoding 'rgb8' is no depth: send 32FC1 in metres"):
        depth_to_metres(depth_message([[1]], 'rgb8', '<u2'))


def test_a_frame_has_stamp_frame_and_camera_of_its_message(types: MessageTypes) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
    camera = Camera(6, 4, 5.0, 5.0, 2.5, 1.5)
    frame = frame_from_message(encode.raw_image(types, rgb, STAMP, 'eye'), camera)
    assert (frame.stamp_ns, frame.frame_id, frame.camera) == (STAMP, 'eye', camera)
    np.testing.assert_array_equal(frame.image, rgb)


def test_a_camera_of_another_size_is_refused(types: MessageTypes) -> None:
    msg = encode.raw_image(types, np.zeros((4, 6, 3), np.uint8), STAMP, 'eye')
    with pytest.raises(CameraError, match='camera of 7 x 4 does not fit an image of 6 x 4'):
        frame_from_message(msg, Camera(7, 4, 5.0, 5.0, 2.5, 1.5))


def test_stamps_lose_no_nanosecond(types: MessageTypes) -> None:
    assert stamp_ns(encode.header(types, STAMP, '')) == STAMP


def test_a_message_of_another_type_is_refused() -> None:
    with pytest.raises(MessageError, match='a SimpleNamespace is no image: choose a topic'):
        image_to_rgb(SimpleNamespace(poses=[]))
    with pytest.raises(MessageError, match='a SimpleNamespace has no pose: choose a topic'):
        pose_to_matrix(SimpleNamespace(poses=[]))
