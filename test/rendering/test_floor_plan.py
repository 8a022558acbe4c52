"""Plans of rooms: nothing overlaps, doors stay free, a seed repeats."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np
import pytest

from lsd_ros.rendering.camera_path import Look, camera_path
from lsd_ros.rendering.catalogue import KINDS
from lsd_ros.rendering.floor_plan import Placed, RoomPlan, plan_room
from lsd_ros.rendering.imaging import Imager, flow_between

SIZE, FOCAL = (320, 240), 260.0


def corners(placed: Placed) -> np.ndarray:
    half = np.array([placed.piece.width, placed.piece.depth]) / 2
    c, s = np.cos(placed.yaw), np.sin(placed.yaw)
    turn = np.array([[c, -s], [s, c]])
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turn.T + (placed.x, placed.y)


def depth_of_overlap(first: Placed, second: Placed) -> float:
    """Return how far two rectangles reach into each other along the axis that parts them best."""
    a, b = corners(first), corners(second)
    gaps = []
    for rectangle in (a, b):
        for edge in np.diff(rectangle[:3], axis=0):
            axis = edge / np.linalg.norm(edge)
            pa, pb = a @ axis, b @ axis
            gaps.append(min(pa.max(), pb.max()) - max(pa.min(), pb.min()))
    return float(min(gaps))


@pytest.mark.parametrize('name', sorted(KINDS))
def test_pieces_do_not_stand_in_each_other(name: str) -> None:
    for seed in range(5):
        plan = plan_room(Random(seed), KINDS[name])
        for first, second in combinations(plan.placed, 2):
            assert depth_of_overlap(first, second) < 0.07, (first.piece.name, second.piece.name)


def test_nothing_stands_before_a_door() -> None:
    for seed in range(20):
        plan = plan_room(Random(seed))
        doors = [(w, o) for w in plan.walls for o in w.openings if o.kind != 'window']
        for wall, door in doors:
            x, y = wall.at((door.left + door.right) / 2, 0.4)
            assert plan.floor.is_open(x, y, 0.02, 0.05)


def test_a_seed_repeats_its_room() -> None:
    first, second = (plan_room(Random(7)) for _ in range(2))
    assert [(p.x, p.y, p.yaw) for p in first.placed] == [(p.x, p.y, p.yaw) for p in second.placed]


class Walls:
    """Rays against the four walls, the floor and the ceiling of an empty room."""

    def __init__(self, plan: RoomPlan) -> None:
        self._high = np.array([plan.width, plan.depth, plan.height])

    def __call__(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        with np.errstate(divide='ignore'):
            far = np.where(directions > 0, self._high - origin, -origin) / directions
        return np.where(directions == 0, np.inf, far).min(axis=1)


def test_paths_stay_in_the_room_and_move_by_a_few_pixels() -> None:
    found = 0
    for seed in range(12):
        plan = plan_room(Random(seed), KINDS['lobby'])
        look = Look(Walls(plan), SIZE, FOCAL)
        path = camera_path(plan, look, Random(seed), 4)
        if path is None:
            continue
        found += 1
        for view, after in zip(path[1][:-1], path[1][1:], strict=True):
            assert 0 < view.x < plan.width
            assert 0 < view.y < plan.depth
            assert 0 < view.z < plan.height
            assert 0.3 < look.flow_px(look.depth(view), view, after) < 40
    assert found >= 6


def test_a_view_of_one_plane_or_of_the_lens_is_not_worth_an_image() -> None:
    look = Look(lambda _, rays: 2 / np.abs(rays[:, 1]), SIZE, FOCAL)  # a wall across y, 2 m away
    wall = np.full((10, 14), 2.0)
    assert look.interest(wall) is None
    close = np.where(np.arange(140).reshape(10, 14) % 20 == 0, 0.1, 3.0)
    assert look.interest(close) is None
    deep = np.linspace(1, 6, 140).reshape(10, 14) * (1 + (np.arange(14) % 5 == 0))
    assert look.interest(deep) is not None


def test_flow_is_that_of_a_pinhole_camera() -> None:
    depth = np.full((240, 320), 2.0, np.float32)
    ahead = np.eye(4)
    ahead[0, 3] = 0.1  # to the right: everything moves to the left by f X / Z
    flow = flow_between(depth, np.eye(4), ahead, FOCAL)
    assert flow[..., 0] == pytest.approx(-FOCAL * 0.1 / 2, abs=1e-3)
    assert flow[..., 1] == pytest.approx(0, abs=1e-3)


def test_cameras_expose_rooms_of_any_light_alike() -> None:
    scene = np.random.default_rng(0).gamma(2, 0.5, (60, 80, 3)).astype(np.float32)
    means = []
    for light in (scene * 1e-3, scene, scene * 1e3):
        imager = Imager.drawn(np.random.default_rng(1), light)
        image = imager.image(light, None, np.random.default_rng(2))
        assert image.shape == (60, 80, 3)
        assert image.dtype == np.uint8
        means.append(image.mean())
    assert means[1] == pytest.approx(means[2], rel=0.02)
    assert means[0] == pytest.approx(means[1], rel=0.2)


def test_an_open_shutter_smears_along_the_motion() -> None:
    light = np.zeros((40, 80, 3), np.float32)
    light[:, 40] = 1.0
    flow = np.zeros((40, 80, 2), np.float32)
    flow[..., 0] = 12
    imager = Imager.drawn(np.random.default_rng(0), light + 0.5)
    calm = {'noise': 0.0, 'blur_px': 0.0, 'sharpening': 0.0, 'exposure': 1.0, 'vignette': 0.0}
    still = type(imager)(**{**imager.__dict__, **calm, 'shutter': 0.0})
    moved = type(imager)(**{**imager.__dict__, **calm, 'shutter': 0.5})
    rng = np.random.default_rng(0)
    widths = [int((m.image(light, flow, rng)[20].max(axis=-1) > 20).sum()) for m in (still, moved)]
    assert widths[0] <= 2 < 5 <= widths[1]
