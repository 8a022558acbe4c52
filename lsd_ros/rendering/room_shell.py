"""The shell of a room: floor, ceiling, walls and their pictures, windows, doors, rooms behind."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from random import Random

from lsd_ros.rendering.clutter import book_row, scatter
from lsd_ros.rendering.floor_plan import DOOR_M, Opening, RoomPlan, Wall
from lsd_ros.rendering.furniture import chair, table
from lsd_ros.rendering.solids import Solid, Surface
from lsd_ros.rendering.wall_furniture import bookshelf, cabinet

THICK_M = 0.14
FRAMES = ('plastic white', 'plastic white', 'wood 0', 'plastic dark')


@dataclass(frozen=True)
class Light:
    """
    A rectangle that shines.

    :param x, y, z: of its middle [m]
    :param size: width and height [m]
    :param watts: radiant power
    :param facing: ``down``, or the turn of a wall that it shines away from [rad]
    :param tint: of the light: ``warm`` or ``sky``
    """

    x: float
    y: float
    z: float
    size: tuple[float, float]
    watts: float
    facing: float | None = None
    tint: str = 'warm'


def build_shell(plan: RoomPlan, rng: Random, daylight: float) -> tuple[Solid, list[Light]]:
    """
    Build what surrounds a room, in its own coordinates.

    :param daylight: watts per square metre of window
    :return: solid, lights of windows and of the rooms behind doorways
    """
    solid, lights, style = Solid(), [], plan.kind.style
    solid.sheet([(x, y, 0) for x, y in plan.outline], f'floor {style}')
    solid.sheet([(x, y, plan.height) for x, y in plan.outline[::-1]], f'ceiling {style}')
    skirting = rng.choice((None, 'plastic white', 'wood 0', 'plastic dark'))
    for wall in plan.walls:
        finish = f'wall {style}'
        built = _masonry(wall, plan.height, finish, skirting)
        for opening in wall.openings:
            _fit(built, opening, wall, rng, style)
        _hang(built, wall, rng, style)
        solid.add(built, (*wall.start, 0), wall.yaw)
        lights.extend(_lights_of(wall, rng, daylight))
    return solid, lights


def ceiling_lights(plan: RoomPlan, rng: Random) -> tuple[Solid, list[Light]]:
    """Hang lamps in a grid; in some homes there are none, and the windows have to do."""
    home = plan.kind.style in ('home', 'bath')
    kind = rng.choice(
        ('bulb', 'bulb', 'spots', 'none') if home else ('panels', 'panels', 'tubes', 'spots')
    )
    pitch = {
        'bulb': 9.0,
        'spots': 1.5,
        'panels': rng.choice((1.8, 2.4, 3.0)),
        'tubes': 3.0,
        'none': 9.0,
    }[kind]
    watts = {'bulb': 80.0, 'spots': 14.0, 'panels': 45.0, 'tubes': 60.0, 'none': 0.0}[kind]
    watts *= rng.uniform(0.5, 1.6) * (1 + max(0.0, plan.height - 3) * 0.6)
    solid, lights = Solid(), []
    columns, rows = (min(8, max(1, round(s / pitch))) for s in (plan.width, plan.depth))
    for column in range(columns):
        for row in range(rows):
            x, y = plan.width * (column + 0.5) / columns, plan.depth * (row + 0.5) / rows
            if kind == 'none' or not plan.floor.is_open(x, y, 99.0, 0.05):
                continue
            dark = rng.random() < 0.08
            _lamp(solid, kind, (x, y, plan.height), 'plastic white' if dark else 'glow 0')
            if not dark:
                size = {'panels': (0.58, 0.58), 'tubes': (0.12, 1.2)}.get(kind, (0.12, 0.12))
                drop = {'bulb': 0.45, 'tubes': 0.17}.get(kind, 0.05)
                lights.append(Light(x, y, plan.height - drop, size, watts))
    return solid, lights


def _lamp(solid: Solid, kind: str, at: tuple[float, float, float], finish: str) -> None:
    x, y, z = at
    if kind == 'panels':
        solid.box((x, y, z - 0.01), (0.6, 0.6, 0.03), finish)
    elif kind == 'tubes':
        solid.box((x, y, z - 0.1), (0.16, 1.25, 0.06), 'plastic white')
        solid.box((x, y, z - 0.14), (0.05, 1.2, 0.03), finish)
    elif kind == 'spots':
        solid.bar((x, y, z - 0.012), (x, y, z), 0.06, finish, sides=14)
    else:
        solid.bar((x, y, z - 0.3), (x, y, z), 0.006, 'plastic dark', sides=6)
        solid.bar((x, y, z - 0.4), (x, y, z - 0.28), 0.2, finish, 0.08, 18)


def _masonry(wall: Wall, height: float, finish: str, skirting: str | None) -> Solid:
    """Build a wall around its openings, along x from 0, the room on the side of +y."""
    solid, x = Solid(), 0.0
    spans = [(o.left, o.right, o.bottom, min(o.top, height - 0.12)) for o in wall.openings]
    for left, right, bottom, top in [*spans, (wall.length, wall.length, 0.0, height)]:
        if left > x:
            solid.box(
                ((left + x) / 2, -THICK_M / 2, height / 2), (left - x, THICK_M, height), finish
            )
            if skirting is not None:
                solid.box(((left + x) / 2, 0.006, 0.045), (left - x, 0.012, 0.09), skirting)
        if right > left:
            middle, wide = (left + right) / 2, right - left
            if bottom > 0:
                solid.box((middle, -THICK_M / 2, bottom / 2), (wide, THICK_M, bottom), finish)
            above = (height - top, (height + top) / 2)
            solid.box((middle, -THICK_M / 2, above[1]), (wide, THICK_M, above[0]), finish)
        x = right
    return solid


def _fit(solid: Solid, opening: Opening, wall: Wall, rng: Random, style: str) -> None:
    """Fit a frame and what belongs in it."""
    middle, wide = (opening.left + opening.right) / 2, opening.right - opening.left
    high, frame = opening.top - opening.bottom, rng.choice(FRAMES)
    y, z = -THICK_M / 2, opening.bottom + high / 2
    for side in (-1, 1):
        solid.box((middle + side * (wide / 2 - 0.025), y, z), (0.05, THICK_M + 0.03, high), frame)
    solid.box((middle, y, opening.top - 0.025), (wide, THICK_M + 0.03, 0.05), frame)
    if opening.kind != 'window':
        step = (
            (opening.left, 0),
            (opening.right, 0),
            (opening.right, 2 * y),
            (opening.left, 2 * y),
        )
        solid.sheet([(px, py, 0.004) for px, py in step], frame)
    if opening.kind == 'window':
        _window(solid, opening, middle, wide, frame, rng)
    elif opening.kind == 'door':
        door = rng.choice(('wood 0', 'wood 1', 'plastic white', 'paint 0'))
        solid.box((middle, y, DOOR_M / 2), (wide - 0.06, 0.04, DOOR_M - 0.04), door)
        hand = middle + rng.choice((-1, 1)) * (wide / 2 - 0.12)
        solid.bar((hand, 0.02, 1.0), (hand - 0.12, 0.02, 1.0), 0.01, 'metal 0')
        if rng.random() < 0.5:
            for low, tall in ((0.5, 0.7), (1.45, 0.9)):
                solid.box((middle, y + 0.022, low), (wide * 0.6, 0.012, tall), door)
    else:
        solid.add(_room_behind(rng, style), (middle, -THICK_M, 0))


def _window(
    solid: Solid, opening: Opening, middle: float, wide: float, frame: str, rng: Random
) -> None:
    high, y = opening.top - opening.bottom, -THICK_M / 2
    solid.box((middle, y, opening.bottom + 0.025), (wide, 0.09, 0.05), frame)
    solid.box((middle, 0.05, opening.bottom - 0.015), (wide + 0.08, 0.2, 0.03), frame)
    for index in range(1, rng.choice((1, 2, 3))):
        x = opening.left + wide * index / 2
        solid.box((x, y, opening.bottom + high / 2), (0.045, 0.06, high), frame)
    if rng.random() < 0.4:
        solid.box((middle, y, opening.bottom + high / 2), (wide, 0.006, high), 'glass')
    if rng.random() < 0.3:
        tilt, slats = rng.uniform(0, 1.2), int(rng.uniform(0.2, 1) * high / 0.045)
        for index in range(slats):
            z = opening.top - 0.04 - 0.045 * index
            solid.box((middle, -0.02, z), (wide - 0.02, 0.04, 0.002), 'plastic white', tilt=tilt)
    elif rng.random() < 0.5:
        foot = rng.choice((0.03, max(0.03, opening.bottom - 0.1)))
        for side in (-1, 1):
            _curtain(
                solid,
                (middle + side * (wide / 2 + 0.1), -side * wide * rng.uniform(0.15, 0.4)),
                foot,
                opening.top + 0.12,
            )
    if rng.random() < 0.4:
        scatter(
            solid, rng, Surface(middle, 0.05, opening.bottom, wide * 0.8, 0.12), rng.randint(1, 3)
        )


def _curtain(solid: Solid, span: tuple[float, float], bottom: float, top: float) -> None:
    start, width = span
    steps = 16
    points = [(start + width * i / steps, 0.12 + 0.035 * (-1) ** i) for i in range(steps + 1)]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        solid.sheet(((x0, y0, bottom), (x1, y1, bottom), (x1, y1, top), (x0, y0, top)), 'fabric 2')


def _room_behind(rng: Random, style: str) -> Solid:
    """Build the furnished room that is seen through a doorway, in front of -y."""
    solid, wide, deep, high = Solid(), rng.uniform(1.8, 4.5), rng.uniform(2, 6), 2.5
    x = wide / 2
    solid.sheet(((-x, -deep, 0), (x, -deep, 0), (x, 0, 0), (-x, 0, 0)), f'floor {style}')
    solid.sheet(
        ((-x, 0, high), (x, 0, high), (x, -deep, high), (-x, -deep, high)), f'ceiling {style}'
    )
    for corners in (((-x, -deep), (x, -deep)), ((-x, 0), (-x, -deep)), ((x, -deep), (x, 0))):
        (ax, ay), (bx, by) = corners
        solid.sheet(((ax, ay, 0), (bx, by, 0), (bx, by, high), (ax, ay, high)), f'wall {style}')
    for make in rng.sample((bookshelf, cabinet, chair, table), rng.randint(1, 3)):
        piece = make(rng)
        if piece.width < wide - 0.3:
            at = rng.uniform(-1, 1) * (wide - piece.width) / 2
            solid.add(piece.solid, (at, -deep + piece.depth / 2 + 0.03, 0))
    return solid


def _hang(solid: Solid, wall: Wall, rng: Random, style: str) -> None:
    """Hang pictures, boards, shelves and switches where the wall is blank."""
    for _ in range(rng.choice((0, 1, 2, 3)) if style != 'bath' else 0):
        wide, high = rng.uniform(0.25, 0.9), rng.uniform(0.3, 0.8)
        if style == 'office' and rng.random() < 0.3:
            wide, high = rng.uniform(1.2, 2.2), 1.0
        x = rng.uniform(wide / 2 + 0.1, max(wide / 2 + 0.1, wall.length - wide / 2 - 0.1))
        if x + wide / 2 > wall.length or not wall.is_blank(x - wide / 2, x + wide / 2):
            continue
        if rng.random() < 0.25 and wide > 0.5:
            z, board = rng.uniform(1.15, 1.7), Surface(x, 0.12, 0.0, wide, 0.2)
            solid.box((x, 0.12, z), (wide, 0.22, 0.025), 'wood 1')
            shelf = Surface(x, 0.12, z + 0.0125, board.width, board.depth)
            book_row(solid, rng, x - wide / 2, x + rng.uniform(-0.2, 0.5) * wide, shelf, 0.35)
            continue
        shows, z = rng.choice(('print 0', 'print 1', 'print 2', 'print 3')), rng.uniform(1.35, 1.7)
        edge = rng.choice(('wood 0', 'plastic dark', 'plastic white', 'metal 0'))
        solid.box((x, 0.012, z), (wide + 0.03, 0.02, high + 0.03), edge)
        solid.box((x, 0.0235, z), (wide, 0.003, high), shows if wide < 1.1 else 'plastic white')
    for _ in range(rng.choice((0, 1, 2))):
        x = rng.uniform(0.15, wall.length - 0.15)
        if wall.is_blank(x - 0.1, x + 0.1):
            solid.box((x, 0.006, rng.choice((0.3, 1.1))), (0.085, 0.012, 0.085), 'plastic white')


def _lights_of(wall: Wall, rng: Random, daylight: float) -> list[Light]:
    lights = []
    for opening in wall.openings:
        middle, wide = (opening.left + opening.right) / 2, opening.right - opening.left
        high = opening.top - opening.bottom
        if opening.kind == 'window' and daylight > 0:
            x, y = wall.at(middle, -0.25)
            z = (opening.top + opening.bottom) / 2
            lights.append(Light(x, y, z, (wide, high), daylight * wide * high, wall.yaw, 'sky'))
        elif opening.kind == 'doorway':
            x, y = wall.at(middle, -1.5)
            lights.append(Light(x, y, 2.4, (0.8, 0.8), rng.choice((0.2, 30, 80))))
    return lights
