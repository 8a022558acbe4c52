"""A winding road out of town: one to five lanes, with or without a footway."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from lsd_ros.synthetic import texture
from lsd_ros.synthetic.camera_path import STEPS, Path, Ride
from lsd_ros.synthetic.objects import tint, vehicle
from lsd_ros.synthetic.places import Place
from lsd_ros.synthetic.roadside import (
    LEFT,
    PIECE_M,
    RIGHT,
    CrossSection,
    Verge,
    line_with_things,
)
from lsd_ros.synthetic.scene import Builder, Light, Look

Array = NDArray[np.float64]
EDGE_LINE_M = 0.3  # from the end of the asphalt
HARD = (-0.8, 1.0)  # below 0, a veil takes from the sun and adds to the sky
BRIGHT = (0.85, 1.35)  # above 1, what the sun shines on is overexposed
BEND_M = 24.0  # over which bends are rounded


def road(rng: np.random.Generator) -> Place:
    """Build a closed road with bends both ways, and a drive along one of its lanes."""
    driver = Ride((7.0, 14.0), 0.5, 2.5, 1.65, 0.015, 0.006, 0.02)
    path = Path.of(_outline(rng), BEND_M, driver, rng)
    section = CrossSection.drawn(rng)
    light = _daylight(rng)
    build = Builder()
    low, high = path.points.min(0) - 40, path.points.max(0) + 40
    build.ground(low * 20, high * 20, 0.0, Look(texture.grass, tint(rng, 0.6, 1.3)))
    _lay(build, rng, path, section)
    _horizon(build, rng, float(np.abs((low, high)).max()))
    for side in (LEFT, RIGHT):
        line_with_things(build, rng, Verge(path, side, section))
    gap = float(rng.uniform(9, 32))
    return Place(build, path, light, low, high, 2, vehicle, gap)


def _outline(rng: np.random.Generator) -> Array:
    """Draw a closed way between an ellipse and a rectangle, which has long straights."""
    half = rng.uniform((80.0, 60.0), (170.0, 95.0))
    angles = np.linspace(0, 2 * np.pi, 800, endpoint=False)
    squareness = rng.uniform(1.0, 3.0)
    bulge = np.ones(len(angles))
    for k, share in ((2, 0.12), (3, 0.08), (5, 0.03)):
        bulge += share / squareness * np.sin(k * angles + rng.uniform(0, 6))
    circle = np.column_stack((np.cos(angles), np.sin(angles)))
    rounded = np.sign(circle) * np.abs(circle) ** (1 / squareness)
    outline = rounded * half * bulge[:, None]
    return np.asarray(outline[:: int(rng.choice((-1, 1)))])


def _daylight(rng: np.random.Generator) -> Light:
    """Draw daylight between a veiled sky and a hard sun, which leaves shadows black."""
    sun = np.array((rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8), rng.uniform(0.5, 1.1)))
    sun /= np.linalg.norm(sun)
    hard, bright = rng.uniform(*HARD), rng.uniform(*BRIGHT)
    ambient = np.array((0.6, 0.64, 0.72)) * bright * (1 - 0.6 * hard)
    direct = np.array((0.66, 0.6, 0.5)) * bright * (1 + 0.7 * hard)
    in_shadow = ambient.sum() / (ambient + sun[2] * direct).sum()
    return Light(_triple(ambient), _triple(direct), _triple(sun), in_shadow=float(in_shadow))


def _triple(values: Array) -> tuple[float, float, float]:
    first, second, third = values.tolist()
    return first, second, third


def _lay(build: Builder, rng: np.random.Generator, path: Path, section: CrossSection) -> None:
    """Lay asphalt and footways, and paint the lines between the lanes and, mostly, the edges."""
    asphalt = Look(texture.asphalt, tint(rng, 0.6, 1.7))
    painter = texture.pavement if rng.random() < 0.6 else texture.asphalt
    footway = Look(painter, tint(rng, 0.7, 1.5))
    white = Look(texture.plain, (1.0, 1.0, 0.96))
    right, left = section.asphalt_m
    edges = (right + EDGE_LINE_M, left - EDGE_LINE_M) if rng.random() < 0.7 else ()
    stations = np.linspace(0, STEPS, round(Verge(path, LEFT, section).length_m / PIECE_M) + 1)
    for number, piece in enumerate(itertools.pairwise(stations)):
        _strip(build, path, piece, (right, left), asphalt)
        for start, end in section.footways_m:
            _strip(build, path, piece, (start, end), footway, 0.015)
        between = section.between_lanes_m if number % 2 else ()
        for across in (*edges, *between):
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
    build.polygon([(*path.beside(step, aside)[0], z) for step, aside in corners], look)


def _horizon(build: Builder, rng: np.random.Generator, reach: float) -> None:
    """Put woods and hills where the plain ends."""
    for angle in np.arange(0, 2 * np.pi, 0.16):
        distance = float(rng.uniform(reach + 60, 2.2 * reach + 100))
        place = distance * np.array((np.cos(angle), np.sin(angle)))
        size = rng.uniform((25, 25, 5), (70, 70, 22))
        build.ellipsoid((*place, 0), size.tolist(), Look(texture.leaves, tint(rng, 0.5, 1.1)))
