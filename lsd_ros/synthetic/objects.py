"""Things to stand in the synthetic world: furniture, plants, people, cars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsd_ros.synthetic import texture
from lsd_ros.synthetic.scene import Builder, Look

Array = NDArray[np.float64]

GLASS = Look(texture.cloud, (0.28, 0.3, 0.34))  # of cars


def tint(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    """Draw a tint of a brightness between two bounds, with a little colour."""
    red, green, blue = rng.uniform(low, high) * rng.uniform(0.78, 1.18, 3)
    return float(red), float(green), float(blue)


def _placed(place: Array, yaw: float, forward: float, left: float, up: float) -> Array:
    """Return a place beside another one, in the directions of a thing that looks along x."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array((place[0] + c * forward - s * left, place[1] + s * forward + c * left, up))


def cupboard(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a cupboard with its front along ``yaw``."""
    height = float(rng.uniform(0.8, 2.0))
    look = Look(texture.wood, tint(rng, 0.6, 1.1))
    build.box((*place, 0), (0.55, 1.1, height), look, yaw=yaw)
    for left in (-0.27, 0.27):
        at = _placed(place, yaw, 0.275, left, 0.06)
        door = Look(texture.door, tint(rng, 0.6, 1.1), fit=True)
        build.box(at, (0.03, 0.5, height - 0.12), door, yaw=yaw)


def shelf(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a bookshelf with its front along ``yaw``."""
    books = Look(texture.books, variant=int(rng.integers(2)))
    wood = Look(texture.wood, (0.8, 0.7, 0.6))
    build.box((*place, 0), (0.34, 1.2, 1.9), books, yaw=yaw, top=wood)
    for left in (-0.61, 0.61):
        build.box(_placed(place, yaw, 0.01, left, 0), (0.38, 0.03, 1.95), wood, yaw=yaw)


def sofa(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a sofa that looks along ``yaw``."""
    cloth = Look(texture.fabric, tint(rng, 0.4, 1.2))
    build.box((*place, 0.08), (0.85, 1.9, 0.36), cloth, yaw=yaw)
    build.box(_placed(place, yaw, -0.33, 0, 0.44), (0.2, 1.9, 0.42), cloth, yaw=yaw)
    for left in (-0.87, 0.87):
        build.box(_placed(place, yaw, 0, left, 0.44), (0.85, 0.16, 0.2), cloth, yaw=yaw)
    for left in (-0.45, 0.4):
        cushion = Look(texture.fabric, tint(rng, 0.4, 1.3), variant=1)
        build.ellipsoid(_placed(place, yaw, -0.12, left, 0.6), (0.14, 0.2, 0.17), cushion)


def table(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a table with four legs, and something on it."""
    wood = Look(texture.wood, tint(rng, 0.6, 1.15))
    length, width, height = rng.uniform((0.8, 0.6, 0.45), (1.15, 0.85, 0.76))
    build.box((*place, height - 0.05), (length, width, 0.05), wood, yaw=yaw)
    for forward in (-1, 1):
        for left in (-1, 1):
            foot = _placed(place, yaw, forward * (length / 2 - 0.05), left * (width / 2 - 0.05), 0)
            build.box(foot, (0.06, 0.06, height - 0.05), wood, yaw=yaw)
    vase = Look(texture.metal, tint(rng, 0.3, 1.2))
    build.cylinder(_placed(place, yaw, 0.15, 0.1, height), 0.07, 0.22, vase)
    box = Look(texture.poster, variant=int(rng.integers(3)), fit=True)
    build.box(_placed(place, yaw, -0.2, -0.1, height), (0.24, 0.3, 0.12), box, yaw=yaw + 0.4)


def plant(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a potted plant."""
    build.cylinder((*place, 0), 0.17, 0.3, Look(texture.metal, tint(rng, 0.4, 1.1)))
    green = Look(texture.leaves, tint(rng, 0.8, 1.3))
    for _ in range(3):
        aside = rng.uniform(-0.1, 0.1, 2)
        size = rng.uniform(0.15, 0.24, 3)
        up = rng.uniform(0.4, 0.95)
        build.ellipsoid((*(place + aside), up), (size[0], size[1], size[2]), green)


def person(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand somebody: legs, body, head."""
    height = float(rng.uniform(1.5, 1.9))
    trousers = Look(texture.fabric, tint(rng, 0.2, 0.8), variant=1)
    shirt = Look(texture.fabric, tint(rng, 0.3, 1.3))
    waist, neck = 0.5 * height, 0.83 * height
    for aside in (-0.09, 0.09):
        at = _placed(place, yaw, 0, aside, 0)
        build.cylinder(at, 0.085, waist, trousers)
    build.ellipsoid((*place, (waist + neck) / 2), (0.2, 0.2, (neck - waist) * 0.62), shirt)
    skin = Look(texture.plain, tint(rng, 0.6, 0.85))
    build.ellipsoid((*place, 0.92 * height), (0.1, 0.1, 0.08 * height), skin)


def tree(build: Builder, rng: np.random.Generator, place: Array) -> None:
    """Plant a tree on the sidewalk."""
    height = float(rng.uniform(2.4, 3.4))
    bark = Look(texture.wood, (0.5, 0.42, 0.36))
    build.cylinder((*place, 0.1), float(rng.uniform(0.11, 0.2)), height, bark)
    green = Look(texture.leaves, tint(rng, 0.9, 1.4))
    for _ in range(4):
        aside = rng.uniform(-0.8, 0.8, 2)
        size = rng.uniform(0.8, 1.5, 3)
        up = height + rng.uniform(0.4, 1.6)
        build.ellipsoid((*(place + aside), up), (size[0], size[1], size[2]), green)


def lamp_post(build: Builder, rng: np.random.Generator, place: Array) -> None:
    """Stand a street lamp, or a traffic sign."""
    grey = Look(texture.metal, (0.55, 0.57, 0.58))
    if rng.random() < 0.5:
        build.cylinder((*place, 0.1), 0.07, 6.0, grey)
        build.box((*place, 6.0), (0.9, 0.9, 0.18), grey)
        return
    build.cylinder((*place, 0.1), 0.04, 2.9, grey)
    sign = Look(texture.poster, tint(rng, 0.7, 1.3), variant=int(rng.integers(3)), fit=True)
    build.box((*place, 2.2), (0.62, 0.62, 0.62), sign)


def car(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a car that looks along ``yaw``."""
    paint = Look(texture.metal, tint(rng, 0.15, 1.3))
    at = (float(place[0]), float(place[1]))
    build.box((*at, 0.28), (4.2, 1.74, 0.52), paint, yaw=yaw, taper=(0.97, 0.94))
    cabin = _placed(place, yaw, -0.25, 0, 0.8)
    build.box(cabin, (2.5, 1.6, 0.6), GLASS, yaw=yaw, top=paint, taper=(0.66, 0.86))
    _wheels(build, place, yaw, (-1.3, 1.3), 0.9)
    for front, colour in ((-2.09, (0.9, 0.1, 0.08)), (2.09, (1.0, 1.0, 0.9))):
        for aside in (-0.62, 0.62):
            lamp = Look(texture.plain, colour, shining=True)
            build.box(_placed(place, yaw, front, aside, 0.5), (0.1, 0.3, 0.14), lamp, yaw=yaw)
    plate = Look(texture.plain, (1.0, 1.0, 0.9))
    build.box(_placed(place, yaw, -2.1, 0, 0.45), (0.06, 0.5, 0.12), plate, yaw=yaw)


def _wheels(
    build: Builder, place: Array, yaw: float, axles_m: tuple[float, float], half_track_m: float
) -> None:
    for forward in axles_m:
        for left in (-1, 1):
            normal = np.array((-np.sin(yaw) * left, np.cos(yaw) * left, 0))
            hub = _placed(place, yaw, forward, left * half_track_m, 0.32)
            build.disc(hub, 0.33, normal, Look(texture.plain, (0.08, 0.08, 0.09)))
            build.disc(hub + normal * 0.01, 0.17, normal, Look(texture.metal, (0.8, 0.8, 0.8)))


def van(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a van that looks along ``yaw``; half of them are white."""
    length, width, height = rng.uniform((4.6, 1.85, 1.9), (6.2, 2.05, 2.7))
    colour = (1.35, 1.35, 1.35) if rng.random() < 0.5 else tint(rng, 0.2, 1.3)
    paint = Look(texture.metal, colour)
    build.box((*place, 0.3), (length, width, height - 0.3), paint, yaw=yaw, taper=(0.93, 0.93))
    for forward in (-0.475, 0.475):
        pane = _placed(place, yaw, forward * length, 0, 0.58 * height)
        build.box(pane, (0.14, 0.8 * width, 0.27 * height), GLASS, yaw=yaw)
    sides = _placed(place, yaw, 0.27 * length, 0, 0.58 * height)
    build.box(sides, (0.3 * length, 0.975 * width, 0.26 * height), GLASS, yaw=yaw)
    _wheels(build, place, yaw, (-0.31 * length, 0.31 * length), width / 2 + 0.02)
    _rear(build, place, yaw, length, width, 0.6)


def lorry(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a lorry that looks along ``yaw``."""
    length, width, height = rng.uniform((5.5, 2.3, 2.9), (8.5, 2.55, 3.7))
    box = Look((texture.metal, texture.fabric)[int(rng.integers(2))], tint(rng, 0.3, 1.5))
    build.box((*place, 0.95), (length, width, height - 0.95), box, yaw=yaw)
    frame = Look(texture.plain, (0.1, 0.1, 0.11))
    build.box((*place, 0.5), (length + 1.5, 0.6 * width, 0.45), frame, yaw=yaw)
    cab = _placed(place, yaw, length / 2 + 0.95, 0, 0.45)
    build.box(cab, (1.7, width - 0.15, 2.0), Look(texture.metal, tint(rng, 0.2, 1.3)), yaw=yaw)
    pane = _placed(place, yaw, length / 2 + 1.79, 0, 1.4)
    build.box(pane, (0.06, 0.85 * width, 0.8), GLASS, yaw=yaw)
    _wheels(build, place, yaw, (-0.3 * length, length / 2 + 0.9), width / 2)
    _rear(build, place, yaw, length, width, 0.75)


def _rear(
    build: Builder, place: Array, yaw: float, length: float, width: float, up: float
) -> None:
    """Put two red lamps and a plate at the back."""
    back = -length / 2 - 0.01
    red = Look(texture.plain, (0.9, 0.1, 0.08), shining=True)
    for aside in (-0.42, 0.42):
        lamp = _placed(place, yaw, back, aside * width, up)
        build.box(lamp, (0.1, 0.16, 0.3), red, yaw=yaw)
    plate = Look(texture.plain, (1.0, 1.0, 0.9))
    build.box(_placed(place, yaw, back, 0, up - 0.12), (0.06, 0.5, 0.12), plate, yaw=yaw)


def vehicle(build: Builder, rng: np.random.Generator, place: Array, yaw: float) -> None:
    """Stand a car, a van or a lorry that looks along ``yaw``."""
    chance = rng.random()
    kind = car if chance < 0.5 else van if chance < 0.85 else lorry
    kind(build, rng, place, yaw)
