"""The places of the synthetic world: a way through each, then things where the way is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsd_ros.synthetic import texture
from lsd_ros.synthetic.camera_path import Path, Ride, distance_to
from lsd_ros.synthetic.objects import (
    car,
    cupboard,
    lamp_post,
    person,
    plant,
    shelf,
    sofa,
    table,
    tint,
    tree,
)
from lsd_ros.synthetic.scene import Builder, Light, Look

Array = NDArray[np.float64]
ROBOT_M = 0.45  # half the width of what carries the camera indoors, and some air

INDOORS = Light((1.12, 1.1, 1.07), (0.3, 0.29, 0.27), (0.35, 0.2, 0.916), lamps=(3.0, 3.0))


@dataclass(frozen=True)
class Place:
    """
    A place to drive through.

    :param still: what does not move
    :param path: the camera's way
    :param light: what lights it
    :param low: x, y of its lowest corner [m]
    :param high: x, y of its highest corner [m]
    :param cars: how many cars move on its way
    :param vehicle: what such a car is
    :param gap_m: from the camera to the car ahead
    """

    still: Builder
    path: Path
    light: Light
    low: Array
    high: Array
    cars: int = 0
    vehicle: Callable[[Builder, np.random.Generator, Array, float], None] = car
    gap_m: float = 13.0


def room(rng: np.random.Generator) -> Place:
    """Build a furnished room and a round through it."""
    half = rng.uniform((3.6, 3.0), (5.2, 4.2))
    height = float(rng.uniform(2.5, 3.1))
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    bulge = 1 + 0.10 * np.sin(2 * angles + rng.uniform(0, 6)) + 0.06 * np.sin(3 * angles)
    reach = half - 1.55
    outline = np.column_stack((np.cos(angles), np.sin(angles))) * reach * bulge[:, None]
    robot = Ride((0.5, 1.1), 0.7, 0.8, float(rng.uniform(0.6, 1.0)), 0.012, 0.012, 0.35)
    path = Path.of(outline[:: int(rng.choice((-1, 1)))], 0.5, robot, rng)
    build = Builder()
    floor = Look(_pick(rng, texture.boards, texture.tiles, texture.checker, texture.carpet))
    build.ground(-half, half, 0.0, floor)
    _ceiling(build, -half, half, height)
    walls = Look(_pick(rng, texture.plaster, texture.bricks), tint(rng, 0.75, 1.15))
    for side in range(4):
        _room_wall(build, rng, half, side, height, walls)
    _furnish(build, rng, path, half)
    light = Light(INDOORS.ambient, INDOORS.sun, INDOORS.to_sun, (3.0, 3.0), height)
    return Place(build, path, light, -half, half)


def _pick(rng: np.random.Generator, *painters: texture.Painter) -> texture.Painter:
    return painters[int(rng.integers(len(painters)))]


def _ceiling(build: Builder, low: Array, high: Array, height: float) -> None:
    (x0, y0), (x1, y1) = low, high
    corners = [(x0, y1, height), (x1, y1, height), (x1, y0, height), (x0, y0, height)]
    build.polygon(corners, Look(texture.plaster, (1.05, 1.05, 1.05), variant=1))


def _hang(
    build: Builder,
    wall: tuple[Array, Array],
    along: float,
    bottom: float,
    size: tuple[float, float],
    look: Look,
) -> None:
    """Hang a flat thing on a wall that goes from one place to another, seen on its left."""
    start, end = wall
    direction = (end - start) / np.linalg.norm(end - start)
    inward = np.array((-direction[1], direction[0])) * 0.02
    left = start + direction * (along - size[0] / 2) + inward
    right = left + direction * size[0]
    low, high = bottom, bottom + size[1]
    # seen from the left of the wall's direction, that direction runs from right to left
    build.polygon([(*right, low), (*left, low), (*left, high), (*right, high)], look)


def _wall(build: Builder, wall: tuple[Array, Array], height: float, look: Look) -> None:
    start, end = wall
    corners = [(*end, 0), (*start, 0), (*start, height), (*end, height)]
    build.polygon(corners, look)


def _room_wall(
    build: Builder, rng: np.random.Generator, half: Array, side: int, height: float, look: Look
) -> None:
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * half
    wall = (corners[side], corners[(side + 1) % 4])
    _wall(build, wall, height, look)
    length = float(np.linalg.norm(wall[1] - wall[0]))
    build_door = side == 0
    places = np.linspace(0, length, 5)[1:-1] + rng.uniform(-0.3, 0.3, 3)
    for number, along in enumerate(places):
        if build_door and number == 1:
            _hang(build, wall, along, 0.0, (0.95, 2.05), Look(texture.door, fit=True))
        elif side == 2:
            glass = Look(texture.cloud, (1.1, 1.1, 1.1), variant=1, fit=True, shining=True)
            _hang(build, wall, along, 0.9, (1.2, 1.2), glass)
        else:
            size = tuple(rng.uniform(0.5, 1.1, 2))
            picture = Look(texture.poster, variant=int(rng.integers(3)), fit=True)
            _hang(build, wall, along, 1.1, (size[0], size[1]), picture)


def _furnish(build: Builder, rng: np.random.Generator, path: Path, half: Array) -> None:
    """Stand furniture along the walls and in the middle, wherever the way leaves room."""
    taken: list[tuple[Array, float]] = []

    def free(place: Array, radius: float) -> bool:
        clear = distance_to(path.points, place) > radius + ROBOT_M
        return clear and all(np.linalg.norm(place - p) > radius + r for p, r in taken)

    makers = (cupboard, shelf, sofa, table, plant, person)
    for _ in range(120):
        maker = makers[int(rng.integers(len(makers)))]
        radius, depth = {cupboard: (0.6, 0.3), shelf: (0.65, 0.2), sofa: (1.0, 0.45)}.get(
            maker, (0.35 if maker in (plant, person) else 0.75, 0.6)
        )
        side = int(rng.integers(5))
        normal = np.array(((0, 1), (-1, 0), (0, -1), (1, 0), (0, 0)))[side]
        place = rng.uniform(-half + 0.6, half - 0.6)
        if side < 4:
            place = np.where(normal != 0, -normal * (half - depth - 0.03), place)
        elif maker in (cupboard, shelf, sofa):
            continue
        yaw = np.arctan2(normal[1], normal[0]) if side < 4 else rng.uniform(0, np.pi)
        if free(place, radius):
            taken.append((place, radius))
            maker(build, rng, place, float(yaw))


def corridor(rng: np.random.Generator) -> Place:
    """Build a corridor around a block of rooms and a round through it."""
    inner = rng.uniform((6.0, 4.0), (10.0, 7.0))
    width, height = float(rng.uniform(2.2, 3.0)), float(rng.uniform(2.4, 2.9))
    outer = inner + width
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1)))
    robot = Ride((0.7, 1.5), 0.8, 0.8, float(rng.uniform(0.6, 1.0)), 0.012, 0.012, 0.12)
    outline = corners * (inner + width / 2)
    turn = int(rng.choice((-1, 1)))
    path = Path.of(outline[::turn], 0.75, robot, rng)
    build = Builder()
    build.ground(-outer, outer, 0.0, Look(_pick(rng, texture.tiles, texture.checker)))
    _ceiling(build, -outer, outer, height)
    look = Look(_pick(rng, texture.plaster, texture.bricks), tint(rng, 0.8, 1.15))
    dado = Look(_pick(rng, texture.wood, texture.metal), tint(rng, 0.5, 1.0))
    for side in range(4):
        start, end = corners[side], corners[(side + 1) % 4]
        for wall in ((start * outer, end * outer), (end * inner, start * inner)):
            _corridor_wall(build, rng, wall, height, look, dado)
    _clutter(build, rng, path, inner, outer)
    light = Light(INDOORS.ambient, INDOORS.sun, INDOORS.to_sun, (4.0, 4.0), height)
    return Place(build, path, light, -outer, outer)


def _corridor_wall(
    build: Builder,
    rng: np.random.Generator,
    wall: tuple[Array, Array],
    height: float,
    look: Look,
    dado: Look,
) -> None:
    _wall(build, wall, height, look)
    length = float(np.linalg.norm(wall[1] - wall[0]))
    _hang(build, wall, length / 2, 0.95, (length, 0.16), dado)
    along = rng.uniform(1.0, 2.0)
    while along < length - 0.8:
        kind = rng.random()
        if kind < 0.5:
            door = Look(texture.door, tint(rng, 0.6, 1.2), int(rng.integers(2)), fit=True)
            _hang(build, wall, along, 0.0, (0.95, 2.05), door)
        else:
            picture = Look(texture.poster, variant=int(rng.integers(3)), fit=True)
            _hang(build, wall, along, 1.25, (0.8, 0.6), picture)
        along += rng.uniform(1.4, 2.8)


def _clutter(
    build: Builder, rng: np.random.Generator, path: Path, inner: Array, outer: Array
) -> None:
    """Stand small things along both walls."""
    taken: list[Array] = []
    for _ in range(160):
        place = rng.uniform(-outer, outer)
        edge = inner + 0.22 if rng.random() < 0.5 else outer - 0.22
        axis = int(rng.integers(2))
        place[axis] = np.sign(place[axis]) * edge[axis]
        inside_block = bool(np.all(np.abs(place) < inner + 0.15))
        beside = bool(np.all(np.abs(place) < outer - 0.15))
        clear = distance_to(path.points, place) > ROBOT_M + 0.3
        if inside_block or not beside or not clear:
            continue
        if any(np.linalg.norm(place - other) < 1.6 for other in taken):
            continue
        taken.append(place)
        _small_thing(build, rng, place)


def _small_thing(build: Builder, rng: np.random.Generator, place: Array) -> None:
    kind = rng.random()
    if kind < 0.25:
        person(build, rng, place, 0.0)
    elif kind < 0.5:
        plant(build, rng, place, 0.0)
    elif kind < 0.75:
        crate = Look(_pick(rng, texture.wood, texture.metal), tint(rng, 0.4, 1.1))
        build.box((*place, 0), (0.4, 0.4, float(rng.uniform(0.3, 1.1))), crate)
    else:
        build.cylinder((*place, 0), 0.16, 0.6, Look(texture.metal, tint(rng, 0.3, 1.1)))


def street(rng: np.random.Generator) -> Place:
    """Build city blocks, and a drive around the one in the middle."""
    block = rng.uniform((32.0, 26.0), (46.0, 36.0))
    road, walk = 5.6, 2.8
    centre = block + walk + road
    sun = np.array((rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7), rng.uniform(0.7, 1.1)))
    red, green, blue = sun / np.linalg.norm(sun)
    light = Light((0.62, 0.66, 0.74), (0.62, 0.57, 0.48), (float(red), float(green), float(blue)))
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1)))
    driver = Ride((5.0, 11.0), 0.7, 2.5, 1.65, 0.015, 0.006, 0.02)
    path = Path.of(corners * (centre + 1.7), 9.0, driver, rng)
    build = Builder()
    reach = 3 * (centre + road)
    build.ground(-reach * 3, reach * 3, 0.0, Look(texture.asphalt))
    _marks(build, centre, road)
    pitch = 2 * centre
    for column in (-1, 0, 1):
        for row in (-1, 0, 1):
            _block(build, rng, np.array((column, row)) * pitch, block, walk)
    _kerbside(build, rng, path, centre, road)
    return Place(build, path, light, -centre - 25, centre + 25, cars=2)


def _marks(build: Builder, centre: Array, road: float) -> None:
    """Paint the middle line, the edge lines and the crossings of the four roads."""
    white = Look(texture.plain, (1.0, 1.0, 0.96))
    for axis in (0, 1):
        for side in (-1, 1):
            end = centre[1 - axis] - road
            for along in np.arange(-end + 6, end - 8, 7.0):
                _mark(build, axis, side * centre[axis], along, (0.08, 1.5), white)
            for crossing in (-end + 2.2, end - 2.2):
                for across in np.arange(-road + 0.9, road, 1.1):
                    _mark(build, axis, side * centre[axis] + across, crossing, (0.27, 1.4), white)


def _mark(
    build: Builder, axis: int, across: float, along: float, half: tuple[float, float], look: Look
) -> None:
    low, high = (across - half[0], along - half[1]), (across + half[0], along + half[1])
    build.ground(*((low, high) if axis == 0 else (low[::-1], high[::-1])), 0.012, look)


def _block(
    build: Builder, rng: np.random.Generator, middle: Array, block: Array, walk: float
) -> None:
    """Build a raised sidewalk with rows of houses on all four sides and a yard inside."""
    size = 2 * (block + walk)
    slabs = Look(texture.pavement)
    build.box((*middle, -0.3), (*size, 0.42), slabs)
    for side in range(4):
        axis = side % 2
        sign = 1 if side < 2 else -1
        depth = 9.0
        along = -block[1 - axis] + (depth if axis else 0)
        stop = block[1 - axis] - (depth if axis else 0)
        while along < stop - 4:
            width = min(float(rng.uniform(8, 16)), stop - along)
            if stop - along - width < 5:
                width = stop - along
            place = np.zeros(2)
            setback = float(rng.choice((0.0, 0.0, 0.8, 2.0)))
            place[axis] = sign * (block[axis] - depth / 2 - setback)
            place[1 - axis] = along + width / 2
            footprint = (depth, width) if axis == 0 else (width, depth)
            if rng.random() > 0.08:
                _house(build, rng, middle + place, footprint)
            along += width


def _house(
    build: Builder, rng: np.random.Generator, place: Array, size: tuple[float, float]
) -> None:
    storeys = int(rng.integers(2, 6))
    front = Look(texture.facade, tint(rng, 0.65, 1.2), int(rng.integers(3)))
    roof = Look(texture.bricks, (0.6, 0.5, 0.5))
    shop = Look(texture.shopfront, tint(rng, 0.7, 1.15), int(rng.integers(2)))
    ground_floor = 3.4 if rng.random() < 0.6 else 0.0
    if ground_floor:
        build.box((*place, 0.12), (*size, ground_floor), shop)
        ledge = (size[0] + 0.5, size[1] + 0.5, 0.25)
        build.box((*place, ground_floor), ledge, Look(texture.metal, tint(rng, 0.5, 1.0)))
    build.box((*place, 0.12 + ground_floor), (*size, storeys * 3.2), front)
    top = 0.12 + ground_floor + storeys * 3.2
    taper = (0.35, 1.0) if size[0] < size[1] else (1.0, 0.35)
    build.box((*place, top), (size[0] + 0.6, size[1] + 0.6, 2.4), roof, taper=taper)


def _kerbside(
    build: Builder, rng: np.random.Generator, path: Path, centre: Array, road: float
) -> None:
    """Park cars at both kerbs; stand trees, lamps, signs and people on both sidewalks."""
    for axis in (0, 1):
        end = centre[1 - axis] - road - 7
        for side in (-1, 1):
            for kerb in (-1, 1):
                for along in np.arange(-end, end, 6.2):
                    parked = _beside(axis, side * centre[axis] + kerb * (road - 1.05), along)
                    if rng.random() < 0.55 and distance_to(path.points, parked) > 2.4:
                        heading = kerb * np.pi / 2 if axis == 0 else np.pi * (kerb > 0)
                        car(build, rng, parked, heading + rng.normal(0, 0.02))
                    offset = kerb * (road + float(rng.uniform(0.5, 0.9)))
                    _street_thing(
                        build, rng, _beside(axis, side * centre[axis] + offset, along + 3)
                    )


def _beside(axis: int, across: float, along: float) -> Array:
    return np.array((across, along) if axis == 0 else (along, across))


def _street_thing(build: Builder, rng: np.random.Generator, place: ArrayLike) -> None:
    at = np.asarray(place, np.float64)
    kind = rng.random()
    if kind < 0.35:
        tree(build, rng, at)
    elif kind < 0.55:
        lamp_post(build, rng, at)
    elif kind < 0.75:
        person(build, rng, at, 0.0)
    elif kind < 0.85:
        bin_look = Look(texture.metal, tint(rng, 0.2, 0.9))
        build.cylinder((*at, 0.12), 0.25, 0.9, bin_look)
