"""Colours of the synthetic world: textures, daylight, lamps and shadows on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.synthetic.scene import Builder, Light, Scene
from lsd_ros.synthetic.texture import SIZE, Atlas, noise
from lsd_ros.synthetic.visibility import FAR_M, SKY, SceneView, Single

Array = NDArray[np.float64]

STAIN_M = 23.0  # period of the slow variation that hides the repetition of tiles
SKY_TILES = 6.0  # distance on the sky, in cloud heights, after which clouds repeat


@dataclass(frozen=True)
class GroundMap:
    """
    How much light the ground gets: shadows, and the darkness beside what stands on it.

    :param factor: shape (rows, columns), float32
    :param low: x, y of the first texel [m]
    :param cell_m: size of a texel [m]
    """

    factor: Single
    low: tuple[float, float]
    cell_m: float

    @classmethod
    def of(cls, parts: Sequence[Builder], light: Light, low: Array, high: Array) -> GroundMap:
        """Throw the shadow of everything that stands between two corners of the ground."""
        cell = 0.04 if light.lamps else 0.15
        columns, rows = np.ceil((high - low) / cell).astype(int)
        sunny = np.ones((rows, columns), np.float32)
        open_sky = np.ones((rows, columns), np.float32)
        shift = -np.array(light.to_sun[:2]) / light.to_sun[2]
        for outline, height in (item for part in parts for item in part.footprints):
            shadow = np.concatenate((outline, outline + shift * height))
            for picture, points in ((open_sky, outline), (sunny, shadow)):
                hull = cv2.convexHull(((points - low) / cell * 16).astype(np.int32))
                cv2.fillConvexPoly(picture, hull, 0.0, cv2.LINE_AA, 4)
        reach = 0.25 if light.lamps else 0.8
        dim = cv2.GaussianBlur(open_sky, (0, 0), reach / cell) * 0.45 + 0.55
        if not light.lamps:
            left = np.float32(light.in_shadow)
            dim *= left + (1 - left) * cv2.GaussianBlur(sunny, (0, 0), 0.8)
        return cls(np.asarray(dim, np.float32), (float(low[0]), float(low[1])), cell)

    def at(self, x: Single, y: Single) -> Single:
        """Read the map at places of the world [m]."""
        u = (x - np.float32(self.low[0])) / np.float32(self.cell_m) - np.float32(0.5)
        v = (y - np.float32(self.low[1])) / np.float32(self.cell_m) - np.float32(0.5)
        read = cv2.remap(self.factor, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(read, np.float32)


@dataclass(frozen=True)
class Shader:
    """
    What is needed to colour any view of one world.

    :param atlas: its textures
    :param light: what lights it
    :param ground: the light on its ground
    :param stains: slow variation around 1, shape (512, 512), float32
    """

    atlas: Atlas
    light: Light
    ground: GroundMap
    stains: Single

    @classmethod
    def of(cls, atlas: Atlas, light: Light, ground: GroundMap, rng: np.random.Generator) -> Shader:
        """Make the shader of a world."""
        return cls(atlas, light, ground, (1 + 0.10 * noise(rng, 2, 4)).astype(np.float32))

    def colours(
        self, scene: Scene, view: SceneView, inverse: Single, surface: NDArray[np.int32]
    ) -> Single:
        """
        Colour what every pixel sees.

        :param inverse: inverse depth [1/m], shape (H, W)
        :param surface: index of the surface, ``SKY`` for the sky, shape (H, W)
        :return: RGB from 0 to 255, not clipped, shape (H, W, 3)
        """
        hits = _Hits.of(scene, view, inverse, surface)
        tint = scene.colour.astype(np.float32).take(surface, axis=0)
        hits.unroll(scene, self.light, tint)
        tint *= self._local(hits)[..., None]
        tint[surface == SKY] = 1
        texture = scene.texture.take(surface)
        level = hits.level(scene, view)
        hits.raise_sky(texture, level)
        picture = self.atlas.read(texture, hits.u, hits.v, level)
        picture *= tint
        return picture

    def _local(self, hits: _Hits) -> Single:
        """Return what place does to light: shadows, corners, lamps, stains."""
        x, y, z = hits.place
        level = (hits.normal[2] > 0.9) & (z < 0.2)
        corner = 1 - np.float32(0.35) * np.exp(np.minimum(-5 * z, 0))
        factor = np.where(level, self.ground.at(x, y), corner)
        factor *= self._stain((x + np.float32(0.35) * z), (y + np.float32(0.65) * z))
        if self.light.lamps is not None:
            factor *= self._lamps(x, y, z, self.light.lamps)
        dull = np.float32(1) - hits.shining
        return np.asarray(1 + dull * (factor - 1), np.float32)

    def _stain(self, u: Single, v: Single) -> Single:
        scale = np.float32(SIZE / STAIN_M)
        read = cv2.remap(
            self.stains, u * scale, v * scale, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )
        return np.asarray(read, np.float32)

    def _lamps(self, x: Single, y: Single, z: Single, spacing: tuple[float, float]) -> Single:
        """Light by the nearest lamp of the ceiling's grid; lamps hang at multiples of spacing."""
        aside = [
            place - np.round(place / np.float32(step)) * np.float32(step)
            for place, step in zip((x, y), spacing, strict=True)
        ]
        below = np.float32(self.light.ceiling_m + 0.6) - z
        square = aside[0] ** 2 + aside[1] ** 2
        pool = np.float32(4) / (np.float32(2) + square + np.float32(0.4) * below**2)
        edge = np.exp(np.minimum(4 * (z - np.float32(self.light.ceiling_m)), 0))
        return np.asarray((0.55 + 0.45 * pool) * (1 - 0.25 * edge), np.float32)


@dataclass
class _Hits:
    """Where rays end: place [m], texture coordinates [tiles] and normal, each (H, W) float32."""

    place: tuple[Single, Single, Single]
    rays: tuple[Single, Single, Single]
    depth: Single
    u: Single
    v: Single
    normal: list[Single]
    surface: NDArray[np.int32]
    shining: Single

    @classmethod
    def of(
        cls, scene: Scene, view: SceneView, inverse: Single, surface: NDArray[np.int32]
    ) -> _Hits:
        """Follow the rays to the surfaces."""
        everything = slice(None)
        rays = view.rays(everything, everything)
        depth = np.asarray(1 / np.maximum(inverse, 1 / FAR_M), np.float32)
        start = view.centre.astype(np.float32)
        x, y, z = (start[i] + depth * rays[i] for i in range(3))
        table = np.concatenate((scene.across, scene.upward, scene.offset), 1).astype(np.float32)
        rows = table.take(surface, axis=0)
        u = rows[..., 0] * x + rows[..., 1] * y + rows[..., 2] * z + rows[..., 6]
        v = rows[..., 3] * x + rows[..., 4] * y + rows[..., 5] * z + rows[..., 7]
        normal = [scene.normals[:, i].astype(np.float32).take(surface) for i in range(3)]
        shining = scene.shining.astype(np.float32).take(surface)
        return cls((x, y, z), rays, depth, u, v, normal, surface, shining)

    def unroll(self, scene: Scene, light: Light, tint: Single) -> None:
        """Give round surfaces their normals, texture coordinates and daylight."""
        here = np.flatnonzero(self.surface >= len(scene.corners))
        if not here.size:
            return
        index = self.surface.take(here)
        shapes = scene.rounds
        number = index - len(scene.corners)
        centre = np.stack([shape.centre for shape in shapes]).take(number, axis=0)
        radii = np.stack([shape.radii for shape in shapes]).take(number, axis=0)
        away = np.stack([axis.take(here) for axis in self.place], 1) - centre
        normals = away / radii**2
        pipe = np.array([shape.cylinder for shape in shapes]).take(number)
        lid = pipe & (away[:, 2] > radii[:, 2] - 1e-3)
        normals[pipe, 2] = 0
        normals[lid] = (0, 0, 1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        around = np.arctan2(away[:, 1], away[:, 0]) * radii[:, :2].mean(1)
        scale = scene.across[:, 0].take(index)
        np.put(self.u, here, around * scale + scene.offset[:, 0].take(index))
        np.put(self.v, here, away[:, 2] * scale + scene.offset[:, 1].take(index))
        for axis in range(3):
            np.put(self.normal[axis], here, normals[:, axis])
        daylight = light.daylight(normals)
        tint.reshape(-1, 3)[here] = scene.tint.take(index, axis=0) * daylight

    def level(self, scene: Scene, view: SceneView) -> Single:
        """Return the level of the texture pyramid that fits the size of a pixel."""
        length = np.sqrt(sum(ray * ray for ray in self.rays))
        facing = np.abs(sum(n * ray for n, ray in zip(self.normal, self.rays, strict=True)))
        pixel = np.float32(1 / view.focal[0])
        density = scene.density.astype(np.float32).take(self.surface)
        footprint = self.depth * density * pixel / np.sqrt(facing / length + np.float32(0.02))
        return np.asarray(np.log2(np.maximum(footprint, np.float32(0.5))))

    def raise_sky(self, texture: NDArray[np.intp], level: Single) -> None:
        """Put clouds, the first texture, where nothing else is."""
        sky = self.surface == SKY
        x, y, z = (ray[sky] for ray in self.rays)
        height = np.maximum(z, 0) + np.float32(0.15) * np.sqrt(x * x + y * y + z * z)
        self.u[sky], self.v[sky] = x / height / SKY_TILES, y / height / SKY_TILES
        texture[sky], level[sky] = 0, 1.0
