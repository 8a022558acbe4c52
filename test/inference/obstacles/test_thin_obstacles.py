"""A thin obstacle is still in the cloud after all that is taken away from it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tracing import CAMERA, GROUND, Pole, Wall, estimate, mount, traced

from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.obstacles.obstacle_settings import PointsSettings
from lsd_ros.types import Cloud

PLACE = mount(z_m=0.5, pitch_deg=5)
DISTANCE = 4.0
POLE = Pole(DISTANCE, 0.5 * DISTANCE / CAMERA.fx, radius=0.5 * DISTANCE / CAMERA.fx, top=0.7)


def cloud(depth: NDArray[np.float32], **wanted: float) -> Cloud:
    settings = PointsSettings(**{'rgb': False, 'max_range_m': 30.0, **wanted})
    return CloudBuilder(settings).build(estimate(depth), PLACE)


def in_base(made: Cloud) -> NDArray[np.float64]:
    points = made.points.reshape(-1, made.points.shape[2])[:, :3]
    points = points[np.isfinite(points).all(axis=1)]
    return points @ PLACE[:3, :3].T + PLACE[:3, 3]


def of_pole(points: NDArray[np.float64]) -> NDArray[np.float64]:
    aside = np.hypot(points[:, 0] - POLE.x, points[:, 1] - POLE.y)
    return points[(aside < 0.1) & (points[:, 2] > 0.1)]


@pytest.fixture(scope='module')
def depth() -> NDArray[np.float32]:
    """A pole of one pixel before a wall, and the ground."""
    scene = traced(GROUND, POLE, Wall(9.0), base_from_camera=PLACE)
    pole = (scene != traced(GROUND, Wall(9.0), base_from_camera=PLACE)).sum(axis=1)
    assert pole.max() == 1
    return scene


@pytest.mark.parametrize('decimation', [1, 2, 4, 8, 16])
@pytest.mark.parametrize('band', [{}, {'min_height_m': 0.1, 'max_height_m': 2.0}])
@pytest.mark.parametrize('organised', [False, True])
def test_a_pole_of_one_pixel_stays_from_foot_to_top(
    depth: NDArray[np.float32], decimation: int, band: dict[str, float], organised: bool
) -> None:
    made = cloud(depth, decimation=decimation, organised=organised, **band)
    if organised:
        assert made.points.shape[:2] == (128 // decimation, 208 // decimation)
    pole = of_pole(in_base(made))
    rows = 0.6 * CAMERA.fy / DISTANCE
    assert len(pole) >= max(1, 0.9 * rows / decimation - 1)
    # the nearest pixel of a cell may be its lowest: a pole is never shorter by more than a cell
    assert pole[:, 2].max() > 0.65 - decimation * DISTANCE / CAMERA.fy
    assert pole[:, 2].min() < 0.2 + decimation * DISTANCE / CAMERA.fy


@pytest.mark.parametrize('decimation', [1, 4])
def test_the_peak_of_a_blurred_pole_stays(depth: NDArray[np.float32], decimation: int) -> None:
    blurred = 1 / cv2.GaussianBlur(1 / depth, (0, 0), 0.7)
    column = CAMERA.width // 2 - 1
    nearest = blurred[:, column - 2 : column + 3].argmin(axis=1) + column - 2
    rows = np.arange(46, 70)  # below its top, which is blurred, too
    made = cloud(blurred, decimation=decimation, organised=True)
    depths = np.nan_to_num(made.points[..., 2], nan=np.inf)
    peak = blurred[rows, nearest[rows]]
    assert (depths[rows // decimation, nearest[rows] // decimation] <= peak).all()


def test_the_ground_before_a_pole_does_not_stand_for_it() -> None:
    post = Pole(3.0, 0.01, radius=0.01, top=0.25)
    scene = traced(GROUND, post, base_from_camera=PLACE)
    points = in_base(cloud(scene, decimation=16, min_height_m=0.1))
    assert len(points) >= 1
    assert np.hypot(points[:, 0] - post.x, points[:, 1] - post.y).max() < 0.05


def between(points: NDArray[np.float64], near: Pole) -> int:
    """Count the points behind a pole and before the wall."""
    away = np.hypot(points[:, 0] - near.x, points[:, 1] - near.y) - near.radius
    return int(((away > 0.5) & (points[:, 0] < 8.0)).sum())


def test_flying_points_are_taken_away_and_the_surfaces_stay() -> None:
    near = Pole(2.0, 0.0, radius=0.4)
    exact = traced(GROUND, near, Wall(9.0), base_from_camera=PLACE)
    blurred = 1 / cv2.GaussianBlur(1 / exact, (0, 0), 1.0)
    with_them, without = (
        between(in_base(cloud(blurred, min_height_m=0.2, edge_width=width)), near)
        for width in (0, 3)
    )
    assert with_them > 200
    assert without < 0.1 * with_them
    kept = len(cloud(blurred).points[0]) / len(cloud(blurred, edge_width=0).points[0])
    assert kept > 0.95


def test_what_is_too_uncertain_or_out_of_range_is_taken_away(depth: NDArray[np.float32]) -> None:
    uncertainty = (0.05 * depth).astype(np.float32)
    uncertainty[:, :50] = 0.3 * depth[:, :50]
    uncertainty[:, 60] = np.nan
    settings = PointsSettings(organised=True, max_uncertainty=0.1, min_range_m=2.0)
    made = CloudBuilder(settings).build(estimate(depth, uncertainty=uncertainty), PLACE)
    there = np.isfinite(made.points[..., 0])
    assert not there[:, :50].any()
    assert not there[:, 60].any()
    distance = np.linalg.norm(made.points[..., :3], axis=2)
    assert (distance[there] >= 2.0).all()
    assert there[:, 61:].mean() > 0.5
