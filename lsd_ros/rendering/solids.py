"""Solids of boxes, bars, balls and sheets: plain geometry, with a finish for each part."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float, float]
_BOX_FACES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


@dataclass(frozen=True)
class Part:
    """
    Faces of one finish.

    :param vertices: [m], shape (N, 3); x right, y into the room, z up
    :param faces: indices of vertices, counter-clockwise as seen from outside
    :param finish: kind and number of its material, such as ``wood 1``
    :param smooth: whether it is shaded as if it were round
    """

    vertices: NDArray[np.float64]
    faces: tuple[tuple[int, ...], ...]
    finish: str
    smooth: bool = False


@dataclass
class Solid:
    """What one thing consists of."""

    parts: list[Part] = field(default_factory=list)

    def box(
        self,
        centre: Sequence[float],
        size: Sequence[float],
        finish: str,
        yaw: float = 0.0,
        tilt: float = 0.0,
    ) -> None:
        """Add a box, tilted about its own x axis, then turned about the vertical one [rad]."""
        corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        turn = _about_z(yaw) @ _about_x(tilt)
        vertices = corners * (np.asarray(size, float) / 2) @ turn.T + np.asarray(centre, float)
        self.parts.append(Part(vertices, _BOX_FACES, finish))

    def bar(
        self,
        start: Sequence[float],
        end: Sequence[float],
        radius: float,
        finish: str,
        end_radius: float | None = None,
        sides: int = 10,
    ) -> None:
        """Add a round bar between two points, a cone where the radii differ [m]."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        across, up = _perpendicular(b - a)
        angle = np.arange(sides) * (2 * math.pi / sides)
        ring = np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * up
        last = radius if end_radius is None else end_radius
        vertices = np.concatenate([a + ring * radius, b + ring * last])
        around = tuple((i, (i + 1) % sides) for i in range(sides))
        self.parts.append(
            Part(vertices, tuple((i, j, j + sides, i + sides) for i, j in around), finish, True)
        )
        caps = (tuple(range(sides))[::-1], tuple(range(sides, 2 * sides)))
        self.parts.append(Part(vertices, caps, finish))

    def ball(
        self,
        centre: Sequence[float],
        radius: float,
        finish: str,
        squash: Sequence[float] = (1, 1, 1),
        sides: int = 10,
    ) -> None:
        """Add a ball, or an ellipsoid."""
        rings = sides // 2 + 1
        polar = np.linspace(0, math.pi, rings + 1)[:, None]
        angle = np.arange(sides)[None] * (2 * math.pi / sides)
        shape = np.broadcast_arrays(
            np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), np.cos(polar)
        )
        vertices = np.stack(shape, -1).reshape(-1, 3) * radius * np.asarray(squash, float)
        faces = tuple(
            (i * sides + j, (i + 1) * sides + j, (i + 1) * sides + k, i * sides + k)
            for i in range(rings)
            for j, k in ((j, (j + 1) % sides) for j in range(sides))
        )
        self.parts.append(Part(vertices + np.asarray(centre, float), faces, finish, True))

    def sheet(self, corners: Sequence[Sequence[float]], finish: str) -> None:
        """Add one flat face."""
        vertices = np.asarray(corners, float)
        self.parts.append(Part(vertices, (tuple(range(len(vertices))),), finish))

    def add(self, other: Solid, at: Sequence[float] = (0, 0, 0), yaw: float = 0.0) -> None:
        """Add another solid, turned about the vertical axis [rad] and moved [m]."""
        turn, shift = _about_z(yaw), np.asarray(at, float)
        self.parts.extend(
            Part(part.vertices @ turn.T + shift, part.faces, part.finish, part.smooth)
            for part in other.parts
        )

    def triangles(self) -> Iterator[NDArray[np.float64]]:
        """Yield the triangles of every face [m], shape (3, 3)."""
        for part in self.parts:
            for face in part.faces:
                for second, third in itertools.pairwise(face):
                    yield part.vertices[[face[0], second, third]]


@dataclass(frozen=True)
class Surface:
    """
    A flat top that things can lie on.

    :param x, y, z: of its middle [m]
    :param width: along x [m]
    :param depth: along y [m]
    """

    x: float
    y: float
    z: float
    width: float
    depth: float


@dataclass(frozen=True)
class Piece:
    """
    A thing that stands on the floor, its back towards -y.

    :param name: what it is
    :param solid: its geometry, around (0, 0) on the floor
    :param width: of its footprint, along x [m]
    :param depth: of its footprint, along y [m]
    :param height: [m]
    :param tops: where things can lie
    :param bevel: how round its edges are [m]
    """

    name: str
    solid: Solid
    width: float
    depth: float
    height: float
    tops: tuple[Surface, ...] = ()
    bevel: float = 0.003


def _about_z(angle: float) -> NDArray[np.float64]:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def _about_x(angle: float) -> NDArray[np.float64]:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def _perpendicular(
    axis: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two unit vectors that make a right-handed frame with an axis."""
    forward = axis / max(float(np.linalg.norm(axis)), 1e-9)
    helper = np.array([0, 0, 1.0]) if abs(forward[2]) < 0.9 else np.array([1.0, 0, 0])
    across = np.cross(helper, forward)
    across /= np.linalg.norm(across)
    return across, np.cross(forward, across)
