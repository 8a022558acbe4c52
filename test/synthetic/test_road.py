"""The road out of town: as wide as it is drawn, free of things, and in hard or soft light."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.synthetic.places import Place
from lsd_ros.synthetic.road import road
from lsd_ros.synthetic.roadside import LANE_M, LEFT, RIGHT, CrossSection
from lsd_ros.synthetic.scene import Builder, Light, Look
from lsd_ros.synthetic.shading import GroundMap
from lsd_ros.synthetic.texture import metal

SEEDS = range(6)
THICK_M = 0.1  # what is lower is paint, paving or asphalt


def _sections() -> list[CrossSection]:
    return [CrossSection.drawn(np.random.default_rng(seed)) for seed in range(40)]


def test_the_camera_drives_in_the_middle_of_a_lane() -> None:
    for section in _sections():
        right, left = section.asphalt_m
        assert right <= -LANE_M / 2
        assert left >= 1.5 * LANE_M
        lines = np.array(section.between_lanes_m)
        assert np.allclose((lines + LANE_M / 2) % LANE_M, 0)
        assert right < lines.min()
        assert lines.max() < left


def test_roads_are_narrow_and_wide_with_and_without_footways() -> None:
    sections = _sections()
    assert {len(section.between_lanes_m) for section in sections} == {1, 2, 3, 4}
    assert {len(section.footways_m) for section in sections} == {0, 1, 2}


def test_things_begin_beyond_footways() -> None:
    section = CrossSection((-2.0, 5.6), (1.75,), ((-4.0, -2.0),))
    assert section.edge_m(RIGHT) == 4.0
    assert section.edge_m(LEFT) == 5.6


def _feet(place: Place) -> NDArray[np.float64]:
    """Return where things stand on the ground, x and y, shape (N, 2)."""
    posts = [s for s in place.still.rounds if s.cylinder and s.centre[2] - s.radii[2] < 1]
    flat = [polygon.corners for polygon in place.still.polygons]
    standing = [c[:, :2] for c in flat if c[:, 2].max() > THICK_M and c[:, 2].min() < 1]
    return np.concatenate([*standing, np.stack([post.centre[:2] for post in posts])])


@pytest.mark.parametrize('seed', SEEDS)
def test_nothing_stands_on_the_asphalt(seed: int) -> None:
    place = road(np.random.default_rng(seed))
    asphalt = [p for p in place.still.polygons if np.allclose(p.corners[:, 2], 0.01)]
    way = place.path.points[::16]
    half = np.mean([np.linalg.norm(way - p.corners[0, :2], axis=1).min() for p in asphalt[:9]])
    offset = [way - foot for foot in _feet(place)]
    nearest = np.array([np.linalg.norm(o, axis=1).min() for o in offset])
    assert half >= LANE_M / 2
    assert nearest.min() > half - 0.3


def test_shadows_are_as_dark_as_the_light_says() -> None:
    build = Builder()
    build.box((0, 0, 0), (2, 2, 3), Look(metal))
    corner = np.array((20.0, 20.0))
    darkest = {}
    for left in (0.2, 0.8):
        light = Light((0.5,) * 3, (0.5,) * 3, (0.6, 0.0, 0.8), in_shadow=left)
        ground = GroundMap.of([build], light, -corner, corner)
        # beyond the darkness at the foot of the box, whose shadow ends at -3.25
        darkest[left] = float(ground.at(np.float32([[-2.8]]), np.float32([[0.0]]))[0, 0])
    assert darkest[0.2] / darkest[0.8] == pytest.approx(0.25, abs=0.05)


def test_some_light_is_hard_and_some_soft() -> None:
    shares = [road(np.random.default_rng(seed)).light.in_shadow for seed in range(8)]
    assert min(shares) < 0.4
    assert max(shares) > 0.55
