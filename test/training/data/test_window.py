"""Random windows, mirrored and rolled: image, depth, camera and motions stay one geometry."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.errors import CameraError
from lsd_ros.training.data.augmentation import AugmentationSettings
from lsd_ros.training.data.window import Window, random_window
from lsd_ros.types import IDENTITY_ROTATION, Camera
from lsd_ros.types.camera import Distortion

CAMERA = Camera(200, 150, 180.0, 180.0, 92.0, 81.0)
POINTS = np.array(((-0.5, -0.3, 3.0), (0.4, -0.2, 2.5), (0.3, 0.25, 4.0), (-0.2, 0.3, 2.0)))
MOTION = np.array(
    ((0.99, 0.05, -0.1, 0.2), (-0.05, 1.0, 0.02, -0.1), (0.1, -0.02, 0.99, 0.4), (0, 0, 0, 1)),
    np.float32,
)
WINDOWS = [
    Window(20, 15, 160, 120, (160, 120), roll_rad=math.radians(25)),
    Window(30, 20, 140, 105, (280, 210), roll_rad=math.radians(-14)),
    Window(20, 15, 160, 120, (160, 120), flip=True, roll_rad=math.radians(25)),
    Window(30, 10, 140, 105, (140, 105), flip=True),
]


def _pixels(camera: Camera, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points[:, :2] / points[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)


def _seen(window: Window, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points as the camera of the window has them: rolled back, then mirrored."""
    cosine, sine = math.cos(window.roll_rad), math.sin(window.roll_rad)
    x, y, z = points.T
    rolled = np.stack((cosine * x + sine * y, -sine * x + cosine * y, z), axis=1)
    return rolled * (-1.0 if window.flip else 1.0, 1.0, 1.0)


@pytest.mark.parametrize('window', WINDOWS)
def test_points_are_where_the_camera_of_the_window_says(window: Window) -> None:
    for point in POINTS:
        u, v = _pixels(CAMERA, point[None])[0]
        away = np.hypot(np.arange(200) - u, np.arange(150)[:, None] - v)
        spot = np.repeat(np.uint8(255 * np.exp(-((away / 3) ** 2)))[..., None], 3, axis=2)
        seen = window.image(spot)[..., 0].astype(np.float64)
        rows, columns = np.indices(seen.shape)
        centre = (seen * columns).sum() / seen.sum(), (seen * rows).sum() / seen.sum()
        said = _pixels(window.camera(CAMERA), _seen(window, point[None]))[0]
        assert centre == pytest.approx(said, abs=0.15)


@pytest.mark.parametrize('window', WINDOWS)
def test_depth_along_the_axis_stays(window: Window) -> None:
    depth = np.zeros((150, 200), np.float32)
    for point in POINTS:
        u, v = np.rint(_pixels(CAMERA, point[None])[0]).astype(int)
        depth[v - 3 : v + 4, u - 3 : u + 4] = point[2]
    seen = window.depth(depth, 200, 150)
    for u, v, z in np.column_stack(
        (_pixels(window.camera(CAMERA), _seen(window, POINTS)), POINTS[:, 2])
    ):
        assert seen[round(v), round(u)] == np.float32(z)


@pytest.mark.parametrize('window', WINDOWS)
def test_motions_carry_points_of_the_window(window: Window) -> None:
    after = POINTS @ MOTION[:3, :3].T + MOTION[:3, 3]
    found = window.motions(np.stack((MOTION, np.eye(4, dtype=np.float32))))
    carried = _seen(window, POINTS) @ found[0, :3, :3].T + found[0, :3, 3]
    assert carried == pytest.approx(_seen(window, after), abs=1e-5)
    assert found[1] == pytest.approx(np.eye(4), abs=1e-6)


@pytest.mark.parametrize('window', WINDOWS)
def test_a_distorted_camera_is_refused(window: Window) -> None:
    lens = Distortion(
        'plumb_bob', (-0.1, 0, 0, 0, 0), IDENTITY_ROTATION, (180.0, 180.0, 92.0, 81.0)
    )
    with pytest.raises(CameraError, match='distor'):
        window.camera(dataclasses.replace(CAMERA, distortion=lens))


def test_unknown_motions_stay_unknown() -> None:
    assert np.isnan(WINDOWS[0].motions(np.full((2, 4, 4), np.nan, np.float32))[:, :3]).all()


@pytest.mark.parametrize(
    ('width', 'height', 'size'), [(360, 270, (256, 192)), (640, 192, (416, 128))]
)
def test_rolled_windows_see_nothing_beside_the_image(
    width: int, height: int, size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    given = AugmentationSettings(roll_deg=15.0)
    drawn = [random_window(rng, width, height, size, 'crop', given) for _ in range(400)]
    rolls = np.degrees([window.roll_rad for window in drawn])
    assert rolls.std() == pytest.approx(15, rel=0.15)
    assert abs(rolls.mean()) < 2
    for window in drawn:
        corners = np.array(((0, 0), (1, 0), (1, 1), (0, 1))) - 0.5
        offsets = corners * (window.columns, window.rows)
        cosine, sine = math.cos(window.roll_rad), math.sin(window.roll_rad)
        x = window.left + window.columns / 2 + offsets @ (cosine, -sine)
        y = window.top + window.rows / 2 + offsets @ (sine, cosine)
        assert min(x.min(), y.min()) > -1.5
        assert x.max() < width + 1.5
        assert y.max() < height + 1.5
        assert window.columns / window.rows == pytest.approx(size[0] / size[1], rel=0.03)


def test_no_roll_goes_beyond_45_degrees() -> None:
    rng = np.random.default_rng(0)
    given = AugmentationSettings(roll_deg=45.0)
    rolls = [random_window(rng, 360, 270, (256, 192), 'crop', given).roll_rad for _ in range(200)]
    assert max(np.abs(rolls)) == pytest.approx(math.pi / 4)


def test_without_a_roll_windows_are_drawn_as_before() -> None:
    rng = np.random.default_rng(3)
    window = random_window(rng, 360, 270, (256, 192), 'crop', AugmentationSettings(min_scale=0.5))
    scale = np.random.default_rng(3).uniform(0.5, 1.0)
    assert (window.columns, window.rows) == (round(360 * scale), round(270 * scale))
    assert window.roll_rad == 0
