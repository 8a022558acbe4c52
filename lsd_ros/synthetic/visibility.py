"""
What every pixel of the synthetic world sees, and its exact inverse depth.

The inverse depth of a plane is affine in the pixel, and so is the test of the side of an edge;
a polygon therefore costs a few additions and comparisons per pixel and needs no clipping (Olano
and Greer, 1997: Triangle scan conversion using 2D homogeneous coordinates).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.synthetic.scene import Round, Scene
from lsd_ros.types import Camera

Array = NDArray[np.float64]
Single = NDArray[np.float32]
Window = tuple[slice, slice]  # rows, columns

NEAR_M = 0.05
FAR_M = 1e4
SKY = -1


@dataclass(frozen=True)
class SceneView:
    """
    A camera somewhere in the world, and the rays of its pixels.

    :param rotation: world_from_camera, shape (3, 3)
    :param centre: of the camera in the world [m], shape (3,)
    :param across: x of the ray of every column, where z is 1, shape (W,)
    :param down: y of the ray of every row, where z is 1, shape (H,)
    :param focal: fx, fy [pixels]
    """

    rotation: Array
    centre: Array
    across: Array
    down: Array
    focal: tuple[float, float]

    @classmethod
    def of(cls, camera: Camera, world_from_camera: Array) -> SceneView:
        """Look from a pose."""
        across = (np.arange(camera.width, dtype=np.float64) - camera.cx) / camera.fx
        down = (np.arange(camera.height, dtype=np.float64) - camera.cy) / camera.fy
        focal = (camera.fx, camera.fy)
        return cls(world_from_camera[:3, :3], world_from_camera[:3, 3], across, down, focal)

    def rays(self, rows: slice, columns: slice) -> tuple[Single, Single, Single]:
        """Return the rays of a window in the world, of length 1 along the optical axis."""
        x, y = self.across[columns], self.down[rows]
        turn = self.rotation
        return tuple(
            (turn[i, 0] * x).astype(np.float32)
            + (turn[i, 1] * y + turn[i, 2]).astype(np.float32)[:, None]
            for i in range(3)
        )


def visible(scene: Scene, view: SceneView) -> tuple[Single, NDArray[np.int32]]:
    """
    Find what every pixel sees.

    :return: inverse depth along the optical axis, 0 for the sky [1/m], shape (H, W); and the index
        of the surface, ``SKY`` for the sky, shape (H, W)
    """
    canvas = _Canvas.blank(view)
    _draw_polygons(scene, view, canvas)
    _draw_rounds(scene, view, canvas)
    canvas.inverse[canvas.surface == SKY] = 0
    return canvas.inverse, canvas.surface


@dataclass(frozen=True)
class _Canvas:
    """Inverse depth and surface of what has been drawn so far, both of shape (H, W)."""

    inverse: Single
    surface: NDArray[np.int32]

    @classmethod
    def blank(cls, view: SceneView) -> _Canvas:
        inverse = np.full((len(view.down), len(view.across)), 1 / FAR_M, np.float32)
        return cls(inverse, np.full(inverse.shape, SKY, np.int32))

    def draw(
        self, index: int, window: Window, found: Single, inside: NDArray[np.bool_] | None = None
    ) -> None:
        """Keep what is nearer than what is there."""
        behind = self.inverse[window]
        seen = found > behind
        if inside is not None:
            np.logical_and(seen, inside, out=seen)
        np.copyto(behind, found, where=seen)
        np.copyto(self.surface[window], np.int32(index), where=seen)


def _order(corners: Array, view: SceneView, canvas: _Canvas) -> Iterator[tuple[int, Window]]:
    """Go through convex hulls from the nearest to the farthest, without those out of sight."""
    windows = _windows(corners, view)
    nearest = corners[:, :, 2].min(1)
    for index in np.argsort(nearest):
        top, bottom, left, right = windows[index]
        window = (slice(top, bottom), slice(left, right))
        if top < bottom and nearest[index] * canvas.inverse[window].min() <= 1:
            yield int(index), window


def _draw_polygons(scene: Scene, view: SceneView, canvas: _Canvas) -> None:
    corners = (scene.corners - view.centre) @ view.rotation
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1])
    distance = np.einsum('ij,ij->i', normals, corners[:, 0])
    facing = np.flatnonzero(distance < -1e-9)
    corners, planes = corners[facing], normals[facing] / distance[facing, None]
    following = np.roll(corners, -1, axis=1)
    edges = np.cross(corners, following)
    for number, window in _order(corners, view, canvas):
        index = int(facing[number])
        outline = [*edges[number, : scene.counts[index] - 1], edges[number, -1]]
        x, y = view.across[window[1]], view.down[window[0]]
        across, down = planes[number, 0] * x, planes[number, 1] * y + planes[number, 2]
        found: Single = across.astype(np.float32) + down.astype(np.float32)[:, None]
        inside = found < np.float32(1 / NEAR_M)
        for edge in outline:
            along = (edge[0] * x).astype(np.float32)
            limit = (-edge[1] * y - edge[2]).astype(np.float32)
            np.logical_and(inside, along <= limit[:, None], out=inside)
        canvas.draw(index, window, found, inside)


def _draw_rounds(scene: Scene, view: SceneView, canvas: _Canvas) -> None:
    if not scene.rounds:
        return
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    hulls = np.stack([shape.centre + signs * shape.radii for shape in scene.rounds])
    for number, window in _order((hulls - view.centre) @ view.rotation, view, canvas):
        depth = _depth_of_round(scene.rounds[number], view, window)
        canvas.draw(len(scene.corners) + number, window, np.float32(1) / depth)


def _windows(corners: Array, view: SceneView) -> NDArray[np.intp]:
    """Return top, bottom, left, right of the pixels that polygons may cover; empty: unseen."""
    x, y, z = np.moveaxis(corners, 2, 0)
    width, height = len(view.across), len(view.down)
    left, right = view.across[0] * z - x, view.across[-1] * z - x
    above, below = view.down[0] * z - y, view.down[-1] * z - y
    outside = (left > 0).all(1) | (right < 0).all(1) | (above > 0).all(1) | (below < 0).all(1)
    outside |= (z < NEAR_M).all(1)
    safe = np.maximum(z, NEAR_M)
    u = (x / safe - view.across[0]) * view.focal[0]
    v = (y / safe - view.down[0]) * view.focal[1]
    crossing = (z < NEAR_M).any(1)
    windows = np.stack(
        (
            np.where(crossing, 0, np.clip(np.floor(v.min(1)), 0, height)),
            np.where(crossing, height, np.clip(np.floor(v.max(1)) + 1, 0, height)),
            np.where(crossing, 0, np.clip(np.floor(u.min(1)), 0, width)),
            np.where(crossing, width, np.clip(np.floor(u.max(1)) + 1, 0, width)),
        ),
        1,
    ).astype(np.intp)
    windows[outside | (windows[:, 2] >= windows[:, 3])] = 0
    return windows


def _depth_of_round(shape: Round, view: SceneView, window: Window) -> Single:
    """Solve for the depth of every ray's entry, infinite where it misses."""
    origin = ((view.centre - shape.centre) / shape.radii).astype(np.float32)
    radii = shape.radii.astype(np.float32)[:, None, None]
    rays = np.stack(view.rays(*window)) / radii
    solid = slice(0, 2 if shape.cylinder else 3)
    square = np.einsum('ijk,ijk->jk', rays[solid], rays[solid])
    slope = np.einsum('i,ijk->jk', origin[solid], rays[solid])
    rest = origin[solid] @ origin[solid] - np.float32(1)
    discriminant = slope * slope - square * rest
    hit = discriminant > 0
    depth = (-slope - np.sqrt(np.where(hit, discriminant, 0))) / square
    hit &= depth > NEAR_M
    if shape.cylinder:
        hit &= np.abs(origin[2] + depth * rays[2]) <= 1
        hit, depth = _with_lid(origin, rays, hit, depth)
    return np.where(hit, depth, np.float32(np.inf))


def _with_lid(
    origin: Single, rays: Single, hit: NDArray[np.bool_], depth: Single
) -> tuple[NDArray[np.bool_], Single]:
    """Close a cylinder of radius 1 at its upper end, z = 1."""
    if origin[2] <= 1:
        return hit, depth
    to_lid = (1 - origin[2]) / np.minimum(rays[2], np.float32(-1e-6))
    x, y = origin[0] + to_lid * rays[0], origin[1] + to_lid * rays[1]
    lid = (x * x + y * y <= 1) & (rays[2] < 0) & (to_lid > NEAR_M)
    return hit | lid, np.where(lid, to_lid, depth)
