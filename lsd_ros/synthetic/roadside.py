"""What lies and stands beside a road out of town: woods, hedges, gardens, forecourts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.synthetic import texture
from lsd_ros.synthetic.camera_path import STEPS, Path
from lsd_ros.synthetic.objects import car, lamp_post, person, tint, vehicle
from lsd_ros.synthetic.scene import Builder, Look

Array = NDArray[np.float64]
PIECE_M = 5.0  # of the road is flat
LANE_M = 3.5  # the camera drives in the middle of one
YARD_HOUSE_M = 22.0  # longest side of a house behind a forecourt
LEFT, RIGHT = 1, -1


@dataclass(frozen=True)
class CrossSection:
    """
    What lies across the road; every place is metres to the left of the camera's way.

    :param asphalt_m: where it begins, to the right, and ends
    :param between_lanes_m: the middle of the lines between lanes
    :param footways_m: where each begins and ends
    """

    asphalt_m: tuple[float, float]
    between_lanes_m: tuple[float, ...]
    footways_m: tuple[tuple[float, float], ...]

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> CrossSection:
        """Draw lanes to the left of the camera's and to its right, shoulders and footways."""
        lanes_left = int(rng.choice((1, 1, 2, 3)))
        lanes_right = int(rng.choice((0, 0, 0, 1)))
        shoulders = [float(rng.choice((0.3, 0.3, 1.2, 2.8))) for _ in range(2)]
        right = -LANE_M * (lanes_right + 0.5)
        lines = right + LANE_M * np.arange(1, lanes_left + lanes_right + 1)
        asphalt = right - shoulders[0], float(lines[-1]) + LANE_M + shoulders[1]
        width = float(rng.uniform(1.2, 3.0))
        footways = ((asphalt[0] - width, asphalt[0]), (asphalt[1], asphalt[1] + width))
        kept = tuple(footway for footway in footways if rng.random() < 0.5)
        return cls(asphalt, tuple(lines.tolist()), kept)

    def edge_m(self, side: int) -> float:
        """Return where things may stand on a side, as a distance from the camera's way."""
        places = [self.asphalt_m, *self.footways_m]
        return max(side * place for pair in places for place in pair)


@dataclass(frozen=True)
class Verge:
    """
    One side of the road, and where on it something is.

    :param path: of the camera
    :param side: ``LEFT`` or ``RIGHT``
    :param section: of the road
    """

    path: Path
    side: int
    section: CrossSection

    @property
    def spacing_m(self) -> float:
        """Return the distance of two points of the way."""
        return float(np.linalg.norm(self.path.points[1] - self.path.points[0]))

    @property
    def length_m(self) -> float:
        """Return the length of the road."""
        return STEPS * self.spacing_m

    def at(self, along_m: float, off_m: float) -> tuple[Array, float]:
        """Return the place this far from the edge of the road, and the way's direction."""
        aside = self.side * (self.section.edge_m(self.side) + off_m)
        return self.path.beside(along_m / self.spacing_m, aside)

    def free(self, place: Array, radius_m: float = 1.5) -> bool:
        """Say whether something so large is beside the road, should that come by again, too."""
        away = place - self.path.points[::8]
        nearest = int((away**2).sum(1).argmin())
        heading = self.path.heading[8 * nearest]
        left = np.cos(heading) * away[nearest, 1] - np.sin(heading) * away[nearest, 0] > 0
        edge = self.section.edge_m(LEFT if left else RIGHT)
        return float(np.linalg.norm(away[nearest])) > edge + radius_m


def line_with_things(build: Builder, rng: np.random.Generator, verge: Verge) -> None:
    """Fill a side of the road: every stretch of it has its own kind of things."""
    kinds = (_trees, _wood, _wood, _hedge, _fence, _field, _gardens, _gardens, _forecourt)
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
            vehicle(build, rng, verge.at(at, 2.2)[0], heading + np.pi * (verge.side == LEFT))


def _steps(
    rng: np.random.Generator, stretch: tuple[float, float], apart_m: tuple[float, float]
) -> Iterator[float]:
    """Walk along a stretch, not evenly."""
    along = stretch[0] + float(rng.uniform(0, apart_m[0]))
    while along < stretch[1]:
        yield along
        along += float(rng.uniform(*apart_m))


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


def _trees(build: Builder, rng: np.random.Generator, verge: Verge, stretch: Stretch) -> None:
    off = float(rng.uniform(1.2, 4.5))
    for along in _steps(rng, stretch, (5, 11)):
        _tall_tree(build, rng, verge.at(along, off + float(rng.normal(0, 0.3)))[0])
        if rng.random() < 0.3:
            _bush(build, rng, verge.at(along + 3, off + 2)[0])


def _wood(build: Builder, rng: np.random.Generator, verge: Verge, stretch: Stretch) -> None:
    edge = float(rng.uniform(2.5, 6))
    for along in _steps(rng, stretch, (1.6, 3)):
        _bush(build, rng, verge.at(along, edge)[0])
    for row in (2.0, 6.5, 12.0):
        for along in _steps(rng, stretch, (3, 6)):
            place, _ = verge.at(along, edge + row)
            if verge.free(place):
                _tall_tree(build, rng, place)


def _hedge(build: Builder, rng: np.random.Generator, verge: Verge, stretch: Stretch) -> None:
    green = Look(texture.leaves, tint(rng, 0.4, 1.2), int(rng.integers(2)))
    size = (4.2, float(rng.uniform(0.7, 1.3)), float(rng.uniform(1.0, 2.6)))
    _row(build, verge, stretch, float(rng.uniform(1.5, 4)), size, green)


def _fence(build: Builder, rng: np.random.Generator, verge: Verge, stretch: Stretch) -> None:
    painter = (texture.wood, texture.bricks, texture.plaster)[int(rng.integers(3))]
    size = (4.1, 0.2, float(rng.uniform(0.8, 2.1)))
    off = float(rng.uniform(1.0, 4))
    _row(build, verge, stretch, off, size, Look(painter, tint(rng, 0.35, 1.2)))
    for along in _steps(rng, stretch, (6, 16)):
        place, _ = verge.at(along, off + float(rng.uniform(2, 6)))
        _tall_tree(build, rng, place)


def _row(
    build: Builder,
    verge: Verge,
    stretch: Stretch,
    off: float,
    size: tuple[float, float, float],
    look: Look,
) -> None:
    for along in np.arange(stretch[0] + 2, stretch[1] - 2, 4.0):
        place, heading = verge.at(float(along), off)
        build.box((*place, 0), size, look, yaw=heading)


def _field(build: Builder, rng: np.random.Generator, verge: Verge, stretch: Stretch) -> None:
    for along in _steps(rng, stretch, (8, 25)):
        for off in (float(rng.uniform(3, 9)), float(rng.uniform(18, 45))):
            place, _ = verge.at(along, off)
            if verge.free(place):
                (_bush if rng.random() < 0.5 else _tall_tree)(build, rng, place)


def _gardens(build: Builder, rng: np.random.Generator, verge: Verge, stretch: Stretch) -> None:
    front = float(rng.uniform(5, 12))
    if rng.random() < 0.6:
        (_hedge if rng.random() < 0.4 else _fence)(build, rng, verge, stretch)
    for along in np.arange(stretch[0] + 8, stretch[1] - 7, float(rng.uniform(15, 22))):
        depth = float(rng.uniform(7, 10))
        place, heading = verge.at(float(along), front + depth / 2)
        if verge.free(place, 8.0):
            _detached(build, rng, place, heading, (float(rng.uniform(8, 12)), depth))
        if rng.random() < 0.6:
            drive, _ = verge.at(float(along) + 7, float(rng.uniform(3, front)))
            car(build, rng, drive, heading + np.pi / 2 * float(rng.choice((-1, 1))))


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


def _forecourt(build: Builder, rng: np.random.Generator, verge: Verge, stretch: Stretch) -> None:
    """Pave a wide yard with parked vehicles, and mostly build something behind it."""
    depth = float(rng.uniform(10, 28))
    painter = (texture.asphalt, texture.pavement)[int(rng.integers(2))]
    look = Look(painter, tint(rng, 0.7, 1.6))
    stations = np.linspace(*stretch, 2 + round((stretch[1] - stretch[0]) / PIECE_M)).tolist()
    for start, end in itertools.pairwise(stations):
        outline = ((start, depth), (start, 0.0), (end, 0.0), (end, depth))
        corners = [(*verge.at(along, off)[0], 0.005) for along, off in outline]
        build.polygon(corners[:: verge.side], look)
    for row in np.arange(7.0, depth - 2, 7.0):
        for along in np.arange(stretch[0] + 2, stretch[1] - 2, 2.9):
            place, heading = verge.at(float(along), float(row))
            if rng.random() < 0.3 and verge.free(place, 6.0):
                vehicle(build, rng, place, heading + np.pi / 2 * float(rng.choice((-1, 1))))
    place, heading = verge.at(sum(stretch) / 2, depth + 6)
    length = min(0.7 * (stretch[1] - stretch[0]), YARD_HOUSE_M)
    if rng.random() < 0.7 and verge.free(place, YARD_HOUSE_M / 2):
        _detached(build, rng, place, heading, (length, 11.0))
