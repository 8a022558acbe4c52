"""What people sit, lie and work at: each piece drawn at random, in metres."""

from __future__ import annotations

import math
from random import Random

from lsd_ros.rendering.clutter import monitor, scatter
from lsd_ros.rendering.solids import Piece, Solid, Surface

LEG_FINISHES = ('metal 0', 'metal 1', 'plastic dark', 'wood 0', 'wood 1')
SEAT_FINISHES = ('fabric 0', 'fabric 1', 'fabric 2', 'wood 0', 'plastic 0', 'plastic dark')


def table(
    rng: Random, width: float | None = None, depth: float | None = None, height: float = 0.74
) -> Piece:
    """A table with four legs or one foot."""
    width = width or rng.uniform(0.6, 2.0)
    depth = depth or rng.uniform(0.55, 1.0)
    top = rng.choice(('wood 0', 'wood 1', 'wood 2', 'plastic white', 'stone 0'))
    leg = rng.choice((top, *LEG_FINISHES))
    thick = rng.uniform(0.018, 0.05)
    solid = Solid()
    if rng.random() < 0.2:
        width = depth
        solid.bar((0, 0, height - thick), (0, 0, height), width / 2, top, sides=24)
        solid.bar((0, 0, 0.03), (0, 0, height - thick), rng.uniform(0.03, 0.06), leg)
        solid.bar((0, 0, 0), (0, 0, 0.03), width * 0.3, leg, sides=18)
    else:
        solid.box((0, 0, height - thick / 2), (width, depth, thick), top)
        _four_legs(solid, rng, width - 0.08, depth - 0.08, height - thick, leg)
        if rng.random() < 0.5:
            solid.box((0, 0, height - thick - 0.04), (width - 0.14, depth - 0.14, 0.07), leg)
    tops = (Surface(0, 0, height, width * 0.85, depth * 0.8),)
    return Piece('table', solid, width, depth, height, tops)


def low_table(rng: Random) -> Piece:
    """A table before a sofa."""
    return table(rng, rng.uniform(0.6, 1.2), rng.uniform(0.45, 0.7), rng.uniform(0.35, 0.5))


def desk(rng: Random) -> Piece:
    """A desk with screens, keyboard and what lies about."""
    base = table(rng, rng.uniform(1.1, 1.8), rng.uniform(0.6, 0.85), rng.uniform(0.7, 0.76))
    solid, width, depth, height = base.solid, base.width, base.depth, base.height
    screens = rng.choice((1, 1, 2, 2, 3)) if width > 1.3 else 1
    for index in range(screens):
        beside = index - (screens - 1) / 2
        at = (beside * 0.6, -depth / 2 + rng.uniform(0.16, 0.26), height)
        solid.add(monitor(rng), at, rng.uniform(-0.2, 0.2) - 0.3 * beside)
    keys = rng.choice(('plastic dark', 'plastic white'))
    solid.box((rng.uniform(-0.1, 0.1), 0.1, height + 0.01), (0.43, 0.14, 0.02), keys)
    solid.ball((0.3, 0.1, height + 0.015), 0.03, 'plastic dark', (1, 1.6, 0.7), 8)
    if rng.random() < 0.6:
        drawers = rng.choice(('plastic white', 'metal 0', 'wood 0'))
        solid.box((rng.choice((-1, 1)) * (width / 2 - 0.25), 0, 0.3), (0.4, 0.5, 0.58), drawers)
    for side in (-1, 1):
        area = Surface(side * (width / 2 - 0.2), 0, height, 0.36, depth * 0.8)
        scatter(solid, rng, area, rng.randint(2, 8))
    return Piece('desk', solid, width, depth, height + 0.5)


def chair(rng: Random) -> Piece:
    """A chair of wood, of tube, on castors, or a stool."""
    return rng.choice((_wooden_chair, _wooden_chair, _tube_chair, office_chair, _stool))(rng)


def office_chair(rng: Random) -> Piece:
    """A chair on five castors."""
    seat, back = rng.uniform(0.43, 0.54), rng.uniform(0.85, 1.15)
    cover = rng.choice(('fabric 0', 'fabric 1', 'plastic dark'))
    solid = Solid()
    for index in range(5):
        angle = index * 2 * math.pi / 5
        x, y = 0.29 * math.cos(angle), 0.29 * math.sin(angle)
        solid.bar((0, 0, 0.1), (x, y, 0.07), 0.022, 'plastic dark', 0.014)
        solid.ball((x, y, 0.03), 0.03, 'plastic dark', sides=8)
    solid.bar((0, 0, 0.08), (0, 0, seat), 0.027, 'metal 0')
    solid.box((0, 0, seat + 0.03), (0.48, 0.46, 0.08), cover)
    solid.box(
        (0, -0.24, (seat + back) / 2 + 0.06), (0.44, 0.06, back - seat - 0.1), cover, tilt=0.15
    )
    solid.box((0, -0.26, seat + 0.05), (0.07, 0.03, 0.35), 'plastic dark')
    if rng.random() < 0.6:
        for x in (-0.27, 0.27):
            solid.box((x, 0, seat + 0.22), (0.06, 0.26, 0.03), 'plastic dark')
            solid.box((x, -0.02, seat + 0.11), (0.03, 0.04, 0.21), 'plastic dark')
    return Piece('office chair', solid, 0.62, 0.62, back, bevel=0.02)


def _wooden_chair(rng: Random) -> Piece:
    seat, back, width = rng.uniform(0.43, 0.48), rng.uniform(0.8, 1.0), rng.uniform(0.4, 0.47)
    frame, solid = rng.choice(('wood 0', 'wood 1', 'wood 2')), Solid()
    _four_legs(solid, rng, width - 0.04, width - 0.04, seat, frame)
    solid.box((0, 0, seat + 0.015), (width, width, 0.03), rng.choice((frame, 'fabric 2')))
    for side in (-1, 1):
        at = side * (width / 2 - 0.02)
        solid.bar((at, -width / 2 + 0.02, seat), (at, -width / 2 - 0.06, back), 0.016, frame)
    if rng.random() < 0.5:
        for index in range(rng.choice((2, 3, 4))):
            z = back - 0.04 - 0.1 * index
            solid.box((0, -width / 2 - 0.05 + 0.012 * index, z), (width, 0.016, 0.05), frame)
    else:
        solid.box((0, -width / 2 - 0.055, back - 0.03), (width, 0.02, 0.06), frame)
        for index in range(5):
            x = width * ((index + 1) / 6 - 0.5)
            solid.bar(
                (x, -width / 2 + 0.02, seat), (x, -width / 2 - 0.05, back - 0.04), 0.006, frame
            )
    return Piece('chair', solid, width + 0.04, width + 0.12, back)


def _tube_chair(rng: Random) -> Piece:
    seat, back, width = rng.uniform(0.43, 0.47), rng.uniform(0.78, 0.9), rng.uniform(0.42, 0.5)
    tube, shell = rng.choice(('metal 0', 'metal 1', 'plastic dark')), rng.choice(SEAT_FINISHES)
    solid = Solid()
    for x in (-width / 2, width / 2):
        for y in (-width / 2, width / 2):
            solid.bar((x * 1.05, y * 1.05, 0), (x * 0.9, y * 0.9, seat), 0.011, tube, sides=8)
        solid.bar((x * 0.95, -width / 2, seat), (x * 0.95, -width / 2 - 0.05, back), 0.011, tube)
    solid.box((0, 0, seat + 0.015), (width * 0.95, width * 0.95, rng.uniform(0.02, 0.05)), shell)
    solid.box(
        (0, -width / 2 - 0.03, (seat + back) / 2 + 0.08), (width, 0.03, 0.25), shell, tilt=0.12
    )
    return Piece('chair', solid, width + 0.05, width + 0.1, back, bevel=0.008)


def _stool(rng: Random) -> Piece:
    height, radius = rng.uniform(0.42, 0.75), rng.uniform(0.15, 0.21)
    solid, leg = Solid(), rng.choice(LEG_FINISHES)
    for index in range(4):
        angle = math.pi / 4 + index * math.pi / 2
        x, y = math.cos(angle), math.sin(angle)
        solid.bar(
            (x * radius, y * radius, 0), (x * radius * 0.7, y * radius * 0.7, height), 0.014, leg
        )
    solid.bar((0, 0, height), (0, 0, height + 0.04), radius, rng.choice(SEAT_FINISHES), sides=18)
    return Piece('stool', solid, 2 * radius, 2 * radius, height)


def sofa(rng: Random) -> Piece:
    """A sofa, or an armchair, with cushions."""
    width = rng.choice((0.9, 1.5, 1.9, 2.3))
    depth, seat, back = rng.uniform(0.8, 0.95), rng.uniform(0.38, 0.45), rng.uniform(0.7, 0.95)
    cover, arm, solid = rng.choice(('fabric 0', 'fabric 1', 'fabric 2', 'fabric 3')), 0.16, Solid()
    for x in (-width / 2 + 0.08, width / 2 - 0.08):
        for y in (-depth / 2 + 0.08, depth / 2 - 0.08):
            solid.bar((x, y, 0), (x, y, 0.1), 0.022, 'wood 0')
    solid.box((0, 0, seat / 2 + 0.02), (width - 0.02, depth, seat - 0.1), cover)
    solid.box((0, -depth / 2 + 0.09, back / 2), (width, 0.17, back - 0.08), cover)
    places = max(1, round((width - 2 * arm) / 0.7))
    for index in range(places):
        share = (width - 2 * arm) / places
        x = -width / 2 + arm + share * (index + 0.5)
        solid.box((x, 0.08, seat), (share - 0.01, depth - 0.2, 0.15), cover)
        upright = (x, -depth / 2 + 0.24, (seat + back) / 2 + 0.03)
        solid.box(upright, (share - 0.01, 0.17, back - seat), cover, tilt=0.15)
    for side in (-1, 1):
        solid.box((side * (width - arm) / 2, 0, seat / 2 + 0.14), (arm, depth, seat + 0.14), cover)
    for _ in range(rng.randint(0, 3)):
        x = rng.uniform(-1, 1) * max(0.0, width / 2 - 0.35)
        tint = rng.choice(('fabric 1', 'fabric 2', 'fabric 3'))
        solid.box((x, -0.02, seat + 0.25), (0.42, 0.14, 0.4), tint, rng.uniform(-0.3, 0.3), 0.4)
    return Piece('sofa', solid, width, depth, back, bevel=0.05)


def bed(rng: Random) -> Piece:
    """A bed with mattress, blanket and pillows, its head at the wall."""
    width, depth, height = rng.choice((0.9, 1.4, 1.6, 1.8)), 2.05, rng.uniform(0.3, 0.5)
    frame, solid = rng.choice(('wood 0', 'wood 1', 'plastic white', 'metal 0')), Solid()
    solid.box((0, 0, height * 0.6), (width, depth, 0.12), frame)
    head = rng.uniform(0.7, 1.1)
    solid.box((0, -depth / 2 - 0.03, head / 2), (width + 0.05, 0.06, head), frame)
    for side in (-1, 1):
        for end in (-1, 1):
            leg = (side * (width / 2 - 0.05), end * (depth / 2 - 0.05), height * 0.3)
            solid.box(leg, (0.06, 0.06, height * 0.6), frame)
    solid.box((0, 0, height + 0.05), (width - 0.02, depth - 0.04, 0.2), 'fabric white')
    solid.box((0, 0.28, height + 0.14), (width + 0.06, depth - 0.55, 0.1), 'fabric 0')
    pillows = 1 if width < 1.2 else 2
    for index in range(pillows):
        x = (index - (pillows - 1) / 2) * width * 0.48
        cover = rng.choice(('fabric white', 'fabric 1'))
        at = (x, -depth / 2 + 0.28, height + 0.22)
        solid.box(at, (0.6, 0.38, 0.13), cover, rng.uniform(-0.15, 0.15), 0.15)
    return Piece('bed', solid, width + 0.06, depth + 0.1, head, bevel=0.03)


def bench(rng: Random) -> Piece:
    """A bench without a back."""
    width, height, solid = rng.uniform(1.0, 1.8), rng.uniform(0.42, 0.48), Solid()
    wood, leg = rng.choice(('wood 0', 'wood 2')), rng.choice(LEG_FINISHES)
    for index in range(4):
        solid.box((0, -0.18 + 0.12 * index, height), (width, 0.1, 0.03), wood)
    for x in (-width / 2 + 0.15, width / 2 - 0.15):
        solid.box((x, 0, height / 2), (0.06, 0.4, height - 0.03), leg)
    return Piece('bench', solid, width, 0.48, height)


def _four_legs(
    solid: Solid, rng: Random, width: float, depth: float, height: float, finish: str
) -> None:
    """Add four legs, square or round, with their outer edges at a width and a depth."""
    thick, square = rng.uniform(0.012, 0.032), rng.random() < 0.5
    for x in (-1, 1):
        for y in (-1, 1):
            px, py = x * (width / 2 - thick), y * (depth / 2 - thick)
            if square:
                solid.box((px, py, height / 2), (2 * thick, 2 * thick, height), finish)
            else:
                solid.bar((px * 1.03, py * 1.03, 0), (px, py, height), thick * 0.6, finish, thick)
