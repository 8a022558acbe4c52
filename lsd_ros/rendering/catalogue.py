"""Kinds of rooms, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lsd_ros.rendering import clutter, furniture, wall_furniture
from lsd_ros.rendering.solids import Piece

Maker = Callable[[Random], Piece]


@dataclass(frozen=True)
class Item:
    """
    Something that a kind of room has.

    :param make: draws one
    :param least, most: how many of them
    :param per_10_m2: how many more for each 10 m2 of floor
    :param at_wall: whether it stands with its back to a wall
    :param with_it: what stands around each, such as chairs
    """

    make: Maker
    least: int
    most: int
    per_10_m2: float = 0.0
    at_wall: bool = False
    with_it: Maker | None = None

    def count(self, rng: Random, area_m2: float) -> int:
        """Draw how many."""
        more = min(self.per_10_m2 * area_m2 / 10 * rng.uniform(0.5, 1.5), 12)
        return rng.randint(self.least, self.most) + round(more)


@dataclass(frozen=True)
class RoomKind:
    """
    What rooms of a kind have in common.

    :param width_m, depth_m, height_m: least and most [m]
    :param style: of its materials: ``home``, ``office``, ``hall`` or ``bath``
    :param angled: share of rooms in the form of an L
    :param windows, doors: chance of one at each place of an outer wall
    """

    name: str
    width_m: tuple[float, float]
    depth_m: tuple[float, float]
    height_m: tuple[float, float]
    style: str
    furniture: tuple[Item, ...]
    angled: float = 0.0
    windows: float = 0.4
    doors: float = 0.25


_LOW, _HIGH = (2.25, 3.1), (3.0, 6.0)
_SMALL = (
    Item(clutter.waste_bin, 0, 2),
    Item(clutter.plant, 0, 2),
    Item(clutter.bag, 0, 2),
    Item(clutter.parcels, 0, 2),
    Item(clutter.pole, 0, 1),
    Item(clutter.person, 0, 1),
    Item(wall_furniture.radiator, 0, 2, at_wall=True),
)

_ALL = (
    RoomKind(
        'living',
        (3.2, 6.5),
        (3.2, 7.0),
        _LOW,
        'home',
        angled=0.3,
        furniture=(
            Item(wall_furniture.television, 0, 1, at_wall=True),
            Item(furniture.sofa, 1, 3, at_wall=True),
            Item(wall_furniture.bookshelf, 1, 3, at_wall=True),
            Item(wall_furniture.cabinet, 0, 2, at_wall=True),
            Item(furniture.low_table, 1, 2),
            Item(furniture.table, 0, 1, with_it=furniture.chair),
            Item(furniture.chair, 0, 2),
            Item(clutter.floor_lamp, 0, 2),
            *_SMALL,
        ),
    ),
    RoomKind(
        'bedroom',
        (2.8, 4.5),
        (3.0, 5.0),
        _LOW,
        'home',
        furniture=(
            Item(furniture.bed, 1, 1, at_wall=True),
            Item(wall_furniture.cabinet, 1, 3, at_wall=True),
            Item(furniture.desk, 0, 1, at_wall=True, with_it=furniture.chair),
            Item(wall_furniture.bookshelf, 0, 1, at_wall=True),
            Item(furniture.chair, 0, 2),
            Item(clutter.floor_lamp, 0, 1),
            *_SMALL,
        ),
    ),
    RoomKind(
        'kitchen',
        (2.4, 5.0),
        (3.0, 6.0),
        _LOW,
        'home',
        angled=0.2,
        furniture=(
            Item(wall_furniture.kitchen_row, 1, 3, at_wall=True),
            Item(wall_furniture.fridge, 1, 1, at_wall=True),
            Item(furniture.table, 0, 1, 0.4, with_it=furniture.chair),
            Item(wall_furniture.bookshelf, 0, 1, at_wall=True),
            Item(furniture.chair, 0, 3),
            *_SMALL,
        ),
    ),
    RoomKind(
        'office',
        (3.0, 9.0),
        (3.5, 12.0),
        (2.4, 3.2),
        'office',
        angled=0.3,
        furniture=(
            Item(furniture.desk, 1, 2, 0.6, at_wall=True, with_it=furniture.office_chair),
            Item(furniture.desk, 0, 1, 0.6, with_it=furniture.office_chair),
            Item(wall_furniture.bookshelf, 1, 3, at_wall=True),
            Item(wall_furniture.cabinet, 1, 3, at_wall=True),
            Item(wall_furniture.screen_wall, 0, 2),
            Item(furniture.chair, 0, 2),
            *_SMALL,
        ),
    ),
    RoomKind(
        'meeting',
        (3.5, 6.0),
        (4.5, 9.0),
        (2.4, 3.2),
        'office',
        furniture=(
            Item(
                lambda r: furniture.table(r, r.uniform(1.4, 2.4), 1.0),
                1,
                2,
                with_it=furniture.office_chair,
            ),
            Item(wall_furniture.cabinet, 0, 2, at_wall=True),
            Item(wall_furniture.television, 0, 1, at_wall=True),
            Item(furniture.chair, 1, 5),
            *_SMALL,
        ),
    ),
    RoomKind(
        'corridor',
        (1.5, 2.8),
        (7.0, 20.0),
        (2.3, 3.0),
        'office',
        windows=0.1,
        doors=0.5,
        furniture=(
            Item(wall_furniture.cabinet, 0, 3, at_wall=True),
            Item(furniture.bench, 0, 2, at_wall=True),
            Item(furniture.chair, 0, 3, at_wall=True),
            *_SMALL,
        ),
    ),
    RoomKind(
        'lobby',
        (6.0, 12.0),
        (7.0, 16.0),
        _HIGH,
        'office',
        angled=0.3,
        windows=0.55,
        furniture=(
            Item(furniture.sofa, 1, 2, 0.15),
            Item(furniture.low_table, 1, 2, 0.1),
            Item(wall_furniture.cabinet, 1, 2, at_wall=True),
            Item(furniture.table, 0, 2, 0.1, with_it=furniture.chair),
            Item(furniture.bench, 0, 2),
            Item(clutter.person, 0, 3),
            *_SMALL,
        ),
    ),
    RoomKind(
        'warehouse',
        (9.0, 16.0),
        (12.0, 24.0),
        (4.5, 8.0),
        'hall',
        windows=0.1,
        doors=0.12,
        furniture=(
            Item(wall_furniture.rack, 2, 4, 0.25),
            Item(wall_furniture.rack, 2, 4, at_wall=True),
            Item(wall_furniture.pallet, 3, 8),
            Item(clutter.parcels, 2, 6),
            Item(clutter.barrel, 0, 4),
            Item(clutter.person, 0, 2),
            Item(clutter.pole, 0, 3),
        ),
    ),
    RoomKind(
        'workshop',
        (5.0, 9.0),
        (6.0, 12.0),
        _HIGH,
        'hall',
        windows=0.3,
        furniture=(
            Item(wall_furniture.workbench, 2, 4, at_wall=True),
            Item(wall_furniture.workbench, 0, 2),
            Item(wall_furniture.rack, 1, 2, at_wall=True),
            Item(wall_furniture.cabinet, 1, 3, at_wall=True),
            Item(clutter.ladder, 0, 2),
            Item(clutter.barrel, 0, 3),
            Item(wall_furniture.pallet, 0, 2),
            *_SMALL,
        ),
    ),
    RoomKind(
        'bath',
        (1.8, 3.2),
        (2.0, 4.0),
        (2.3, 2.8),
        'bath',
        furniture=(
            Item(wall_furniture.bathtub, 0, 1, at_wall=True),
            Item(wall_furniture.basin, 1, 2, at_wall=True),
            Item(wall_furniture.toilet, 1, 1, at_wall=True),
            Item(wall_furniture.cabinet, 0, 1, at_wall=True),
            Item(clutter.waste_bin, 0, 2),
        ),
    ),
)
KINDS = {kind.name: kind for kind in _ALL}
