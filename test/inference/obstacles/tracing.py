"""Traces simple places ray by ray: what scans and clouds are held against."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.types import Camera, Estimate, Scale

CAMERA = Camera(208, 128, 160.0, 160.0, 103.5, 63.5)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """Everything of a height within a square: the ground, a ceiling, a bridge [m]."""

    height: float
    nearest: float = -1e3
    farthest: float = 1e3

    def depth(self, origin: Array, rays: Array) -> Array:
        depth = (self.height - origin[2]) / rays[..., 2]
        x = origin[0] + depth * rays[..., 0]
        return np.where((depth > 0) & (x >= self.nearest) & (x <= self.farthest), depth, np.inf)


@dataclass(frozen=True)
class Pole:
    """An upright cylinder [m]."""

    x: float
    y: float
    radius: float
    top: float = 5.0
    bottom: float = 0.0

    def depth(self, origin: Array, rays: Array) -> Array:
        away = np.array((self.x, self.y)) - origin[:2]
        square = (rays[..., :2] ** 2).sum(axis=-1)
        along = rays[..., :2] @ away
        root = np.sqrt(along**2 - square * (away @ away - self.radius**2))
        depth = (along - root) / square
        height = origin[2] + depth * rays[..., 2]
        hit = (depth > 0) & (height >= self.bottom) & (height <= self.top)
        return np.where(hit, depth, np.inf)

    @property
    def bearing(self) -> float:
        return math.atan2(self.y, self.x)

    @property
    def range(self) -> float:
        return math.hypot(self.x, self.y) - self.radius


@dataclass(frozen=True)
class Wall:
    """An upright plane across x [m]."""

    x: float

    def depth(self, origin: Array, rays: Array) -> Array:
        depth = (self.x - origin[0]) / rays[..., 0]
        return np.where(depth > 0, depth, np.inf)


@dataclass(frozen=True)
class Slope:
    """Ground that rises (or falls) by an angle from some x on [m]."""

    start: float
    degrees: float

    def depth(self, origin: Array, rays: Array) -> Array:
        rise = math.tan(math.radians(self.degrees))
        depth = (origin[2] - rise * (origin[0] - self.start)) / (
            rise * rays[..., 0] - rays[..., 2]
        )
        x = origin[0] + depth * rays[..., 0]
        return np.where((depth > 0) & (x >= self.start), depth, np.inf)


GROUND = Level(0.0)


def mount(x_m: float = 0, y_m: float = 0, z_m: float = 0.5, **angles: float) -> Array:
    """Return the place of the camera in the base, angles as ``roll_deg``."""
    return base_from_optical(MountSettings(x_m=x_m, y_m=y_m, z_m=z_m, **angles))


def traced(
    *things: Level | Pole | Wall | Slope, base_from_camera: Array, camera: Camera = CAMERA
) -> NDArray[np.float32]:
    """Return the depth of the nearest thing of every pixel, +Inf where there is none."""
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = np.stack(
        ((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(u.shape)), axis=-1
    )
    with np.errstate(all='ignore'):
        depths = [
            thing.depth(base_from_camera[:3, 3], rays @ base_from_camera[:3, :3].T)
            for thing in things
        ]
    return np.min([np.full(u.shape, np.inf), *depths], axis=0).astype(np.float32)


def estimate(depth: NDArray[np.float32], camera: Camera = CAMERA, **more: Any) -> Estimate:
    """Return what an engine would say that knows the depth."""
    image = np.zeros((*depth.shape, 3), np.uint8)
    scale = Scale(1.0, metric=True, source='truth')
    return Estimate(7, 'camera', scale, camera=camera, depth=depth.copy(), image=image, **more)
