"""A winding road out of town: grass, hedges, woods, fences and houses in gardens beside it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets import synthetic_texture as texture
from lsd_ros.datasets.synthetic_path import STEPS, Path, Ride, distance_to
from lsd_ros.datasets.synthetic_places import Place
from lsd_ros.datasets.synthetic_scene import Builder, Light, Look
from lsd_ros.datasets.synthetic_things import lamp_post, person, tint, vehicle

Array = NDArray[np.float64]
LANE_M = 3.5  # two of them; the camera drives in the middle of the right one
KERB_M = 0.3  # from the lane to the end of the asphalt
PIECE_M = 5.0  # of the road is flat
CLEAR_M = 11.0  # of the way, where the road comes by a second time
LEFT, RIGHT = 1, -1


@dataclass(frozen=True)
class _Verge:
    """
    One side of the road, and where on it something is.

    :param path: of the camera
    :param side: ``LEFT`` or ``RIGHT``
    """

    path: Path
    side: int

    @property
    def spacing_m(self) -> float:
        """Return the distance of two points of the way."""
        return float(np.linalg.norm(self.path.points[1] - self.path.points[0]))

    @property
    def length_m(self) -> float:
        """Return the length of the road."""
        return STEPS * self.spacing_m

    def at(self, along_m: float, off_m: float) -> tuple[Array, float]:
        """Return the place this far from the edge of the asphalt, and the way's direction."""
        edge = LANE_M / 2 + KERB_M + (LANE_M if self.side == LEFT else 0.0)
        return _beside(self.path, along_m / self.spacing_m, self.side * (edge + off_m))


def _beside(path: Path, step: float, left_m: float) -> tuple[Array, float]:
    number = round(step) % STEPS
    heading = float(path.heading[number])
    aside = np.array((-np.sin(heading), np.cos(heading)))
    return path.points[number] + left_m * aside, heading


def road(rng: np.random.Generator) -> Place:
    """Build a closed road with bends both ways, and a drive along its right lane."""
    half = rng.uniform((80.0, 60.0), (130.0, 95.0))
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    bulge = np.ones(len(angles))
    for k, share in ((2, 0.12), (3, 0.08), (5, 0.03)):
        bulge += share * np.sin(k * angles + rng.uniform(0, 6))
    outline = np.column_stack((np.cos(angles), np.sin(angles))) * half * bulge[:, None]
    driver = Ride((7.0, 14.0), 0.5, 2.5, 1.65, 0.015, 0.006, 0.02)
    path = Path.of(outline[:: int(rng.choice((-1, 1)))], 8.0, driver, rng)
    sun = np.array((rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8), rng.uniform(0.5, 1.1)))
    red, green, blue = sun / np.linalg.norm(sun)
    light = Light((0.6, 0.64, 0.72), (0.66, 0.6, 0.5), (float(red), float(green), float(blue)))
    build = Builder()
    low, high = path.points.min(0) - 40, path.points.max(0) + 40
    build.ground(low * 20, high * 20, 0.0, Look(texture.grass, tint(rng, 0.7, 1.1)))
    _asphalt(build, rng, path)
    _horizon(build, rng, float(np.abs((low, high)).max()))
    for side in (LEFT, RIGHT):
        _line(build, rng, _Verge(path, side))
    gap = float(rng.uniform(9, 32))
    return Place(build, path, light, low, high, 2, vehicle, gap)


def _asphalt(build: Builder, rng: np.random.Generator, path: Path) -> None:
    """Lay the asphalt, and paint the dashes of its middle and, mostly, its edges."""
    length = _Verge(path, LEFT).length_m
    asphalt = Look(texture.asphalt, tint(rng, 0.7, 1.6))
    white = Look(texture.plain, (1.0, 1.0, 0.96))
    right, left = -LANE_M / 2, 1.5 * LANE_M
    edges = (right, left) if rng.random() < 0.7 else ()
    stations = np.linspace(0, STEPS, round(length / PIECE_M) + 1)
    for number, piece in enumerate(itertools.pairwise(stations)):
        _strip(build, path, piece, (right - KERB_M, left + KERB_M), asphalt)
        middle = ((right + left) / 2,) if number % 2 else ()
        for across in (*edges, *middle):
            _strip(build, path, piece, (across - 0.06, across + 0.06), white, 0.02)


def _strip(
    build: Builder,
    path: Path,
    steps: tuple[float, float],
    left_m: tuple[float, float],
    look: Look,
    z: float = 0.01,
) -> None:
    start, end = steps
    right, left = left_m
    corners = [(start, right), (end, right), (end, left), (start, left)]
    build.polygon([(*_beside(path, step, aside)[0], z) for step, aside in corners], look)


def _horizon(build: Builder, rng: np.random.Generator, reach: float) -> None:
    """Put woods and hills where the plain ends."""
    for angle in np.arange(0, 2 * np.pi, 0.16):
        distance = float(rng.uniform(reach + 60, 2.2 * reach + 100))
        place = distance * np.array((np.cos(angle), np.sin(angle)))
        size = rng.uniform((25, 25, 5), (70, 70, 22))
        build.ellipsoid((*place, 0), size.tolist(), Look(texture.leaves, tint(rng, 0.5, 1.1)))


def _line(build: Builder, rng: np.random.Generator, verge: _Verge) -> None:
    """Fill a side of the road: every stretch of it has its own kind of things."""
    kinds = (_trees, _wood, _hedge, _fence, _field, _gardens, _gardens)
    along = 0.0
    while along < verge.length_m - 15:
        stretch = min(float(rng.uniform(20, 65)), verge.length_m - along)
        kind: Callable[..., None] = kinds[int(rng.integers(len(kinds)))]
        kind(build, rng, verge, (along, along + stretch))
        along += stretch
    for at in _steps(rng, (0.0, verge.length_m), (14, 34)):
        place, heading = verge.at(at, float(rng.uniform(0.6, 1.6)))
        chance = rng.random()
        if chance < 0.6:
            lamp_post(build, rng, place)
        elif chance < 0.75:
            person(build, rng, place, 0.0)
        elif chance < 0.9:
            vehicle(build, rng, verge.at(at, 1.4)[0], heading + np.pi * (verge.side == LEFT))


def _steps(
    rng: np.random.Generator, stretch: tuple[float, float], apart_m: tuple[float, float]
) -> Iterator[float]:
    """Walk along a stretch, not evenly."""
    along = stretch[0] + float(rng.uniform(0, apart_m[0]))
    while along < stretch[1]:
        yield along
        along += float(rng.uniform(*apart_m))


def _free(verge: _Verge, place: Array) -> bool:
    return distance_to(verge.path.points[::8], place) > CLEAR_M


def _tall_tree(build: Builder, rng: np.random.Generator, place: Array) -> None:
    """Plant a leaf tree, a fir or a poplar."""
    height = float(rng.uniform(5, 13))
    bark = Look(texture.wood, tint(rng, 0.3, 0.55))
    green = Look(texture.leaves, tint(rng, 0.35, 1.3), int(rng.integers(2)))
    build.cylinder((*place, 0), float(rng.uniform(0.1, 0.3)), 0.5 * height, bark)
    shape = rng.random()
    if shape < 0.25:
        for share, wide in ((0.3, 0.24), (0.52, 0.18), (0.75, 0.11)):
            radii = (wide * height, wide * height, 0.2 * height)
            build.ellipsoid((*place, share * height), radii, green)
    elif shape < 0.4:
        build.ellipsoid(
            (*place, 0.55 * height), (0.12 * height, 0.12 * height, 0.45 * height), green
        )
    else:
        for _ in range(4):
            aside = rng.uniform(-0.16, 0.16, 2) * height
            size = rng.uniform(0.15, 0.28, 3) * height
            up = float(rng.uniform(0.5, 0.8)) * height
            build.ellipsoid((*(place + aside), up), size.tolist(), green)


def _bush(build: Builder, rng: np.random.Generator, place: Array) -> None:
    size = rng.uniform((0.5, 0.5, 0.5), (1.8, 1.8, 1.9))
    green = Look(texture.leaves, tint(rng, 0.4, 1.3), int(rng.integers(2)))
    build.ellipsoid((*place, 0.6 * size[2]), size.tolist(), green)


Stretch = tuple[float, float]


def _trees(build: Builder, rng: np.random.Generator, verge: _Verge, stretch: Stretch) -> None:
    off = float(rng.uniform(1.2, 4.5))
    for along in _steps(rng, stretch, (5, 11)):
        _tall_tree(build, rng, verge.at(along, off + float(rng.normal(0, 0.3)))[0])
        if rng.random() < 0.3:
            _bush(build, rng, verge.at(along + 3, off + 2)[0])


def _wood(build: Builder, rng: np.random.Generator, verge: _Verge, stretch: Stretch) -> None:
    edge = float(rng.uniform(2.5, 6))
    for along in _steps(rng, stretch, (1.6, 3)):
        _bush(build, rng, verge.at(along, edge)[0])
    for row in (2.0, 6.5, 12.0):
        for along in _steps(rng, stretch, (3, 6)):
            place, _ = verge.at(along, edge + row)
            if row < CLEAR_M / 2 or _free(verge, place):
                _tall_tree(build, rng, place)


def _hedge(build: Builder, rng: np.random.Generator, verge: _Verge, stretch: Stretch) -> None:
    green = Look(texture.leaves, tint(rng, 0.4, 1.2), int(rng.integers(2)))
    size = (4.2, float(rng.uniform(0.7, 1.3)), float(rng.uniform(1.0, 2.6)))
    _row(build, verge, stretch, float(rng.uniform(1.5, 4)), size, green)


def _fence(build: Builder, rng: np.random.Generator, verge: _Verge, stretch: Stretch) -> None:
    painter = (texture.wood, texture.bricks, texture.plaster)[int(rng.integers(3))]
    size = (4.1, 0.2, float(rng.uniform(0.8, 2.1)))
    off = float(rng.uniform(1.0, 4))
    _row(build, verge, stretch, off, size, Look(painter, tint(rng, 0.35, 1.2)))
    for along in _steps(rng, stretch, (6, 16)):
        place, _ = verge.at(along, off + float(rng.uniform(2, 6)))
        _tall_tree(build, rng, place)


def _row(
    build: Builder,
    verge: _Verge,
    stretch: Stretch,
    off: float,
    size: tuple[float, float, float],
    look: Look,
) -> None:
    for along in np.arange(stretch[0] + 2, stretch[1] - 2, 4.0):
        place, heading = verge.at(float(along), off)
        build.box((*place, 0), size, look, yaw=heading)


def _field(build: Builder, rng: np.random.Generator, verge: _Verge, stretch: Stretch) -> None:
    for along in _steps(rng, stretch, (8, 25)):
        for off in (float(rng.uniform(3, 9)), float(rng.uniform(18, 45))):
            place, _ = verge.at(along, off)
            if off < CLEAR_M / 2 or _free(verge, place):
                (_bush if rng.random() < 0.5 else _tall_tree)(build, rng, place)


def _gardens(build: Builder, rng: np.random.Generator, verge: _Verge, stretch: Stretch) -> None:
    front = float(rng.uniform(5, 12))
    if rng.random() < 0.6:
        (_hedge if rng.random() < 0.4 else _fence)(build, rng, verge, stretch)
    for along in np.arange(stretch[0] + 8, stretch[1] - 7, float(rng.uniform(15, 22))):
        depth = float(rng.uniform(7, 10))
        place, heading = verge.at(float(along), front + depth / 2)
        if _free(verge, place):
            _detached(build, rng, place, heading, (float(rng.uniform(8, 12)), depth))
        if rng.random() < 0.6:
            drive, _ = verge.at(float(along) + 7, float(rng.uniform(3, front)))
            vehicle(build, rng, drive, heading + np.pi / 2 * float(rng.choice((-1, 1))))


def _detached(
    build: Builder,
    rng: np.random.Generator,
    place: Array,
    heading: float,
    size: tuple[float, float],
) -> None:
    """Build a house with a gable or a hip roof."""
    walls = Look(texture.facade, tint(rng, 0.6, 1.25), int(rng.integers(3)))
    tiles = Look(texture.bricks, tint(rng, 0.35, 0.9))
    height = 3.0 * int(rng.integers(1, 4)) + 0.4
    build.box((*place, 0), (*size, height), walls, yaw=heading)
    roof = (size[0] + 0.8, size[1] + 0.8, float(rng.uniform(2, 4.5)))
    taper = (float(rng.choice((1.0, 0.5))), 0.05)
    build.box((*place, height), roof, tiles, yaw=heading, taper=taper)
