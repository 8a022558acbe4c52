from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsd_ros.errors import CameraError
from lsd_ros.messages import encode
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.messages.types import MessageTypes
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion

PLUMB_BOB = (-0.3, 0.1, 0.001, -0.002, 0.05)


def info(**changes: Any) -> Any:
    roi = {'x_offset': 0, 'y_offset': 0, 'width': 0, 'height': 0, 'do_rectify': False}
    fields: dict[str, Any] = {
        'header': SimpleNamespace(frame_id='eye'),
        'width': 64,
        'height': 48,
        'distortion_model': 'plumb_bob',
        'd': [0.0] * 5,
        'k': [50.0, 0, 30.0, 0, 52.0, 25.0, 0, 0, 1],
        'r': IDENTITY_ROTATION,
        'p': [40.0, 0, 31.0, -4.0, 0, 41.0, 23.0, 0, 0, 0, 1, 0],
        'binning_x': 0,
        'binning_y': 0,
        **changes,
    }
    fields['roi'] = SimpleNamespace(**{**roi, **changes.get('roi', {})})
    return SimpleNamespace(**fields)


def test_k_describes_an_image_without_distortion() -> None:
    camera = camera_from_info(info())
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (50.0, 52.0, 30.0, 25.0)
    assert camera.without_twin() == Camera(64, 48, 50.0, 52.0, 30.0, 25.0)


def test_p_describes_an_image_that_is_rectified_also_without_distortion() -> None:
    assert camera_from_info(info()).rectified_twin() == Camera(64, 48, 40.0, 41.0, 31.0, 23.0)
    same = camera_from_info(info(p=[50.0, 0, 30, 7, 0, 52, 25, 0, 0, 0, 1, 0]))
    assert same == same.rectified_twin() == Camera(64, 48, 50.0, 52.0, 30.0, 25.0)
    unknown = camera_from_info(info(p=[0.0] * 12))
    assert unknown.rectified_twin() == Camera(64, 48, 50.0, 52.0, 30.0, 25.0)


@pytest.mark.parametrize('count', [4, 5, 8, 12, 14])
def test_plumb_bob_may_have_as_many_coefficients_as_opencv_reads(count: int) -> None:
    d = [0.1 / (1 + index) for index in range(count)]
    distortion = camera_from_info(info(d=d)).distortion
    assert distortion is not None
    assert (distortion.model, distortion.coefficients) == ('plumb_bob', tuple(d))


@pytest.mark.parametrize(
    ('model', 'd'), [('', []), ('plumb_bob', []), ('Brown Conrady', [0.0] * 5)]
)
def test_coefficients_that_bend_nothing_are_no_distortion(model: str, d: list[float]) -> None:
    assert camera_from_info(info(distortion_model=model, d=d)).distortion is None


def test_r_and_p_describe_the_rectified_twin_and_the_baseline_is_ignored() -> None:
    turned = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    camera = camera_from_info(info(d=PLUMB_BOB, r=turned))
    assert (camera.fx, camera.cx) == (50.0, 30.0)
    lens = Distortion('plumb_bob', PLUMB_BOB, turned, (40.0, 41.0, 31.0, 23.0))
    assert camera.distortion == lens


def test_without_r_and_p_the_rectified_twin_is_k() -> None:
    lens = camera_from_info(info(d=PLUMB_BOB, r=[0.0] * 9, p=[0.0] * 12)).distortion
    assert lens == Distortion('plumb_bob', PLUMB_BOB, IDENTITY_ROTATION, (50.0, 52.0, 30.0, 25.0))


def test_a_fisheye_with_zeros_is_still_a_fisheye() -> None:
    lens = camera_from_info(info(distortion_model='equidistant', d=[0.0] * 4)).distortion
    assert lens is not None
    assert lens.model == 'equidistant'


@given(
    left=st.integers(0, 20),
    top=st.integers(0, 20),
    columns=st.integers(1, 10),
    rows=st.integers(1, 7),
    bin_x=st.integers(1, 4),
    bin_y=st.integers(1, 4),
)
def test_a_point_falls_where_window_and_binning_put_its_pixel(
    left: int, top: int, columns: int, rows: int, bin_x: int, bin_y: int
) -> None:
    """Bin an image that holds its own coordinates: pixels say where on the sensor they are."""
    width, height = columns * bin_x, rows * bin_y
    full = camera_from_info(info(d=PLUMB_BOB))
    window = {'x_offset': left, 'y_offset': top, 'width': width, 'height': height}
    camera = camera_from_info(info(d=PLUMB_BOB, roi=window, binning_x=bin_x, binning_y=bin_y))
    assert (camera.width, camera.height) == (columns, rows)
    sensor_columns = np.arange(left, left + width).reshape(columns, bin_x).mean(axis=1)
    sensor_rows = np.arange(top, top + height).reshape(rows, bin_y).mean(axis=1)
    assert full.distortion is not None
    assert camera.distortion is not None
    for whole, part in (
        ((full.fx, full.fy, full.cx, full.cy), (camera.fx, camera.fy, camera.cx, camera.cy)),
        (full.distortion.rectified, camera.distortion.rectified),
    ):
        rays_x = (np.arange(columns) - part[2]) / part[0]
        rays_y = (np.arange(rows) - part[3]) / part[1]
        np.testing.assert_allclose(rays_x * whole[0] + whole[2], sensor_columns, atol=1e-9)
        np.testing.assert_allclose(rays_y * whole[1] + whole[3], sensor_rows, atol=1e-9)


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'k': [0.0] * 9}, "frame 'eye' is uncalibrated .* calibrate the camera"),
        ({'width': 0, 'height': 0}, 'camera size 0 x 0 must be positive'),
        ({'roi': {'x_offset': 60, 'width': 5}}, 'window|region of interest 5 x 48 at'),
        ({'d': PLUMB_BOB, 'distortion_model': 'thin_prism'}, "model 'thin_prism' is unknown"),
        ({'d': PLUMB_BOB, 'distortion_model': ''}, 'but no distortion_model: name it'),
        ({'d': (0.1, 0.2)}, 'plumb_bob distortion has 2 coefficients: it takes 4 or 5'),
        ({'k': [np.nan, 0, 1, 0, 1, 1, 0, 0, 1]}, 'must all be finite'),
        ({'d': PLUMB_BOB, 'r': [5e-324, 0, 0, 0, 5e-324, 0, 0, 0, 5e-324]}, 'is no rotation'),
        ({'d': PLUMB_BOB, 'r': [1, 0, 0, 0, 1, 0, 0, 0, -1]}, r'R \(1, .*, -1\) is no rotation'),
    ],
)
def test_an_impossible_camera_info_is_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CameraError, match=sentence):
        camera_from_info(info(**changes))


@pytest.mark.parametrize(
    'camera',
    [
        Camera(64, 48, 50.0, 52.0, 30.0, 25.0),
        Camera(
            64,
            48,
            50.0,
            52.0,
            30.0,
            25.0,
            Distortion(
                'equidistant', (0.1, 0.2, 0.3, 0.4), IDENTITY_ROTATION, (40.0, 41.0, 31.0, 23.0)
            ),
        ),
    ],
)
def test_the_info_of_a_camera_is_read_back_as_that_camera(
    types: MessageTypes, camera: Camera
) -> None:
    assert camera_from_info(encode.camera_info(types, camera, 7, 'eye')) == camera


def test_whole_numbers_of_a_lens_are_written_as_what_the_message_holds(
    types: MessageTypes,
) -> None:
    straight = (1, 0, 0, 0, 1, 0, 0, 0, 1)
    lens = Distortion('plumb_bob', (1, 0, 0, 0, 0), straight, (40.0, 41.0, 31.0, 23.0))
    info = encode.camera_info(types, Camera(64, 48, 50.0, 52.0, 30.0, 25.0, lens), 7, 'eye')
    written = [getattr(info, name, getattr(info, name.upper(), None)) for name in 'dr']
    assert [np.asarray(values).dtype for values in written] == [np.float64, np.float64]


@pytest.mark.parametrize(
    ('k', 'sentence'),
    [
        (
            (200.0, 0, -5000.0, 0, 200.0, 120.0, 0, 0, 1),
            'principal point at .-5000, 120.',
        ),
        ((200.0, 0, 160.0, 0, 2000.0, 120.0, 0, 0, 1), 'focal lengths of 200 and 2000 pixels'),
        ((2e5, 0, 160.0, 0, 2e5, 120.0, 0, 0, 1), 'focal length of 200000 x 200000 pixels'),
        ((1.0, 0, 160.0, 0, 1.0, 120.0, 0, 0, 1), 'focal length of 1 x 1 pixels at a width of'),
    ],
)
def test_a_lens_that_cannot_be_is_refused_with_the_remedy(k, sentence) -> None:
    wrong = info(width=320, height=240, k=list(k))
    with pytest.raises(CameraError, match=f'{sentence}.*calibrate the camera again'):
        camera_from_info(wrong)
