"""The plan of a room: its outline, openings, lights, and where each piece stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

from lsd_ros.rendering.catalogue import KINDS, Maker, RoomKind
from lsd_ros.rendering.solids import Piece

CELL_M = 0.05  # of the grid that says what is free
DOOR_M = 2.05  # height of a door


@dataclass(frozen=True)
class Opening:
    """
    A hole in a wall.

    :param kind: ``window``, ``door`` (closed) or ``doorway``, behind which another room lies
    :param left, right: along the wall [m]
    :param bottom, top: [m]
    """

    kind: str
    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Wall:
    """
    A wall, with the room on its left as one walks from its start to its end.

    :param start, end: [m]
    :param openings: from left to right
    """

    start: tuple[float, float]
    end: tuple[float, float]
    openings: tuple[Opening, ...]

    @property
    def length(self) -> float:
        """[m]."""
        return math.dist(self.start, self.end)

    @property
    def yaw(self) -> float:
        """Direction from start to end [rad]."""
        return math.atan2(self.end[1] - self.start[1], self.end[0] - self.start[0])

    def at(self, along: float, inwards: float = 0.0) -> tuple[float, float]:
        """Return a point of the floor by its distance along and before the wall [m]."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        return (
            self.start[0] + c * along - s * inwards,
            self.start[1] + s * along + c * inwards,
        )

    def is_blank(self, left: float, right: float) -> bool:
        """Say whether no opening is between two distances along the wall [m]."""
        return all(o.right < left or o.left > right for o in self.openings)


@dataclass(frozen=True)
class Placed:
    """A piece where it stands: position of its middle [m] and turn about the vertical [rad]."""

    piece: Piece
    x: float
    y: float
    yaw: float


@dataclass
class Floor:
    """
    What is free, in cells of ``CELL_M``.

    :param inside: whether a cell is in the room, shape (X, Y)
    :param height: of what stands in a cell [m], shape (X, Y)
    """

    inside: NDArray[np.bool_]
    height: NDArray[np.float32]
    _x: NDArray[np.float64] = field(init=False)
    _y: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        """Remember where the cells are."""
        shape = self.inside.shape
        axes = ((np.arange(n) + 0.5) * CELL_M for n in shape)
        self._x, self._y = np.meshgrid(*axes, indexing='ij')

    def take(self, placed: Placed, margin: float = 0.02) -> bool:
        """Put a piece there if all of its footprint is free; say whether it was."""
        piece = placed.piece
        cells = self._cells(placed.x, placed.y, piece.width, piece.depth, placed.yaw)
        expected = piece.width * piece.depth / CELL_M**2
        if cells.sum() < 0.8 * expected - 8 or not self._is_free(cells):
            return False
        wide, deep = piece.width + 2 * margin, piece.depth + 2 * margin
        cells = self._cells(placed.x, placed.y, wide, deep, placed.yaw)
        self.height[cells] = np.maximum(self.height[cells], piece.height)
        return True

    def keep_clear(self, x: float, y: float, width: float, depth: float, yaw: float) -> None:
        """Let nothing stand there, such as before a door; a camera may pass."""
        cells = self._cells(x, y, width, depth, yaw)
        self.height[cells] = np.maximum(self.height[cells], 0.01)

    def is_open(self, x: float, y: float, above: float, around: float) -> bool:
        """Say whether nothing within a distance [m] reaches up to a height [m]."""
        near = (np.abs(self._x - x) <= around) & (np.abs(self._y - y) <= around)
        inside = 0 <= x < self.inside.shape[0] * CELL_M and 0 <= y < self.inside.shape[1] * CELL_M
        blocked = ~self.inside | (self.height > above)
        return bool(inside and near.any() and not blocked[near].any())

    def _is_free(self, cells: NDArray[np.bool_]) -> bool:
        return bool(self.inside[cells].all() and not self.height[cells].any())

    def _cells(
        self, x: float, y: float, width: float, depth: float, yaw: float
    ) -> NDArray[np.bool_]:
        c, s = math.cos(yaw), math.sin(yaw)
        right = (self._x - x) * c + (self._y - y) * s
        ahead = (self._y - y) * c - (self._x - x) * s
        return (np.abs(right) <= width / 2) & (np.abs(ahead) <= depth / 2)


@dataclass(frozen=True)
class RoomPlan:
    """
    Everything of a room but its materials.

    :param kind: what it is used for
    :param width: [m], along x
    :param depth: [m], along y
    :param height: [m]
    :param outline: corners, counter-clockwise [m]
    :param floor: what is free
    """

    kind: RoomKind
    width: float
    depth: float
    height: float
    outline: tuple[tuple[float, float], ...]
    walls: tuple[Wall, ...]
    floor: Floor
    placed: tuple[Placed, ...]


def plan_room(rng: Random, kind: RoomKind | None = None) -> RoomPlan:
    """Draw a room: outline, openings, and furniture along the walls and in the middle."""
    kind = kind or rng.choice(list(KINDS.values()))
    width, depth = rng.uniform(*kind.width_m), rng.uniform(*kind.depth_m)
    outline = _outline(rng, kind, width, depth)
    floor = _floor(outline, width, depth)
    walls = tuple(
        _wall(rng, kind, start, end, (width, depth))
        for start, end in zip(outline, (*outline[1:], outline[0]), strict=True)
    )
    height = rng.uniform(*kind.height_m)
    for wall in walls:
        for opening in wall.openings:
            if opening.kind != 'window':
                x, y = wall.at((opening.left + opening.right) / 2, 0.4)
                floor.keep_clear(x, y, opening.right - opening.left, 0.8, wall.yaw)
    placed = _furnish(rng, kind, walls, floor, (width, depth))
    return RoomPlan(kind, width, depth, height, outline, walls, floor, tuple(placed))


def _outline(
    rng: Random, kind: RoomKind, width: float, depth: float
) -> tuple[tuple[float, float], ...]:
    """Return a rectangle, or an L of it."""
    if rng.random() > kind.angled:
        return ((0, 0), (width, 0), (width, depth), (0, depth))
    x, y = width * rng.uniform(0.4, 0.7), depth * rng.uniform(0.4, 0.7)
    return ((0, 0), (width, 0), (width, y), (x, y), (x, depth), (0, depth))


def _floor(outline: tuple[tuple[float, float], ...], width: float, depth: float) -> Floor:
    inside = np.ones((int(width / CELL_M), int(depth / CELL_M)), bool)
    if len(outline) == 6:
        x, y = outline[3]
        inside[int(x / CELL_M) :, int(y / CELL_M) :] = False
    return Floor(inside, np.zeros(inside.shape, np.float32))


def _wall(
    rng: Random,
    kind: RoomKind,
    start: tuple[float, float],
    end: tuple[float, float],
    size: tuple[float, float],
) -> Wall:
    """Draw windows and doors into an outer wall; the inner ones of an L stay blank."""
    outer = any(start[i] == end[i] and start[i] in (0, size[i]) for i in range(2))
    openings, length, x = [], math.dist(start, end), rng.uniform(0.3, 1.2)
    while outer and x < length - 1.1:
        draw = rng.random()
        if draw < kind.windows:
            wide, bottom = (
                rng.uniform(0.6, min(2.4, length - x - 0.3)),
                rng.choice((0.05, 0.4, 0.8, 0.95)),
            )
            openings.append(Opening('window', x, x + wide, bottom, bottom + rng.uniform(1.0, 1.3)))
            x += wide
        elif draw < kind.windows + kind.doors:
            wide = rng.uniform(0.8, 0.95)
            what = rng.choice(('door', 'door', 'doorway'))
            openings.append(Opening(what, x, x + wide, 0.0, DOOR_M))
            x += wide
        x += rng.uniform(0.25, 1.8)
    return Wall(start, end, tuple(openings))


def _furnish(
    rng: Random,
    kind: RoomKind,
    walls: tuple[Wall, ...],
    floor: Floor,
    size: tuple[float, float],
) -> list[Placed]:
    area = float(floor.inside.sum()) * CELL_M**2
    placed: list[Placed] = []
    for item in kind.furniture:
        for _ in range(item.count(rng, area)):
            piece = item.make(rng)
            found = (
                _against_a_wall(rng, piece, walls, floor)
                if item.at_wall
                else _somewhere(rng, piece, size, floor)
            )
            if found is None:
                continue
            placed.append(found)
            if item.with_it is not None:
                placed.extend(_around(rng, item.with_it, found, floor))
    return placed


def _against_a_wall(
    rng: Random, piece: Piece, walls: tuple[Wall, ...], floor: Floor, tries: int = 10
) -> Placed | None:
    for _ in range(tries):
        wall = rng.choice(walls)
        if wall.length < piece.width + 0.1:
            continue
        low, high = piece.width / 2 + 0.04, wall.length - piece.width / 2 - 0.04
        along = rng.choice((rng.uniform(low, high), low, high))
        tall = piece.height > 1.0
        if tall and not wall.is_blank(along - piece.width / 2, along + piece.width / 2):
            continue
        x, y = wall.at(along, piece.depth / 2 + 0.04)
        placed = Placed(piece, x, y, wall.yaw)
        if floor.take(placed):
            return placed
    return None


def _somewhere(
    rng: Random, piece: Piece, size: tuple[float, float], floor: Floor, tries: int = 10
) -> Placed | None:
    for _ in range(tries):
        x, y = rng.uniform(0.3, size[0] - 0.3), rng.uniform(0.3, size[1] - 0.3)
        square = rng.choice((0, 0.5, 1, 1.5)) * math.pi + rng.uniform(-0.05, 0.05)
        yaw = square if rng.random() < 0.6 else rng.uniform(0, 2 * math.pi)
        placed = Placed(piece, x, y, yaw)
        if floor.take(placed):
            return placed
    return None


def _around(rng: Random, make: Maker, middle: Placed, floor: Floor) -> list[Placed]:
    """Put chairs before, behind and beside a table, facing it more or less."""
    found = []
    wide = middle.piece.width > 1.3
    places = [(x, side) for side in (-1, 1) for x in ((-0.25, 0.25) if wide else (0,))]
    for share, side in places:
        if rng.random() < 0.35:
            continue
        piece = make(rng)
        across = share * middle.piece.width
        ahead = side * (middle.piece.depth / 2 + piece.depth / 2 + rng.uniform(-0.02, 0.2))
        c, s = math.cos(middle.yaw), math.sin(middle.yaw)
        x, y = middle.x + c * across - s * ahead, middle.y + s * across + c * ahead
        facing = middle.yaw + (math.pi if side > 0 else 0) + rng.gauss(0, 0.3)
        placed = Placed(piece, x, y, facing)
        if floor.take(placed):
            found.append(placed)
    return found
