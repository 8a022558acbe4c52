"""Solids are closed, and as large as they are said to be."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest

from lsd_ros.rendering.catalogue import KINDS
from lsd_ros.rendering.solids import Part, Solid

MAKERS = {item.make for kind in KINDS.values() for item in kind.furniture}


def volume(part: Part) -> float:
    """Return the volume of a closed surface whose faces point outwards [m3]."""
    solid = Solid([part])
    return sum(float(np.dot(a, np.cross(b, c))) / 6 for a, b, c in solid.triangles())


def test_a_turned_box_keeps_its_volume_and_points_outwards() -> None:
    solid = Solid()
    solid.box((1, 2, 3), (0.5, 0.4, 0.3), 'wood 0', yaw=0.7, tilt=0.4)
    assert volume(solid.parts[0]) == pytest.approx(0.06)


def test_a_bar_is_closed_and_has_the_volume_of_its_prism() -> None:
    solid = Solid()
    solid.bar((0, 0, 0), (0.3, 0.4, 1.2), 0.1, 'metal 0', sides=64)
    sides, caps = solid.parts
    closed = Part(sides.vertices, sides.faces + caps.faces, 'metal 0')
    assert volume(closed) == pytest.approx(np.pi * 0.01 * 1.3, rel=0.01)
    edges = Counter(
        edge for face in closed.faces for edge in zip(face, (*face[1:], face[0]), strict=True)
    )
    assert all(edges[b, a] == 1 for a, b in edges)


def test_a_ball_has_the_volume_of_its_ellipsoid() -> None:
    solid = Solid()
    solid.ball((1, 1, 1), 0.5, 'plastic 0', (1, 0.5, 2), sides=48)
    assert volume(solid.parts[0]) == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.02)


def test_another_solid_is_added_where_it_is_put() -> None:
    mast, yard = Solid(), Solid()
    yard.box((1, 0, 0), (0.2, 0.2, 0.2), 'wood 0')
    mast.add(yard, (0, 0, 5), np.pi / 2)
    assert mast.parts[0].vertices.mean(axis=0) == pytest.approx([0, 1, 5])


@pytest.mark.parametrize('make', sorted(MAKERS, key=lambda m: m.__qualname__))
def test_pieces_stand_on_the_floor_within_their_footprint(make) -> None:
    for seed in range(8):
        piece = make(Random(seed))
        corners = np.concatenate([part.vertices for part in piece.solid.parts])
        hung = piece.name == 'radiator'
        assert -0.005 < corners[:, 2].min() < (0.2 if hung else 0.02)
        half = np.array([piece.width, piece.depth]) / 2
        over = np.abs(corners[:, :2]) - half
        leaves = piece.name in ('plant', 'pole', 'desk', 'kitchen', 'workbench')
        assert over.max() < (1.0 if leaves else 0.12), f'{piece.name} with seed {seed}'
