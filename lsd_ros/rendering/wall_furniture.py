"""What stands along walls: shelves, cabinets, kitchens, racks and fixtures, drawn at random."""

from __future__ import annotations

import itertools
from random import Random

from lsd_ros.rendering.clutter import BOXES, book_row, scatter
from lsd_ros.rendering.solids import Piece, Solid, Surface

FRONTS = ('wood 0', 'wood 1', 'wood 2', 'plastic white', 'paint 0', 'paint 1')


def bookshelf(rng: Random) -> Piece:
    """Boards with books, boxes and gaps."""
    width, height = rng.uniform(0.6, 1.8), rng.uniform(0.8, 2.2)
    depth, board = rng.uniform(0.25, 0.42), 0.02
    finish = rng.choice(('wood 0', 'wood 1', 'wood 2', 'plastic white', 'metal 0'))
    solid = Solid()
    for side in (-1, 1):
        solid.box((side * (width - board) / 2, 0, height / 2), (board, depth, height), finish)
    if rng.random() < 0.6:
        solid.box((0, -depth / 2 + 0.005, height / 2), (width, 0.01, height), finish)
    rows = max(2, round(height / rng.uniform(0.3, 0.42)))
    pitch = (height - 0.07) / rows
    for row in range(rows + 1):
        z = 0.05 + pitch * row
        solid.box((0, 0, z), (width - 2 * board, depth, board), finish)
        if row < rows:
            shelf = Surface(0, 0, z + board / 2, width - 2 * board, depth)
            _fill(solid, rng, shelf, pitch - board)
    tops = (Surface(0, 0, height, width * 0.9, depth * 0.8),)
    return Piece('bookshelf', solid, width, depth, height, tops, 0.002)


def _fill(solid: Solid, rng: Random, shelf: Surface, room: float) -> None:
    left, kind = shelf.x - shelf.width / 2, rng.random()
    if kind < 0.6:
        book_row(solid, rng, left, left + shelf.width, shelf, room)
    elif kind < 0.9:
        x = left + 0.05
        while x < left + shelf.width - 0.2:
            width, height = rng.uniform(0.1, 0.3), min(room - 0.02, rng.uniform(0.08, 0.3))
            if rng.random() < 0.7:
                at = (x + width / 2, shelf.y + rng.uniform(-0.03, 0.03), shelf.z + height / 2)
                solid.box(at, (width * 0.9, shelf.depth * 0.75, height), rng.choice(BOXES))
            x += width + rng.uniform(0, 0.1)


def cabinet(rng: Random) -> Piece:
    """Doors or drawers, low or high."""
    width, depth = rng.uniform(0.4, 1.8), rng.uniform(0.38, 0.62)
    height = rng.uniform(0.5, 1.0) if rng.random() < 0.6 else rng.uniform(1.6, 2.2)
    rows = rng.choice((1, 2, 3, 4)) if height < 1.2 else rng.choice((1, 1, 2))
    solid = Solid()
    _fronts(solid, rng, width, depth, height, rows)
    tops = (Surface(0, 0, height, width * 0.85, depth * 0.7),)
    return Piece('cabinet', solid, width, depth + 0.05, height, tops)


def _fronts(
    solid: Solid, rng: Random, width: float, depth: float, height: float, rows: int
) -> None:
    """Add a carcass with doors or drawers that have handles."""
    carcass, front = rng.choice(FRONTS), rng.choice(FRONTS)
    solid.box((0, 0, height / 2 + 0.02), (width, depth, height - 0.04), carcass)
    solid.box((0, 0, 0.02), (width - 0.06, depth - 0.06, 0.04), 'plastic dark')
    columns = max(1, round(width / 0.5))
    wide, high = width / columns, (height - 0.06) / rows
    handle = rng.choice(('metal 0', 'metal 1', 'plastic dark'))
    for column in range(columns):
        for row in range(rows):
            x, z = -width / 2 + wide * (column + 0.5), 0.05 + high * (row + 0.5)
            solid.box((x, depth / 2 + 0.008, z), (wide - 0.006, 0.018, high - 0.006), front)
            y = depth / 2 + 0.035
            if rows > 1:
                solid.bar(
                    (x - 0.05, y, z + high * 0.3), (x + 0.05, y, z + high * 0.3), 0.006, handle
                )
            else:
                side = x + wide * 0.38
                solid.bar((side, y, z - 0.07), (side, y, z + 0.07), 0.006, handle)


def kitchen_row(rng: Random) -> Piece:
    """Base cabinets with a worktop, sink or hob, and cabinets above."""
    width, depth, height, solid = rng.uniform(1.4, 3.2), 0.6, 0.88, Solid()
    _fronts(solid, rng, width, depth, height, rng.choice((1, 2)))
    solid.box(
        (0, 0.01, height + 0.02),
        (width + 0.02, depth + 0.04, 0.04),
        rng.choice(('stone 0', 'wood 1', 'stone 1')),
    )
    top = height + 0.04
    x = rng.uniform(-0.3, 0.3) * width
    if rng.random() < 0.6:
        solid.box((x, 0.03, top), (0.5, 0.4, 0.012), 'metal 0')
        solid.bar((x, -0.2, top), (x, -0.2, top + 0.25), 0.012, 'metal 0')
        solid.bar((x, -0.2, top + 0.25), (x, -0.02, top + 0.2), 0.01, 'metal 0')
    else:
        solid.box((x, 0, top + 0.004), (0.56, 0.5, 0.008), 'plastic dark')
        solid.bar((x, 0.05, top), (x, 0.05, top + 0.14), 0.1, 'metal 1', sides=18)
    scatter(solid, rng, Surface(0, -0.05, top, width * 0.9, 0.35), rng.randint(3, 10))
    if rng.random() < 0.7:
        upper = Solid()
        _fronts(upper, rng, width * rng.uniform(0.5, 1), 0.34, rng.uniform(0.5, 0.75), 1)
        solid.add(upper, (0, -depth / 2 + 0.17, 1.4))
    return Piece('kitchen', solid, width + 0.02, depth + 0.06, 2.1)


def fridge(rng: Random) -> Piece:
    """A fridge."""
    solid, height = Solid(), rng.uniform(0.85, 2.0)
    finish = rng.choice(('plastic white', 'metal 0', 'metal 1'))
    solid.box((0, 0, height / 2), (0.6, 0.6, height), finish)
    parts = (0.0, 1.0) if height < 1.2 else (0.0, rng.uniform(0.35, 0.65), 1.0)
    for low, high in itertools.pairwise(parts):
        size = (0.59, 0.03, height * (high - low) - 0.01)
        solid.box((0, 0.315, height * (low + high) / 2), size, finish)
        z = height * (low + high) / 2
        solid.bar((0.25, 0.35, z - 0.15), (0.25, 0.35, z + 0.15), 0.01, 'metal 0')
    return Piece('fridge', solid, 0.6, 0.68, height, (Surface(0, 0, height, 0.5, 0.4),), 0.01)


def pallet(rng: Random) -> Piece:
    """A pallet, bare or loaded."""
    solid = Solid()
    for index in range(7):
        solid.box((-0.54 + 0.18 * index, 0, 0.13), (0.12, 0.8, 0.022), 'wood 2')
    for y in (-0.35, 0, 0.35):
        solid.box((0, y, 0.11), (1.2, 0.09, 0.02), 'wood 2')
        for x in (-0.55, 0, 0.55):
            solid.box((x, y, 0.05), (0.12, 0.09, 0.1), 'wood 2')
    height = 0.14
    if rng.random() < 0.5:
        load, finish = rng.uniform(0.3, 1.3), rng.choice(BOXES)
        for x in (-0.29, 0.29):
            for y in (-0.2, 0.2):
                solid.box((x, y, height + load / 2), (0.57, 0.39, load), finish)
        height += load
    return Piece('pallet', solid, 1.2, 0.8, height)


def rack(rng: Random) -> Piece:
    """A pallet rack with its load."""
    width, depth, height = rng.uniform(1.8, 3.2), rng.uniform(0.6, 1.1), rng.uniform(2.0, 4.5)
    upright, beam, solid = (
        rng.choice(('plastic 0', 'metal 0')),
        rng.choice(('plastic 1', 'plastic 3')),
        Solid(),
    )
    for x in (-1, 1):
        for y in (-1, 1):
            solid.box(
                (x * (width / 2 - 0.04), y * (depth / 2 - 0.04), height / 2),
                (0.08, 0.07, height),
                upright,
            )
    for level in range(int(height / rng.uniform(0.8, 1.4)) + 1):
        z = 0.12 + level * (height - 0.3) / max(1, int(height / 1.1))
        if z > height:
            break
        for y in (-1, 1):
            solid.box((0, y * (depth / 2 - 0.04), z), (width - 0.1, 0.05, 0.11), beam)
        solid.box((0, 0, z + 0.06), (width - 0.1, depth - 0.1, 0.02), 'wood 2')
        left = -width / 2 + 0.2
        while left < width / 2 - 0.65:
            wide, high = rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.7)
            if rng.random() < 0.75:
                size = (wide * 0.95, depth * rng.uniform(0.5, 0.85), high)
                solid.box((left + wide / 2, 0, z + 0.07 + high / 2), size, rng.choice(BOXES))
            left += wide + rng.uniform(0.02, 0.2)
    return Piece('rack', solid, width, depth, height)


def workbench(rng: Random) -> Piece:
    """A heavy bench with tools."""
    width, depth, height, solid = (
        rng.uniform(1.2, 2.2),
        rng.uniform(0.6, 0.8),
        rng.uniform(0.82, 0.92),
        Solid(),
    )
    solid.box((0, 0, height - 0.03), (width, depth, 0.06), 'wood 1')
    for x in (-1, 1):
        for y in (-1, 1):
            solid.box(
                (x * (width / 2 - 0.06), y * (depth / 2 - 0.06), height / 2 - 0.03),
                (0.08, 0.08, height - 0.06),
                'wood 2',
            )
    solid.box((0, 0, 0.2), (width - 0.1, depth - 0.1, 0.03), 'wood 2')
    scatter(solid, rng, Surface(0, 0, 0.215, width * 0.8, depth * 0.7), rng.randint(2, 6))
    solid.box((-width / 3, 0.1, height + 0.08), (0.14, 0.25, 0.16), 'metal 1')
    tops = (Surface(0.1, 0, height, width * 0.8, depth * 0.8),)
    return Piece('workbench', solid, width, depth, height, tops)


def basin(rng: Random) -> Piece:
    """A washbasin with a mirror over it."""
    solid, width = Solid(), rng.uniform(0.5, 0.8)
    solid.box((0, 0, 0.8), (width, 0.45, 0.14), 'plastic white')
    solid.bar((0, -0.05, 0), (0, -0.05, 0.73), 0.09, 'plastic white')
    solid.bar((0, -0.15, 0.87), (0, -0.15, 1.0), 0.014, 'metal 0')
    solid.bar((0, -0.15, 1.0), (0, -0.03, 0.98), 0.01, 'metal 0')
    solid.box((0, -0.215, 1.5), (width, 0.01, 0.7), 'print 1')
    return Piece('basin', solid, width, 0.46, 1.0, bevel=0.02)


def toilet(_: Random) -> Piece:
    """A toilet."""
    solid = Solid()
    solid.ball((0, 0.08, 0.3), 0.5, 'plastic white', (0.38, 0.5, 0.28), 16)
    solid.bar((0, 0.04, 0), (0, 0.04, 0.25), 0.11, 'plastic white', 0.15, 14)
    solid.bar((0, 0.1, 0.4), (0, 0.1, 0.43), 0.2, 'plastic white', sides=20)
    solid.box((0, -0.24, 0.55), (0.38, 0.17, 0.4), 'plastic white')
    return Piece('toilet', solid, 0.42, 0.68, 0.76, bevel=0.015)


def bathtub(_: Random) -> Piece:
    """A bathtub, as four walls and a floor."""
    solid = Solid()
    solid.box((0, 0, 0.1), (1.6, 0.72, 0.2), 'plastic white')
    for y in (-0.33, 0.33):
        solid.box((0, y, 0.3), (1.6, 0.06, 0.56), 'plastic white')
    for x in (-0.76, 0.76):
        solid.box((x, 0, 0.3), (0.08, 0.7, 0.56), 'plastic white')
    return Piece('bathtub', solid, 1.6, 0.74, 0.58, bevel=0.02)


def radiator(rng: Random) -> Piece:
    """A radiator at the wall."""
    solid, width, height = Solid(), rng.uniform(0.6, 1.6), rng.uniform(0.4, 0.65)
    for index in range(int(width / 0.06)):
        x = -width / 2 + 0.03 + 0.06 * index
        solid.box((x, 0, 0.12 + height / 2), (0.045, 0.08, height), 'plastic white')
    solid.bar((-width / 2, 0, 0.15), (width / 2, 0, 0.15), 0.012, 'plastic white')
    return Piece('radiator', solid, width, 0.12, height + 0.12, bevel=0.008)


def screen_wall(rng: Random) -> Piece:
    """A partition between desks."""
    solid, width, height = Solid(), rng.uniform(1.0, 2.0), rng.uniform(1.2, 1.8)
    solid.box(
        (0, 0, height / 2 + 0.03),
        (width, 0.05, height - 0.06),
        rng.choice(('fabric 0', 'fabric 1', 'plastic white')),
    )
    for x in (-width / 2 + 0.1, width / 2 - 0.1):
        solid.box((x, 0, 0.02), (0.05, 0.4, 0.03), 'metal 0')
    return Piece('partition', solid, width, 0.4, height)


def television(rng: Random) -> Piece:
    """A low cabinet with a television."""
    solid, width = Solid(), rng.uniform(0.9, 1.5)
    _fronts(solid, rng, width + 0.2, 0.42, 0.5, rng.choice((1, 2)))
    solid.box((0, -0.02, 0.5 + 0.06 + width * 0.28), (width, 0.05, width * 0.56), 'plastic dark')
    solid.box(
        (0, 0.008, 0.5 + 0.06 + width * 0.28),
        (width - 0.03, 0.002, width * 0.56 - 0.03),
        'screen 0',
    )
    solid.box((0, -0.02, 0.51), (0.5, 0.2, 0.02), 'plastic dark')
    return Piece('television', solid, width + 0.2, 0.47, 0.6 + width * 0.56)
