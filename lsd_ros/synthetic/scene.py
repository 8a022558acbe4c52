"""What the synthetic world is built of: flat polygons, ellipsoids and upright cylinders."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsd_ros.synthetic.texture import METRES, SIZE, Painter, cloud

Array = NDArray[np.float64]
UP = np.array((0.0, 0.0, 1.0))
MAX_CORNERS = 8

Corner = Sequence[float] | Array  # x, y


@dataclass(frozen=True)
class Look:
    """
    How a surface looks.

    :param painter: of its texture
    :param tint: RGB factor
    :param variant: another painting of the same texture
    :param fit: whether one tile fills the surface; else tiles repeat at their natural size
    :param shining: whether light does not matter
    """

    painter: Painter
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    variant: int = 0
    fit: bool = False
    shining: bool = False


@dataclass(frozen=True)
class Polygon:
    """A flat convex surface; corners run counter-clockwise seen from its front, [m]."""

    corners: Array
    look: Look


@dataclass(frozen=True)
class Round:
    """An ellipsoid, or an upright cylinder with a lid and without a bottom, [m]."""

    centre: Array
    radii: Array
    look: Look
    cylinder: bool


@dataclass(frozen=True)
class Light:
    """
    What lights a scene.

    :param ambient: RGB from everywhere
    :param sun: RGB of the sun
    :param to_sun: direction to the sun, a unit vector
    :param lamps: distance between ceiling lamps along x and y [m]; None: outdoors
    :param ceiling_m: height of the ceiling; infinite outdoors
    :param in_shadow: share of the light that is left on the ground where the sun does not reach
    """

    ambient: tuple[float, float, float]
    sun: tuple[float, float, float]
    to_sun: tuple[float, float, float]
    lamps: tuple[float, float] | None = None
    ceiling_m: float = float('inf')
    in_shadow: float = 0.5

    def daylight(self, normals: Array) -> Array:
        """Return the RGB light on surfaces of these normals, shape (N, 3)."""
        sky = 0.8 + 0.2 * normals[:, 2:]
        facing = np.clip(normals @ np.array(self.to_sun), 0, None)[:, None]
        return np.asarray(sky * np.array(self.ambient) + facing * np.array(self.sun))


@dataclass
class Builder:
    """Collects surfaces; every length is in metres, every angle in radians."""

    polygons: list[Polygon] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    footprints: list[tuple[Array, float]] = field(default_factory=list)

    @property
    def looks(self) -> list[Look]:
        """Return the look of every surface."""
        flat = [polygon.look for polygon in self.polygons]
        return flat + [surface.look for surface in self.rounds]

    def polygon(self, corners: ArrayLike, look: Look) -> None:
        """Add a flat convex surface; corners run counter-clockwise seen from its front."""
        self.polygons.append(Polygon(np.asarray(corners, np.float64), look))

    def ground(self, low: Corner, high: Corner, z: float, look: Look) -> None:
        """Add a level rectangle that looks up."""
        (x0, y0), (x1, y1) = low, high
        self.polygon([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], look)

    def box(
        self,
        centre: ArrayLike,
        size: Sequence[float],
        look: Look,
        *,
        yaw: float = 0.0,
        top: Look | None = None,
        taper: Sequence[float] = (1.0, 1.0),
    ) -> None:
        """
        Add an upright box.

        :param centre: x, y of the middle and z of the bottom
        :param size: along its own x, its own y, and up
        :param top: look of the top; None: as the sides
        :param taper: size of the top relative to the bottom, along x and y
        """
        base = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * np.array(size[:2]) / 2
        turn = np.array(((np.cos(yaw), np.sin(yaw)), (-np.sin(yaw), np.cos(yaw))))
        x, y, z = np.asarray(centre, np.float64)
        low = np.column_stack((base @ turn + (x, y), np.full(4, z)))
        high = np.column_stack((base * taper @ turn + (x, y), np.full(4, z + size[2])))
        for i in range(4):
            j = (i + 1) % 4
            self.polygon((low[i], low[j], high[j], high[i]), look)
        self.polygon(high, top or look)
        if z > 0.15:
            self.polygon(low[::-1], look)
        if z < 1.2:
            self.footprints.append((low[:, :2], z + size[2]))

    def cylinder(self, centre: ArrayLike, radius: float, height: float, look: Look) -> None:
        """Add an upright cylinder with a lid; ``centre`` is x, y and z of its bottom."""
        x, y, z = np.asarray(centre, np.float64)
        middle = np.array((x, y, z + height / 2))
        radii = np.array((radius, radius, height / 2))
        self.rounds.append(Round(middle, radii, look, cylinder=True))
        if z < 1.2:
            self.footprints.append((_circle(radius) + np.array((x, y)), z + height))

    def ellipsoid(self, centre: ArrayLike, radii: Sequence[float], look: Look) -> None:
        """Add an ellipsoid with level axes."""
        place = np.asarray(centre, np.float64)
        self.rounds.append(Round(place, np.array(radii, np.float64), look, cylinder=False))
        outline = _circle(1.0) * np.array(radii[:2]) + place[:2]
        self.footprints.append((outline, float(place[2] + radii[2])))

    def disc(self, centre: ArrayLike, radius: float, normal: ArrayLike, look: Look) -> None:
        """Add an upright octagon, for wheels; ``normal`` is level."""
        side = np.cross(UP, np.asarray(normal, np.float64))
        across, up = _circle(radius).T
        corners = np.asarray(centre, np.float64) + across[:, None] * side + up[:, None] * UP
        self.polygon(corners, look)


def _circle(radius: float) -> Array:
    angles = np.arange(8) * (np.pi / 4) + np.pi / 8
    return np.asarray(radius * np.column_stack((np.cos(angles), np.sin(angles))))


def paintings(parts: Sequence[Builder]) -> list[tuple[Painter, int]]:
    """Return every texture that the parts need and its variant; the sky comes first."""
    looks = [look for part in parts for look in part.looks]
    return list(dict.fromkeys([(cloud, 0), *((look.painter, look.variant) for look in looks)]))


@dataclass(frozen=True)
class Scene:
    """
    Surfaces as arrays, ready to be drawn: first the polygons, then the round ones.

    :param corners: of the polygons, padded with the last one, shape (P, 8, 3)
    :param counts: how many corners every polygon has, shape (P,)
    :param rounds: the round surfaces
    :param across: tiles per metre along the texture's u, shape (S, 3)
    :param upward: tiles per metre along the texture's v, shape (S, 3)
    :param offset: tiles at the world's origin, u and v, shape (S, 2)
    :param density: texels per metre, shape (S,)
    :param texture: index of the texture in the atlas, shape (S,)
    :param tint: RGB factor, shape (S, 3)
    :param colour: tint times daylight, shape (S, 3); of round surfaces without meaning
    :param normals: shape (S, 3); of round surfaces without meaning
    :param shining: 1 where light does not matter, else 0, shape (S,)
    """

    corners: Array
    counts: NDArray[np.intp]
    rounds: list[Round]
    across: Array
    upward: Array
    offset: Array
    density: Array
    texture: NDArray[np.intp]
    tint: Array
    colour: Array
    normals: Array
    shining: Array

    @classmethod
    def of(
        cls, parts: Sequence[Builder], light: Light, painted: Sequence[tuple[Painter, int]]
    ) -> Scene:
        """Put parts together under a light."""
        polygons = [polygon for part in parts for polygon in part.polygons]
        rounds = [surface for part in parts for surface in part.rounds]
        looks = [polygon.look for polygon in polygons] + [surface.look for surface in rounds]
        counts = np.array([len(polygon.corners) for polygon in polygons], np.intp)
        corners = np.stack([_padded(polygon.corners) for polygon in polygons])
        flat = [_texture_of_polygon(polygon) for polygon in polygons]
        bent = [_texture_of_round(surface) for surface in rounds]
        across, upward, offset, normals = (
            np.array(column) for column in zip(*flat, *bent, strict=True)
        )
        tint = np.array([look.tint for look in looks])
        shining = np.array([float(look.shining) for look in looks])
        lit = np.where(shining[:, None] > 0, 1.0, light.daylight(normals))
        return cls(
            corners=corners,
            counts=counts,
            rounds=rounds,
            across=across,
            upward=upward,
            offset=offset,
            density=SIZE
            * np.sqrt(np.linalg.norm(across, axis=1) * np.linalg.norm(upward, axis=1)),
            texture=np.array([painted.index((look.painter, look.variant)) for look in looks]),
            tint=tint,
            colour=tint * lit,
            normals=normals,
            shining=shining,
        )

    def with_polygons_of(self, other: Scene) -> Scene:
        """Return this scene and the polygons of another one that has nothing else."""
        first = len(self.counts)

        def joined(name: str) -> Any:
            mine, more = getattr(self, name), getattr(other, name)
            return np.concatenate((mine[:first], more, mine[first:]))

        names = {field.name for field in dataclasses.fields(self)} - {'rounds'}
        return Scene(rounds=self.rounds, **{name: joined(name) for name in names})


def _padded(corners: Array) -> Array:
    return np.pad(corners, ((0, MAX_CORNERS - len(corners)), (0, 0)), mode='edge')


def _texture_of_polygon(polygon: Polygon) -> tuple[Array, Array, Array, Array]:
    corners = polygon.corners
    across = corners[1] - corners[0]
    normal = np.cross(across, corners[2] - corners[1])
    normal /= np.linalg.norm(normal)
    across = across / np.linalg.norm(across)
    upward = np.cross(normal, across)
    if polygon.look.fit:
        inside = corners - corners[0]
        across /= (inside @ across).max()
        upward /= (inside @ upward).max()
        offset = np.array((-corners[0] @ across, -corners[0] @ upward))
    else:
        metres = METRES[polygon.look.painter]
        across, upward = across / metres, upward / metres
        offset = np.array((-corners[0] @ across, -corners[0] @ upward))
    return across, upward, offset, normal


def _texture_of_round(surface: Round) -> tuple[Array, Array, Array, Array]:
    """Give a round surface the scales of its texture; the renderer unrolls it."""
    metres = METRES[surface.look.painter]
    scale = 1 / metres
    offset = np.array((0.37 * surface.centre[0], 0.53 * surface.centre[1])) * scale
    return np.array((scale, 0, 0)), np.array((0, 0, scale)), offset, np.zeros(3)
