"""Paths of cameras through a room: driven, carried, or around a thing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from lsd_ros.rendering.floor_plan import RoomPlan

# origin (3,), directions (N, 3) -> distances (N,) in units of the directions
Cast = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

NEAREST_M, FLAT_SHARE, NEAR_SHARE = 0.2, 0.8, 0.02
_TRIES = 60
_GRID = (14, 10)  # rays of a look


@dataclass(frozen=True)
class CameraView:
    """
    Where a camera is, and where it looks.

    :param x, y, z: [m]
    :param yaw: 0 looks along +y, a quarter turn along -x [rad]
    :param pitch: upwards [rad]
    :param roll: [rad]
    """

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    roll: float

    def world_from_camera(self) -> NDArray[np.float64]:
        """Return the pose of the camera: x right, y down, z forward, shape (4, 4)."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        level = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # z forward becomes +y, y down -z
        c, s = math.cos(self.pitch), math.sin(self.pitch)
        lift = np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])
        c, s = math.cos(self.roll), math.sin(self.roll)
        lean = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        pose = np.eye(4)
        pose[:3, :3] = turn @ level @ lift @ lean
        pose[:3, 3] = (self.x, self.y, self.z)
        return pose


class Look:
    """
    What a camera would see, by a few rays.

    :param cast: how far rays go
    :param size: width and height [px]
    :param focal_px: focal length
    """

    def __init__(self, cast: Cast, size: tuple[int, int], focal_px: float) -> None:
        """Spread the rays over the image."""
        self._cast = cast
        self.width, self.focal_px = size[0], focal_px
        u = (np.arange(_GRID[0]) + 0.5) * size[0] / _GRID[0] - size[0] / 2
        v = (np.arange(_GRID[1]) + 0.5) * size[1] / _GRID[1] - size[1] / 2
        grid_u, grid_v = np.meshgrid(u, v)
        self.rays = np.stack([grid_u, grid_v, np.full_like(grid_u, focal_px)], -1).reshape(-1, 3)
        self.rays /= focal_px

    def depth(self, view: CameraView) -> NDArray[np.float64]:
        """Return depth along the optical axis [m], shape (rows, columns)."""
        pose = view.world_from_camera()
        along = self._cast(pose[:3, 3], self.rays @ pose[:3, :3].T)
        return along.reshape(_GRID[1], _GRID[0])

    def flow_px(self, depth: NDArray[np.float64], first: CameraView, second: CameraView) -> float:
        """Return the median motion of the image from one view to the next."""
        points = self.rays * np.minimum(depth.reshape(-1, 1), 60.0)
        moved = np.linalg.inv(second.world_from_camera()) @ first.world_from_camera()
        there = points @ moved[:3, :3].T + moved[:3, 3]
        ahead = there[:, 2] > 0.05
        if ahead.mean() < 0.2:
            return 1e3
        before = self.rays[ahead, :2] * self.focal_px
        after = there[ahead, :2] / there[ahead, 2:] * self.focal_px
        return float(np.median(np.linalg.norm(after - before, axis=1)))

    def interest(self, depth: NDArray[np.float64]) -> float | None:
        """
        Return how much there is to learn from a view; None where it is not worth an image.

        Too little of it is: what sticks to the lens, an empty sky, a single plane.
        """
        known = np.isfinite(depth)
        if known.mean() < 0.8 or (depth < NEAREST_M).mean() > NEAR_SHARE:
            return None
        if np.median(depth[known]) < 0.6 or self._flattest(depth) > FLAT_SHARE:
            return None
        log = np.log(np.minimum(depth, 60.0))
        edges = sum(float((np.abs(np.diff(log, axis=a)) > 0.12).mean()) for a in (0, 1))
        return float(log.std()) + 1.2 * edges

    def _flattest(self, depth: NDArray[np.float64]) -> float:
        """Return the share of rays that end on the plane which most of them end on."""
        points = (self.rays * np.minimum(depth.reshape(-1, 1), 60.0)).reshape(*depth.shape, 3)
        best = 0.0
        for row in range(0, depth.shape[0] - 3, 2):
            for column in range(0, depth.shape[1] - 3, 3):
                corner = points[row, column]
                normal = np.cross(
                    points[row + 3, column] - corner, points[row, column + 3] - corner
                )
                normal /= max(float(np.linalg.norm(normal)), 1e-9)
                off = np.abs((points - corner) @ normal)
                best = max(best, float((off < 0.03).mean()))
        return best


def camera_path(
    plan: RoomPlan, look: Look, rng: Random, frames: int
) -> tuple[str, list[CameraView]] | None:
    """
    Draw a path.

    :return: how the camera moves (``robot``, ``hand`` or ``orbit``) and a view per frame; None
        where no view is worth it
    """
    modes = (
        ('robot', 'hand')
        if plan.kind.name in ('corridor', 'warehouse')
        else ('robot', 'hand', 'orbit')
    )
    mode = rng.choice(modes)
    view = _start(plan, look, rng, mode)
    if view is None:
        return None
    views, direction = [view], rng.choice((1, 1, 1, -1))
    drift = np.array([rng.gauss(0, 1) for _ in range(6)])
    while len(views) < frames:
        drift = 0.9 * drift + np.array([rng.gauss(0, 0.35) for _ in range(6)])
        views.append(_next(plan, look, rng, views[-1], _velocity(mode, drift, direction)))
    return mode, views


def _start(plan: RoomPlan, look: Look, rng: Random, mode: str) -> CameraView | None:
    best: tuple[float, CameraView] | None = None
    for attempt in range(_TRIES):
        view = _draw(plan, rng, mode)
        if not plan.floor.is_open(view.x, view.y, view.z - 0.15, 0.2):
            continue
        worth = look.interest(look.depth(view))
        if worth is not None and (best is None or worth + 0.25 * rng.random() > best[0]):
            best = (worth, view)
        if best is not None and attempt > 15:
            break
    return None if best is None else best[1]


def _draw(plan: RoomPlan, rng: Random, mode: str) -> CameraView:
    x, y = rng.uniform(0.2, plan.width - 0.2), rng.uniform(0.2, plan.depth - 0.2)
    yaw = rng.uniform(0, 2 * math.pi)
    if mode == 'robot':
        pitch, roll = math.radians(rng.uniform(-12, 4)), math.radians(rng.gauss(0, 0.7))
        return CameraView(x, y, rng.uniform(0.18, 0.8), yaw, pitch, roll)
    z, roll = rng.uniform(0.85, 1.75), math.radians(rng.gauss(0, 3))
    if mode == 'hand' or not plan.placed:
        return CameraView(x, y, z, yaw, math.radians(rng.uniform(-38, 8)), roll)
    target = rng.choice(plan.placed)
    angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(0.6, 2.4)
    x, y = target.x + math.cos(angle) * away, target.y + math.sin(angle) * away
    aim = target.piece.height * rng.uniform(0.5, 1)
    yaw = math.atan2(-(target.x - x), target.y - y)
    return CameraView(x, y, z, yaw, math.atan2(aim - z, away), roll)


def _velocity(mode: str, drift: NDArray[np.float64], direction: int) -> NDArray[np.float64]:
    """Return right, forward, up, yaw, pitch and roll per unit of way."""
    d = drift
    if mode == 'robot':
        return np.array([0, direction, 0, 0.25 * d[3], 0.01 * d[4], 0.005 * d[5]])
    if mode == 'orbit':
        return np.array(
            [direction, 0.3 * d[1], 0.3 * d[2], direction * 0.7, 0.1 * d[4], 0.05 * d[5]]
        )
    return np.array(
        [
            0.6 * d[0],
            0.9 * direction + 0.4 * d[1],
            0.3 * d[2],
            0.35 * d[3],
            0.18 * d[4],
            0.08 * d[5],
        ]
    )


def _next(
    plan: RoomPlan, look: Look, rng: Random, view: CameraView, velocity: NDArray[np.float64]
) -> CameraView:
    """Go on until the image has moved by some 2 % of its width; turn where the way is blocked."""
    depth = look.depth(view)
    wanted = look.width * min(0.05, 0.02 * math.exp(rng.gauss(0, 0.4)))
    step = 0.03
    for _ in range(3):
        flow = look.flow_px(depth, view, _moved(view, velocity, step))
        step = min(0.3, step * min(4.0, wanted / max(flow, 0.05)))
    there = _moved(view, velocity, step)
    z = min(max(there.z, 0.15), plan.height - 0.25)
    if plan.floor.is_open(there.x, there.y, z - 0.12, 0.15):
        return replace(there, z=z)
    turn = math.copysign(wanted / look.focal_px, velocity[3] or 1.0)
    return replace(view, yaw=view.yaw + turn)


def _moved(view: CameraView, velocity: NDArray[np.float64], step: float) -> CameraView:
    right, ahead, up, yaw, pitch, roll = velocity * step
    c, s = math.cos(view.yaw), math.sin(view.yaw)
    return CameraView(
        view.x + c * right - s * ahead,
        view.y + s * right + c * ahead,
        view.z + up,
        view.yaw + yaw,
        view.pitch + pitch,
        view.roll + roll,
    )
