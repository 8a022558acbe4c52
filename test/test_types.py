from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsd_ros.errors import CameraError, FrameError, LsdError
from lsd_ros.types import (
    IDENTITY_ROTATION,
    Camera,
    Cloud,
    Distortion,
    Estimate,
    Frame,
    Reduction,
    RelativePose,
    Scale,
    Trajectory,
)

CAMERA = Camera(64, 48, 50.0, 52.0, 30.0, 25.0)
LENS = Distortion('plumb_bob', (0.1, 0.0, 0.0, 0.0), IDENTITY_ROTATION, (50.0, 52.0, 30.0, 25.0))
IMAGE = np.zeros((48, 64, 3), np.uint8)
DEPTH = np.ones((48, 64), np.float32)
SCALE = Scale(1.0, False, 'none')
MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
sizes = st.integers(1, 500)


def estimate(**changes: Any) -> Estimate:
    fields = {'camera': CAMERA, 'depth': DEPTH, 'image': IMAGE, **changes}
    return Estimate(5, 'eye', SCALE, **fields)


@given(width=sizes, height=sizes, u=st.floats(0, 1), v=st.floats(0, 1))
def test_resizing_keeps_the_ray_of_every_place_in_the_image(
    width: int, height: int, u: float, v: float
) -> None:
    """A place is a share of the image area, whose left edge is half a pixel left of pixel 0."""
    resized = CAMERA.resized(width, height)
    for camera in (CAMERA, resized):
        x = (u * camera.width - 0.5 - camera.cx) / camera.fx
        y = (v * camera.height - 0.5 - camera.cy) / camera.fy
        assert x == pytest.approx((u * 64 - 30.5) / 50, abs=1e-9)
        assert y == pytest.approx((v * 48 - 25.5) / 52, abs=1e-9)
    assert (resized.width, resized.height) == (width, height)


def test_cropping_moves_the_principal_point_and_nothing_else() -> None:
    assert CAMERA.cropped(10, 5, 20, 30) == Camera(20, 30, 50.0, 52.0, 20.0, 20.0)
    assert CAMERA.cropped(0, 0, 64, 48) == CAMERA


@pytest.mark.parametrize('window', [(-1, 0, 5, 5), (0, -1, 5, 5), (60, 0, 5, 5), (0, 44, 5, 5)])
def test_a_window_outside_the_image_is_refused(window: tuple[int, int, int, int]) -> None:
    with pytest.raises(CameraError, match='leaves the 64 x 48 image'):
        CAMERA.cropped(*window)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(CameraError, match='camera size 0 x 5 must be positive'):
        CAMERA.cropped(3, 3, 0, 5)


def test_flipping_mirrors_pixel_centres_and_twice_is_nothing() -> None:
    assert CAMERA.flipped().cx == 64 - 1 - 30
    assert CAMERA.flipped().flipped() == CAMERA


def test_a_reduced_camera_is_that_of_the_means_of_pixels() -> None:
    camera = dataclasses.replace(CAMERA, distortion=LENS)
    reduced = camera.reduced(4)
    assert (reduced.width, reduced.height) == (16, 12)
    assert reduced.distortion is not None
    assert reduced.distortion.coefficients == LENS.coefficients
    twin, expected = reduced.rectified_twin(), camera.rectified_twin().resized(16, 12)
    np.testing.assert_allclose(dataclasses.astuple(twin)[:6], dataclasses.astuple(expected)[:6])
    odd = Camera(65, 47, *dataclasses.astuple(CAMERA)[2:6]).reduced(4)
    assert (odd.width, odd.height) == (17, 12)
    assert (odd.fx, odd.cx, odd.cy) == (reduced.fx, reduced.cx, reduced.cy)


def test_a_frame_that_is_reduced_is_of_the_camera_of_the_whole_one() -> None:
    def reduced(image: Any, factor: int) -> Frame:
        return Frame(1, 'eye', image, CAMERA, Reduction(64, 48, factor, lambda: IMAGE))

    frame = reduced(IMAGE[:6, :8], 8)
    assert (frame.size, frame.factor) == ((64, 48), 8)
    assert frame.whole is IMAGE
    with pytest.raises(FrameError, match=r'must be \(12, 16\): it is 64 x 48 reduced by 4'):
        reduced(IMAGE[:12, :15], 4)


def test_the_matrix_projects() -> None:
    np.testing.assert_allclose(CAMERA.matrix @ (0.2, -0.5, 1), [40, -1, 1])


def test_a_distorted_camera_can_neither_be_cropped_nor_resized_nor_flipped() -> None:
    bent = dataclasses.replace(CAMERA, distortion=LENS)
    for action, call in (
        ('crop', lambda: bent.cropped(0, 0, 4, 4)),
        ('resize', lambda: bent.resized(4, 4)),
        ('flip', bent.flipped),
    ):
        with pytest.raises(CameraError, match=f'cannot {action} a distorted camera: undistort'):
            call()


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'width': 0}, 'camera size 0 x 48 must be positive'),
        ({'height': -1}, 'camera size 64 x -1 must be positive'),
        ({'fx': 0.0}, 'focal length 0.0 x 52.0 must be positive: is the camera calibrated'),
        ({'fy': -1.0}, 'focal length 50.0 x -1.0 must be positive'),
        ({'cx': math.nan}, 'must all be finite'),
        ({'fx': math.inf}, 'must all be finite'),
    ],
)
def test_an_impossible_camera_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CameraError, match=sentence):
        dataclasses.replace(CAMERA, **changes)


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        (
            {'model': 'bent'},
            "'bent' is unknown: the known ones are plumb_bob, rational_polynomial",
        ),
        ({'coefficients': (0.1,) * 6}, 'plumb_bob distortion has 6 coefficients: it takes 4 or 5'),
        ({'rectification': (1.0,)}, '3 x 3 rectification'),
        ({'rectified': (1.0,)}, 'fx, fy, cx, cy'),
        ({'coefficients': (math.nan,) * 4}, 'must all be finite'),
    ],
)
def test_an_impossible_lens_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CameraError, match=sentence):
        dataclasses.replace(LENS, **changes)


TURNED, _ = cv2.Rodrigues(np.array((0.012, -0.023, 0.007)))
SHEAR = np.eye(3) + np.diag((0.01, 0.0), 1)


@pytest.mark.parametrize(
    'matrix',
    [
        5e-324 * np.eye(3),
        1e300 * np.eye(3),
        np.diag((1.0, 1.0, -1.0)),
        -np.eye(3),
        1.001 * np.eye(3),
        SHEAR,
        np.ones((3, 3)),
        np.zeros((3, 3)),
    ],
)
def test_a_rectification_that_is_no_rotation_is_refused(matrix: Any) -> None:
    numbers = re.escape(', '.join(f'{value:g}' for value in matrix.ravel()))
    with pytest.raises(CameraError, match=rf'R \({numbers}\) is no rotation: calibrate the'):
        dataclasses.replace(LENS, rectification=tuple(matrix.ravel().tolist()))


@pytest.mark.parametrize('digits', [4, 6, 17])
def test_a_rotation_may_be_rounded(digits: int) -> None:
    rounded = tuple(np.round(TURNED, digits).ravel().tolist())
    assert dataclasses.replace(LENS, rectification=rounded).rectification == rounded
    quarter = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    assert dataclasses.replace(LENS, rectification=quarter).rectification == quarter


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((48, 64), np.uint8),
        np.zeros((48, 64, 4), np.uint8),
        np.zeros((48, 64, 3), np.float32),
        np.zeros((0, 64, 3), np.uint8),
    ],
)
def test_a_frame_holds_rgb_of_8_bit(image: Any) -> None:
    with pytest.raises(FrameError, match='must be RGB: .height, width, 3., uint8'):
        Frame(0, 'eye', image)


def test_a_frame_and_its_camera_are_of_one_size() -> None:
    assert Frame(0, 'eye', IMAGE, CAMERA).camera is CAMERA
    with pytest.raises(CameraError, match='64 x 48 does not fit an image of 48 x 64'):
        Frame(0, 'eye', IMAGE.transpose(1, 0, 2), CAMERA)


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'current_from_previous': np.eye(3)}, 'must be 4 x 4'),
        ({'current_from_previous': np.full((4, 4), np.nan)}, 'not finite'),
        ({'current_from_previous': MIRROR}, 'not a rotation'),
        ({'current_from_previous': np.diag([2.0, 2.0, 2.0, 1.0])}, 'not a rotation'),
        ({'current_from_previous': np.diag([1.0, 1.0, 1.0, 2.0])}, 'end with the row 0 0 0 1'),
        ({'current_ns': 1}, 'motion from 1 to 1 ns must move forward in time'),
        ({'covariance': np.eye(3)}, 'covariance of a relative pose must be 6 x 6'),
        ({'covariance': np.full((6, 6), np.inf)}, 'must be 6 x 6 and finite'),
    ],
)
def test_a_motion_is_rigid_and_forward_in_time(changes: dict[str, Any], sentence: str) -> None:
    motion = RelativePose(np.eye(4), 1, 2, np.eye(6))
    with pytest.raises(FrameError, match=sentence):
        dataclasses.replace(motion, **changes)


@pytest.mark.parametrize('factor', [0.0, -1.0, math.nan, math.inf])
def test_a_scale_is_positive_and_finite(factor: float) -> None:
    with pytest.raises(FrameError, match='must be positive and finite'):
        Scale(factor, True, 'fixed')


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'camera': None}, 'needs the camera and the image of that depth'),
        ({'image': None}, 'needs the camera and the image of that depth'),
        ({'depth': DEPTH.T}, 'must be .48, 64., float32'),
        ({'depth': DEPTH.astype(np.float64)}, 'float64 must be'),
        ({'image': IMAGE[:40]}, 'does not fit depth of'),
    ],
)
def test_depth_image_and_camera_of_an_estimate_fit(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FrameError, match=sentence):
        estimate(**changes)


def test_valid_is_where_depth_is_a_number() -> None:
    depth = DEPTH.copy()
    depth[0, :3] = (np.nan, np.inf, -np.inf)
    valid = estimate(depth=depth).valid
    assert not valid[0, :3].any()
    assert np.count_nonzero(~valid) == 3


def test_an_estimate_without_depth_has_no_valid() -> None:
    with pytest.raises(FrameError, match='has no depth'):
        _ = Estimate(5, 'eye', SCALE).valid


def test_a_trajectory_is_sorted_and_rigid() -> None:
    poses = np.stack([np.eye(4)] * 3)
    stamps = np.array([1, 2, 3], np.int64)
    assert len(Trajectory(stamps, poses)) == 3
    with pytest.raises(FrameError, match='2 stamps do not fit poses of shape'):
        Trajectory(stamps[:2], poses)
    with pytest.raises(FrameError, match='must strictly increase: sort them first'):
        Trajectory(np.array([1, 1, 2]), poses)
    poses[1] = MIRROR
    with pytest.raises(FrameError, match='pose of a trajectory is not a rotation'):
        Trajectory(stamps, poses)


def test_an_empty_trajectory_is_one() -> None:
    assert len(Trajectory(np.zeros(0, np.int64), np.zeros((0, 4, 4)))) == 0


@pytest.mark.parametrize(
    ('points', 'sentence'),
    [
        (np.zeros((5, 3), np.float32), 'must be .rows, columns, 3 or 4'),
        (np.zeros((1, 5, 2), np.float32), 'must be .rows, columns, 3 or 4'),
        (np.zeros((1, 5, 3)), 'must be contiguous float32'),
        (np.zeros((5, 4, 3), np.float32)[:, ::2], 'must be contiguous float32'),
    ],
)
def test_points_of_a_cloud_are_packed(points: Any, sentence: str) -> None:
    with pytest.raises(FrameError, match=sentence):
        Cloud(0, 'eye', points, True)


def test_a_cloud_of_four_channels_has_colour() -> None:
    assert Cloud(0, 'eye', np.zeros((1, 5, 4), np.float32), True).has_rgb
    assert not Cloud(0, 'eye', np.zeros((1, 5, 3), np.float32), True).has_rgb


def test_every_error_is_one_of_ours() -> None:
    with pytest.raises(LsdError):
        Camera(0, 0, 1.0, 1.0, 0.0, 0.0)
