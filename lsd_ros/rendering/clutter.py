"""Small things that lie and stand about, and people: drawn at random, in metres."""

from __future__ import annotations

import math
from random import Random

from lsd_ros.rendering.solids import Piece, Solid, Surface

PLASTICS = tuple(f'plastic {index}' for index in range(6))
BOXES = ('cardboard 0', 'cardboard 1', *PLASTICS)
BOOKS = tuple(f'book {index}' for index in range(8))


def scatter(solid: Solid, rng: Random, area: Surface, count: int) -> None:
    """Lay things on a surface, as people do: in heaps, askew, a few upright."""
    makers = (
        _books,
        _books,
        _papers,
        _papers,
        _cup,
        _bottle,
        _bottle,
        _parcel,
        _parcel,
        _bowl,
        _lamp,
        _pot,
    )
    for _ in range(count):
        at = (
            area.x + rng.uniform(-0.5, 0.5) * area.width,
            area.y + rng.uniform(-0.5, 0.5) * area.depth,
            area.z,
        )
        solid.add(rng.choice(makers)(rng), at, rng.uniform(0, 2 * math.pi))


def _books(rng: Random) -> Solid:
    solid, top = Solid(), 0.0
    for _ in range(rng.randint(1, 5)):
        thick = rng.uniform(0.01, 0.04)
        size = (rng.uniform(0.12, 0.2), rng.uniform(0.17, 0.28), thick)
        solid.box((0, 0, top + thick / 2), size, rng.choice(BOOKS), rng.uniform(-0.3, 0.3))
        top += thick
    return solid


def _papers(rng: Random) -> Solid:
    solid = Solid()
    for index in range(rng.randint(1, 4)):
        at = (rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06), 0.002 + 0.0014 * index)
        finish = rng.choice(('paper 0', 'paper 0', 'print 0', 'print 1'))
        solid.box(at, (0.21, 0.297, 0.001), finish, rng.uniform(-0.4, 0.4))
    return solid


def _cup(rng: Random) -> Solid:
    solid, finish = Solid(), rng.choice((*PLASTICS, 'plastic white'))
    height = rng.uniform(0.08, 0.12)
    solid.bar((0, 0, 0), (0, 0, height), 0.034, finish, 0.042, 14)
    solid.bar((0.04, 0, height * 0.3), (0.065, 0, height * 0.5), 0.005, finish, sides=6)
    solid.bar((0.065, 0, height * 0.5), (0.04, 0, height * 0.75), 0.005, finish, sides=6)
    return solid


def _bottle(rng: Random) -> Solid:
    solid, finish = Solid(), rng.choice((*PLASTICS, 'glass', 'plastic dark'))
    height, radius = rng.uniform(0.14, 0.3), rng.uniform(0.025, 0.05)
    solid.bar((0, 0, 0), (0, 0, height * 0.65), radius, finish, sides=14)
    solid.bar((0, 0, height * 0.65), (0, 0, height * 0.8), radius, finish, radius * 0.4, 14)
    solid.bar((0, 0, height * 0.8), (0, 0, height), radius * 0.4, finish, sides=10)
    return solid


def _parcel(rng: Random) -> Solid:
    solid, height = Solid(), rng.uniform(0.04, 0.22)
    size = (rng.uniform(0.06, 0.25), rng.uniform(0.06, 0.25), height)
    solid.box((0, 0, height / 2), size, rng.choice(BOXES))
    if rng.random() < 0.4:
        solid.box((0, 0, height + 0.001), (size[0], 0.03, 0.002), 'paper 0')
    return solid


def _bowl(rng: Random) -> Solid:
    solid = Solid()
    solid.bar((0, 0, 0), (0, 0, 0.06), 0.05, rng.choice(PLASTICS), rng.uniform(0.09, 0.13), 16)
    for _ in range(rng.randint(0, 5)):
        at = (rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05), 0.075)
        solid.ball(at, 0.036, rng.choice(PLASTICS), sides=8)
    return solid


def _lamp(rng: Random) -> Solid:
    solid, metal = Solid(), rng.choice(('metal 0', 'plastic dark', 'plastic white'))
    reach = rng.uniform(0.08, 0.2)
    solid.bar((0, 0, 0), (0, 0, 0.02), 0.08, metal, sides=16)
    solid.bar((0, 0, 0.02), (reach / 2, 0, 0.28), 0.007, metal, sides=8)
    solid.bar((reach / 2, 0, 0.28), (reach * 1.4, 0, 0.42), 0.007, metal, sides=8)
    solid.bar((reach * 1.35, 0, 0.44), (reach * 1.6, 0, 0.36), 0.025, metal, 0.065, 14)
    return solid


def _pot(rng: Random) -> Solid:
    return leaves(rng, rng.uniform(0.15, 0.4))


def leaves(rng: Random, height: float) -> Solid:
    """A plant in its pot."""
    solid, pot, radius = Solid(), height * 0.35, height * rng.uniform(0.16, 0.26)
    solid.bar((0, 0, 0), (0, 0, pot), radius * 0.75, rng.choice(PLASTICS), radius, 16)
    slender, leaf = rng.random() < 0.4, rng.choice(('leaf 0', 'leaf 1'))
    for _ in range(rng.randint(14, 40)):
        around, lean = rng.uniform(0, 2 * math.pi), rng.uniform(0.1, 1.1)
        long = height * rng.uniform(0.35, 0.7)
        wide = long * (rng.uniform(0.03, 0.06) if slender else rng.uniform(0.1, 0.2))
        foot = pot if slender else pot + rng.uniform(0, height * 0.4)
        x, y = math.cos(around) * math.sin(lean), math.sin(around) * math.sin(lean)
        middle = (x * long * 0.55, y * long * 0.55, foot + math.cos(lean) * long * 0.55)
        tip = (x * long, y * long, foot + math.cos(lean) * long * 0.85)
        side = (-math.sin(around) * wide, math.cos(around) * wide)
        left = (middle[0] + side[0], middle[1] + side[1], middle[2])
        right = (middle[0] - side[0], middle[1] - side[1], middle[2])
        solid.sheet(((0, 0, foot), left, tip, right), leaf)
        if not slender:
            solid.bar((0, 0, pot), middle, 0.004, leaf, sides=4)
    return solid


def plant(rng: Random) -> Piece:
    """A plant that stands on the floor."""
    height = rng.uniform(0.5, 1.8)
    return Piece('plant', leaves(rng, height), 0.5, 0.5, height)


def monitor(rng: Random) -> Solid:
    """A screen on its foot, seen from +y."""
    solid, width = Solid(), rng.uniform(0.42, 0.68)
    height, foot = width * rng.choice((0.56, 0.62)), rng.uniform(0.08, 0.16)
    frame, shows = rng.choice(('plastic dark', 'plastic dark', 'metal 0')), rng.randint(0, 2)
    solid.box((0, 0, foot + height / 2), (width, 0.03, height), frame)
    solid.box(
        (0, 0.0165, foot + height / 2), (width - 0.02, 0.002, height - 0.02), f'screen {shows}'
    )
    solid.box((0, -0.03, foot / 2 + 0.04), (0.05, 0.03, foot + 0.1), frame)
    solid.box((0, -0.02, 0.006), (0.24, 0.18, 0.012), frame)
    return solid


def book_row(
    solid: Solid, rng: Random, left: float, right: float, shelf: Surface, room: float
) -> None:
    """Stand books on a board, from left to right, at most as high as there is room [m]."""
    x = left
    while x < right - 0.05:
        if rng.random() < 0.1:
            x += rng.uniform(0.05, 0.3)
            continue
        thick, depth = rng.uniform(0.012, 0.05), min(shelf.depth, rng.uniform(0.13, 0.22))
        height = min(room - 0.02, rng.uniform(0.17, 0.33))
        y = shelf.y + (shelf.depth - depth) / 2 * rng.uniform(-0.9, 0.6)
        size = (thick * 0.95, depth, height)
        solid.box((x + thick / 2, y, shelf.z + height / 2), size, rng.choice(BOOKS))
        x += thick


def floor_lamp(rng: Random) -> Piece:
    """A lamp on a pole, its shade alight."""
    solid, height, metal = Solid(), rng.uniform(1.3, 1.8), rng.choice(('metal 0', 'plastic dark'))
    solid.bar((0, 0, 0), (0, 0, 0.02), 0.14, metal, sides=16)
    solid.bar((0, 0, 0), (0, 0, height), 0.011, metal)
    shade = rng.uniform(0.12, 0.22)
    solid.bar(
        (0, 0, height - 0.2), (0, 0, height + 0.05), shade, 'glow 0', shade * rng.uniform(0.5, 1)
    )
    return Piece('lamp', solid, 0.34, 0.34, height)


def waste_bin(rng: Random) -> Piece:
    """A bin."""
    solid, height, radius = Solid(), rng.uniform(0.28, 0.75), rng.uniform(0.11, 0.24)
    finish = rng.choice((*PLASTICS, 'metal 0', 'plastic dark'))
    solid.bar((0, 0, 0), (0, 0, height), radius * 0.85, finish, radius, 18)
    return Piece('bin', solid, 2 * radius, 2 * radius, height)


def parcels(rng: Random) -> Piece:
    """A heap of boxes."""
    solid, top, first = Solid(), 0.0, 0.0
    width = rng.uniform(0.3, 0.65)
    for index in range(rng.randint(1, 4)):
        height = rng.uniform(0.15, 0.45)
        size = (width * rng.uniform(0.75, 1), width * rng.uniform(0.6, 1), height)
        turn = rng.uniform(-0.15, 0.15) * (index > 0)
        solid.box((0, 0, top + height / 2), size, rng.choice(BOXES), turn)
        solid.box((0, 0, top + height + 0.001), (size[0] * 0.98, 0.05, 0.002), 'paper 0', turn)
        top, first = top + height, first or size[0]
    return Piece('boxes', solid, width, width, top, (Surface(0, 0, top, 0.2, 0.2),))


def bag(rng: Random) -> Piece:
    """A bag or a rucksack left on the floor."""
    solid, height, finish = (
        Solid(),
        rng.uniform(0.25, 0.5),
        rng.choice(('fabric 0', 'fabric 3', 'plastic dark')),
    )
    solid.ball((0, 0, height / 2), 0.5, finish, (0.3, 0.22, height), 12)
    solid.bar((-0.06, 0, height * 0.95), (0.06, 0, height * 0.95), 0.012, 'plastic dark')
    return Piece('bag', solid, 0.32, 0.24, height)


def ladder(rng: Random) -> Piece:
    """A step ladder."""
    solid, height, width = Solid(), rng.uniform(1.1, 2.2), rng.uniform(0.4, 0.5)
    metal, splay = rng.choice(('metal 0', 'metal 1', 'wood 2')), rng.uniform(0.25, 0.4)
    for x in (-width / 2, width / 2):
        for y in (-splay, splay):
            solid.bar((x, y, 0), (x * 0.7, y * 0.1, height), 0.018, metal)
    for index in range(1, int(height / 0.27)):
        share = index * 0.27 / height
        y, half = splay * (1 - 0.9 * share), width / 2 * (1 - 0.3 * share)
        solid.box((0, y, height * share), (2 * half, 0.08, 0.025), metal)
    return Piece('ladder', solid, width + 0.05, 2 * splay + 0.05, height)


def barrel(rng: Random) -> Piece:
    """A drum."""
    solid, height, radius = Solid(), rng.uniform(0.6, 0.95), rng.uniform(0.2, 0.3)
    finish = rng.choice((*PLASTICS, 'metal 1'))
    solid.bar((0, 0, 0), (0, 0, height), radius, finish, sides=24)
    for share in (0.03, 0.35, 0.65, 0.97):
        z = height * share
        solid.bar((0, 0, z - 0.012), (0, 0, z + 0.012), radius + 0.012, finish, sides=24)
    return Piece('barrel', solid, 2 * radius, 2 * radius, height)


def pole(rng: Random) -> Piece:
    """A coat stand or a barrier post: the thin upright thing that robots hit."""
    solid, height, metal = (
        Solid(),
        rng.uniform(0.9, 1.9),
        rng.choice(('metal 0', 'wood 1', 'plastic dark')),
    )
    solid.bar((0, 0, 0), (0, 0, 0.03), rng.uniform(0.12, 0.2), metal, sides=18)
    solid.bar((0, 0, 0), (0, 0, height), rng.uniform(0.012, 0.03), metal)
    if height > 1.5:
        for index in range(5):
            angle = index * 2 * math.pi / 5
            tip = (0.16 * math.cos(angle), 0.16 * math.sin(angle), height + 0.02)
            solid.bar((0, 0, height - 0.1), tip, 0.008, metal, sides=6)
        if rng.random() < 0.7:
            solid.ball((0.08, 0, height - 0.5), 0.5, 'fabric 3', (0.35, 0.25, 0.9), 12)
    return Piece('pole', solid, 0.4, 0.4, height)


def person(rng: Random) -> Piece:
    """Somebody who stands or walks."""
    solid, height = Solid(), rng.uniform(1.5, 1.92)
    shirt, trousers = (
        rng.choice(('fabric 1', 'fabric 2', 'fabric 3', 'plastic 2')),
        rng.choice(('fabric 0', 'plastic dark')),
    )
    hip, shoulder, stride = height * 0.52, height * 0.82, rng.uniform(0, 0.22)
    girth = rng.uniform(0.9, 1.2)
    for side in (-1, 1):
        knee = (side * 0.1, side * stride * 0.6, hip * 0.52)
        foot = (side * 0.1, side * stride, 0.08)
        solid.bar((side * 0.09, 0, hip), knee, 0.085 * girth, trousers, 0.06)
        solid.bar(knee, foot, 0.06, trousers, 0.045)
        solid.box((side * 0.1, side * stride + 0.06, 0.04), (0.09, 0.26, 0.08), 'plastic dark')
        elbow = (side * 0.26 * girth, -side * stride * 0.5, height * 0.63)
        hand = (side * 0.25 * girth, -side * stride * 0.5 + rng.uniform(0, 0.2), height * 0.48)
        solid.bar((side * 0.2 * girth, 0, shoulder - 0.02), elbow, 0.055, shirt, 0.042)
        solid.bar(elbow, hand, 0.042, shirt, 0.034)
        solid.ball(hand, 0.045, 'skin 0', sides=8)
    solid.ball(
        (0, 0, (hip + shoulder) / 2),
        0.5,
        shirt,
        (0.4 * girth, 0.25 * girth, (shoulder - hip) * 1.35),
        14,
    )
    solid.ball((0, 0, hip), 0.16 * girth, trousers, (1.05, 0.8, 0.8), 12)
    solid.bar((0, 0, shoulder - 0.03), (0, 0, height - 0.18), 0.05, 'skin 0')
    solid.ball((0, 0.01, height - 0.12), 0.12, 'skin 0', (0.75, 0.9, 1.05), 14)
    solid.ball((0, -0.015, height - 0.09), 0.118, 'hair 0', (0.82, 0.95, 0.95), 14)
    return Piece('person', solid, 0.6, 0.5 + 1.4 * stride, height, bevel=0.0)
