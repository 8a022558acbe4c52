"""Floor that is missing: stairs down, platforms, holes."""

from __future__ import annotations

import numpy as np
import pytest
from tracing import CAMERA, GROUND, Array, Level, Pole, Slope, estimate, mount, traced

from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.obstacles.depth_filter import DepthFilter
from lsd_ros.inference.obstacles.drop_off import RAISED_M, DropOff
from lsd_ros.inference.obstacles.obstacle_settings import (
    DropOffSettings,
    PointsSettings,
    ScanSettings,
)
from lsd_ros.inference.obstacles.scan import ScanBuilder

SCAN = ScanSettings(max_range_m=10.0)
EDGE_M = 1.6
TOP = Level(0.0, farthest=EDGE_M)
PLACES = {
    'level': mount(z_m=0.5, pitch_deg=15),
    'ahead': mount(x_m=0.3, y_m=0.1, z_m=0.4, pitch_deg=20),
    'high': mount(z_m=1.2, pitch_deg=35),
}
every_place = pytest.mark.parametrize('place', PLACES.values(), ids=PLACES.keys())


def stairs(down: bool = True) -> list[Level]:
    """Return ten treads of 0.28 m, each 0.17 m below (or above) the one before."""
    step = -0.17 if down else 0.17
    return [
        Level(step * (i + 1), nearest=EDGE_M + 0.28 * i, farthest=EDGE_M + 0.28 * (i + 1))
        for i in range(10)
    ]


def scan(depth: Array, place: Array, min_depth_m: float = 0.1):
    wanted = DropOffSettings(min_depth_m=min_depth_m)
    trust = DepthFilter(PointsSettings(edge_width=0))
    builder = ScanBuilder(SCAN, trust, drop_off=DropOff(wanted, SCAN))
    return builder.build(estimate(depth), place, 'base')


def forward(made) -> Array:
    angles = made.angle_min + np.arange(len(made.ranges)) * made.angle_increment
    hit = np.isfinite(made.ranges)
    return made.ranges[hit] * np.cos(angles[hit])


@every_place
@pytest.mark.parametrize('hole', ['stairs', 'platform', 'abyss'])
def test_edge_of_what_goes_down_is_an_obstacle_where_it_is(place: Array, hole: str) -> None:
    below = {'stairs': stairs(), 'platform': [Level(-1.0, nearest=EDGE_M)], 'abyss': []}[hole]
    depth = traced(TOP, *below, base_from_camera=place)
    made = scan(depth, place)
    edge = forward(made)
    assert len(edge) * made.angle_increment > 0.6
    assert edge.min() == pytest.approx(EDGE_M, abs=0.15)
    assert edge.min() > EDGE_M - 0.05  # and never on this side of it
    ahead = np.abs(made.angle_min + np.arange(len(made.ranges)) * made.angle_increment) < 0.3
    assert np.isfinite(made.ranges[ahead]).all()
    off = scan(depth, place, min_depth_m=0.0)
    assert not np.isfinite(off.ranges).any()


@every_place
def test_floor_that_is_there_is_no_obstacle_through_noise_and_gentle_slopes(place: Array) -> None:
    rng = np.random.default_rng(0)
    flat = traced(GROUND, base_from_camera=place)
    noisy = flat * (1 + 0.02 * rng.standard_normal(flat.shape)).astype(np.float32)
    ramp = traced(Level(0.0, farthest=1.0), Slope(1.0, -0.8), base_from_camera=place)
    for depth in (flat, noisy, ramp):
        assert not np.isfinite(scan(depth, place).ranges).any()


@every_place
def test_hole_behind_a_pole_leaves_the_pole(place: Array) -> None:
    pole = Pole(1.2, 0.0, 0.1)
    made = scan(traced(TOP, pole, base_from_camera=place), place)
    edge = forward(made)
    assert edge.min() == pytest.approx(1.1, abs=0.02)


def test_unknown_depth_is_no_hole() -> None:
    place = PLACES['level']
    depth = traced(GROUND, base_from_camera=place)
    depth[80:100, 60:120] = np.nan
    assert not np.isfinite(scan(depth, place).ranges).any()


@every_place
@pytest.mark.parametrize('decimation', [1, 2])
@pytest.mark.parametrize('organised', [False, True])
def test_cloud_has_points_at_the_edge_as_high_as_an_obstacle(
    place: Array, decimation: int, organised: bool
) -> None:
    depth = traced(TOP, *stairs(), base_from_camera=place)
    wanted = PointsSettings(edge_width=0, decimation=decimation, organised=organised, rgb=False)
    drop_off = DropOff(DropOffSettings(min_depth_m=0.1), SCAN)
    cloud = CloudBuilder(wanted, drop_off=drop_off).build(estimate(depth), place)
    points = cloud.points.reshape(-1, 3)
    points = points[np.isfinite(points[:, 0])] @ place[:3, :3].T + place[:3, 3]
    raised = points[np.abs(points[:, 2] - SCAN.min_height_m - RAISED_M) < 1e-3]
    assert len(raised) > 20
    assert raised[:, 0].min() == pytest.approx(EDGE_M, abs=0.15)
    assert raised[:, 0].min() > EDGE_M - 0.05
    plain = CloudBuilder(wanted).build(estimate(depth), place)
    assert plain.points.shape == cloud.points.shape or not organised
    assert CAMERA.width * CAMERA.height >= len(points)
