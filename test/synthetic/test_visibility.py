from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.synthetic.camera_path import OPTICAL
from lsd_ros.synthetic.scene import Builder, Light, Look, Scene, paintings
from lsd_ros.synthetic.texture import plaster
from lsd_ros.synthetic.visibility import SKY, SceneView, visible
from lsd_ros.types import Camera

CAMERA = Camera(width=61, height=41, fx=40.0, fy=42.0, cx=29.4, cy=20.3)
LIGHT = Light((1, 1, 1), (0, 0, 0), (0, 0, 1))
LOOK = Look(plaster)
FARAWAY = [(1e3, -1, -500), (1e3, -1, -501), (1e3, 1, -501)]  # a scene needs a polygon


def _depth(build: Builder) -> NDArray[np.float32]:
    """Look along x from 1 m above the origin."""
    scene = Scene.of([build], LIGHT, paintings([build]))
    pose = np.eye(4)
    pose[:3, :3], pose[2, 3] = OPTICAL, 1.0
    inverse, surface = visible(scene, SceneView.of(CAMERA, pose))
    assert np.array_equal(surface == SKY, inverse == 0)
    with np.errstate(divide='ignore'):
        return 1 / inverse


def _rays() -> NDArray[np.float64]:
    """Return the rays of all pixels in the world, of length 1 along x."""
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    x, y = (u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy
    return np.stack((np.ones_like(x), -x, -y), 2)


def test_the_ground_is_as_far_as_the_height_over_the_slope() -> None:
    build = Builder()
    build.ground((-500, -500), (500, 500), 0.0, LOOK)
    slope = (np.arange(CAMERA.height) - CAMERA.cy) / CAMERA.fy
    expected = np.where(slope > 1 / 500, 1 / np.maximum(slope, 1e-9), np.inf)
    depth = _depth(build)
    near = expected < 400
    assert depth[near].T[3] == pytest.approx(expected[near], rel=1e-4)
    assert np.isinf(depth[slope < 0]).all()


@pytest.mark.parametrize('yaw', [0.0, 0.7])
def test_a_box_is_where_the_slab_method_finds_it(yaw: float) -> None:
    build = Builder()
    build.box((3.0, 0.4, 0.5), (1.0, 0.8, 0.7), LOOK, yaw=yaw)
    turn = np.array(((np.cos(yaw), np.sin(yaw), 0), (-np.sin(yaw), np.cos(yaw), 0), (0, 0, 1)))
    origin = turn @ (np.array((0, 0, 1.0)) - (3.0, 0.4, 0.85))
    rays = _rays() @ turn.T
    low, high = (
        (-np.array((0.5, 0.4, 0.35)) - origin) / rays,
        (np.array((0.5, 0.4, 0.35)) - origin) / rays,
    )
    enter, leave = np.minimum(low, high).max(2), np.maximum(low, high).min(2)
    _assert_same(_depth(build), np.where(enter <= leave, enter, np.inf))


def test_a_ball_and_a_can_are_where_marching_along_the_ray_finds_them() -> None:
    ball, can = np.array((3.0, 0.5, 1.1)), np.array((2.5, -0.6, 0.0))
    build = Builder()
    build.polygon(FARAWAY, LOOK)
    build.ellipsoid(ball, (0.5, 0.4, 0.3), LOOK)
    build.cylinder(can, 0.4, 0.7, LOOK)
    steps = np.linspace(2, 3.6, 1601)
    points = np.array((0, 0, 1.0)) + _rays()[:, :, None] * steps[None, None, :, None]
    inside = (((points - ball) / (0.5, 0.4, 0.3)) ** 2).sum(3) < 1
    aside = ((points - can)[..., :2] ** 2).sum(3) < 0.4**2
    inside |= aside & (points[..., 2] > 0) & (points[..., 2] < 0.7)
    expected = np.where(inside.any(2), steps[inside.argmax(2)], np.inf)
    _assert_same(_depth(build), expected, 1.1e-3)


def test_what_is_nearer_hides_what_is_behind_in_either_order() -> None:
    for order in (1, -1):
        build = Builder()
        for distance in (2.0, 5.0)[::order]:
            build.box((distance + 0.5, 0, 0), (1, 9, 9), LOOK)
        assert _depth(build) == pytest.approx(np.full((41, 61), 2.0), rel=1e-5)


def test_a_wall_that_passes_the_camera_needs_no_clipping() -> None:
    build = Builder()
    build.polygon([(-5, -1, -9), (500, -1, -9), (500, -1, 9), (-5, -1, 9)][::-1], LOOK)
    columns = np.arange(CAMERA.width)
    right = columns > CAMERA.cx + 1
    depth = _depth(build)[20]
    assert depth[right] == pytest.approx(CAMERA.fx / (columns[right] - CAMERA.cx), rel=1e-4)
    assert np.isinf(depth[columns < CAMERA.cx]).all()


def _assert_same(
    found: NDArray[np.float32], expected: NDArray[np.float64], tolerance: float = 1e-5
) -> None:
    both = np.isfinite(found) & np.isfinite(expected)
    assert both.sum() > 50
    assert np.mean(np.isfinite(found) != np.isfinite(expected)) < 0.002
    assert found[both] == pytest.approx(expected[both], abs=tolerance)
