from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tracing import GROUND, Wall, mount, traced

from lsd_ros.inference.obstacles import edges
from lsd_ros.inference.obstacles.edges import flying_pixels
from lsd_ros.synthetic.drive import World
from lsd_ros.types import Camera

WIDTH, STEP = 3, 0.15  # the defaults of the settings
Depth = NDArray[np.float32]


def flying(depth: Depth) -> NDArray[np.bool_]:
    return flying_pixels(np.ascontiguousarray(depth), WIDTH, STEP)


def slanted_edges(blur: float) -> tuple[Depth, NDArray[np.float32]]:
    """Return stripes at 3 m and 8 m with blurred borders, and the share of 3 m in every pixel."""
    rows, columns = np.mgrid[:512, :1664]
    before = ((columns + 0.3 * rows) % 400 < 200).astype(np.float32)
    share = cv2.resize(before, (416, 128), interpolation=cv2.INTER_AREA)
    if blur:
        share = cv2.GaussianBlur(share, (0, 0), blur)
    return 1 / (share / 3 + (1 - share) / 8), share


@pytest.mark.parametrize('blur', [0.0, 0.7, 1.0, 1.5])
@pytest.mark.parametrize('turned', [False, True])
def test_what_a_blurred_edge_strews_is_found(blur: float, turned: bool) -> None:
    depth, share = slanted_edges(blur)
    found = flying(depth.T).T if turned else flying(depth)
    between = (share > 0.1) & (share < 0.9)
    assert between.sum() > 500
    assert found[between].mean() > 0.95
    assert found[~between].mean() < 0.01


@pytest.mark.parametrize('turn_deg', [0, 45, 60, 75])
@pytest.mark.parametrize('pitch_deg', [0, 20])
def test_surfaces_do_not_fly_however_they_slant(turn_deg: float, pitch_deg: float) -> None:
    place = mount(z_m=0.3, yaw_deg=turn_deg, pitch_deg=pitch_deg)
    for thing in (GROUND, Wall(1.5)):
        depth = traced(thing, base_from_camera=place)
        assert np.isfinite(depth).mean() > 0.2
        # a few pixels may, where the vanishing line of the surface meets the border of the image
        assert flying(depth).sum() <= 6


def test_little_is_lost_of_ground_with_noise() -> None:
    depth = traced(GROUND, base_from_camera=mount(z_m=0.3))
    noise = np.random.default_rng(0).standard_normal(depth.shape)
    assert flying((depth * (1 + 0.03 * noise)).astype(np.float32)).mean() < 0.02


@pytest.mark.parametrize('kind', ['room', 'corridor', 'street'])
def test_little_is_lost_of_exact_depth(kind: str) -> None:
    world, camera = World(kind, 1), Camera(416, 128, 241.0, 241.0, 207.5, 63.5)
    depth = world.depth(camera, world.path.pose(6.0))
    assert flying(depth).mean() < 0.01


@pytest.mark.parametrize('slope', [0.0, 0.4, 1.0, math.inf])
@pytest.mark.parametrize('blurred', [False, True])
def test_a_line_of_one_pixel_never_flies(slope: float, blurred: bool) -> None:
    inverse = np.full((40, 60), 0.1, np.float32)
    rows = np.arange(40)
    columns = np.full(40, 30) if math.isinf(slope) else None
    line = (
        (rows, columns)
        if columns is not None
        else (np.rint(10 + slope * np.arange(25)).astype(int), np.arange(25) + 15)
    )
    if blurred:
        inverse[line] = 1.0
        inverse = cv2.blur(inverse, (3, 1) if math.isinf(slope) else (1, 3))
        inverse[line] += 0.05
    else:
        inverse[line] = 0.5
    assert not flying(1 / inverse)[line].any()


@pytest.mark.parametrize('seed', range(20))
def test_beside_what_flies_there_is_always_something_nearer_that_does_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = np.exp(rng.standard_normal((60, 90)).astype(np.float32) * rng.uniform(0.1, 2))
    if seed % 2:
        depth = cv2.GaussianBlur(depth, (0, 0), rng.uniform(0.5, 2))
    depth[rng.random(depth.shape) < 0.03 * (seed % 3)] = np.nan
    found = flying(depth)
    kept = np.where(found | np.isnan(depth), np.inf, depth)
    around = 2 * WIDTH
    padded = np.pad(kept, around, constant_values=np.inf)
    size = (2 * around + 1, 2 * around + 1)
    nearest = np.lib.stride_tricks.sliding_window_view(padded, size).min(axis=(2, 3))
    assert (nearest[found] <= depth[found] * (1 + 1e-6)).all()


def test_what_is_unknown_neither_flies_nor_makes_fly() -> None:
    depth, _ = slanted_edges(0.0)
    depth[40:60] = np.nan
    depth[70:80] = -np.inf
    found = flying(depth)
    assert not found[40:60].any()
    assert not found[70:80].any()
    flat = np.full((30, 30), 4.0, np.float32)
    flat[::3, ::2] = np.nan
    flat[5, 5] = -np.inf
    assert not flying(flat).any()


def test_an_edge_before_the_sky_is_an_edge() -> None:
    inverse = np.zeros((20, 40), np.float32)
    inverse[:, 20] = 0.1
    inverse[:, 21:] = 0.2
    with np.errstate(divide='ignore'):
        found = flying(1 / inverse)
    assert found[:, 20].all()
    assert found.sum() == 20


def test_strips_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    depth, _ = slanted_edges(1.0)
    whole = flying(depth)
    monkeypatch.setattr(edges, 'STRIP', 416 * 7)
    np.testing.assert_array_equal(flying(depth), whole)
