"""The bearings under which a camera sees: which pixels look along each of them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.obstacles.rays import Plane, Rays
from lsd_ros.types import Camera

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
WIDEST = math.pi / 4  # no pixel covers more to a side, though one that looks straight down might


@dataclass(frozen=True)
class Bearings:
    """
    Equal sectors around a vertical axis.

    :param middle: a bearing inside of the view; angles are unrolled around it [rad]
    :param first: of the centre of the first sector, relative to ``middle`` [rad]
    :param increment: width of a sector [rad]
    :param count: how many there are
    """

    middle: float
    first: float
    increment: float
    count: int

    @classmethod
    def covering(cls, middle: float, low: float, high: float, increment: float) -> Bearings:
        """Cover what lies between two angles around the middle, at most the full circle."""
        circle = int(2 * math.pi / increment)
        count = min(max(1, math.ceil((high - low) / increment - 1e-6)), circle)
        first = (low + high) / 2 - (count - 1) / 2 * increment
        return cls(middle, first, increment, count)

    @property
    def angles(self) -> Array:
        """Return the bearing of every centre [rad], shape (count,)."""
        return np.asarray(self.middle + self.first + np.arange(self.count) * self.increment)

    def unrolled(self, bearing: Array) -> Array:
        """Return bearings relative to the middle, within half a turn of it [rad]."""
        return unrolled(bearing - self.middle)

    def position(self, angle: Array) -> Array:
        """Return where an unrolled angle lies; the centre of sector i is at i."""
        return np.asarray((angle - self.first) / self.increment)

    def spread(self, low: Array, centre: Array, high: Array) -> tuple[Indices, Indices]:
        """
        Find the sectors that things cover: those whose centre they cover, and the one they are in.

        What lies beside all sectors is left out.

        :param low: position of their one end, shape (N,)
        :param centre: position of their centre, shape (N,)
        :param high: position of their other end, shape (N,)
        :return: for every pair which thing and which sector it is, each of shape (pairs,)
        """
        own = np.rint(centre).astype(np.intp)
        start = np.minimum(own, np.ceil(low).astype(np.intp))
        counts = np.maximum(own, np.floor(high).astype(np.intp)) - start + 1
        things = np.repeat(np.arange(len(own)), counts)
        within = np.arange(len(things)) - np.repeat(np.cumsum(counts) - counts, counts)
        sectors = start[things] + within
        if (self.count + 1) * self.increment > 2 * math.pi:
            return things, sectors % self.count
        inside = (sectors >= 0) & (sectors < self.count)
        return things[inside], sectors[inside]


@dataclass(frozen=True)
class BearingTable:
    """
    The pixels of a camera, sorted into bearings around it.

    :param bearings: around the camera, in the axes of the base frame
    :param pixels: index of each pixel that looks along a bearing, bearing after bearing
    :param starts: where the pixels of each bearing that has any begin
    :param taken: which bearings these are
    :param half: half of what each pixel covers, at least half of a bearing, shape (H, W), float32
    """

    bearings: Bearings
    pixels: Indices
    starts: Indices
    taken: Indices
    half: Plane

    @classmethod
    def of(
        cls,
        camera: Camera,
        base_from_camera: Array,
        wanted: NDArray[np.bool_],
        increment: float,
    ) -> BearingTable:
        """
        Sort pixels into bearings; a pixel that is wider than a bearing is in several.

        :param wanted: which pixels, at least one, shape (H, W)
        :param increment: between two bearings [rad]
        """
        forward, left = _level_rays(camera, base_from_camera)
        bearing = np.arctan2(left, forward)[wanted]
        middle = math.atan2(float(np.sin(bearing).sum()), float(np.cos(bearing).sum()))
        angle = unrolled(bearing - middle)
        sides = _sides(camera, base_from_camera, wanted, bearing)
        low, high = (angle + side for side in sides)
        half = np.zeros(wanted.shape, np.float32)
        half[wanted] = np.maximum(np.maximum(-sides[0], sides[1]), increment / 2)
        grid = Bearings.covering(middle, float(low.min()), float(high.max()), increment)
        things, sectors = grid.spread(*map(grid.position, (low, angle, high)))
        order = np.argsort(sectors, kind='stable')
        taken, starts = np.unique(sectors[order], return_index=True)
        return cls(grid, np.flatnonzero(wanted)[things[order]], starts, taken, half)

    def among(self, pixels: Indices) -> BearingTable:
        """
        Return the table for the values of some pixels alone.

        :param pixels: where they are in the flattened image, growing; all that are in the table
        """
        return dataclasses.replace(self, pixels=np.searchsorted(pixels, self.pixels))

    def least(self, values: Plane, empty: float | np.float32) -> Plane:
        """
        Return the least value of every bearing.

        :param values: of all pixels, or of those that the table is among, any shape
        :param empty: of a bearing that no pixel looks along
        :return: shape (bearings,)
        """
        result = np.full(self.bearings.count, empty, values.dtype)
        result[self.taken] = np.minimum.reduceat(values.ravel().take(self.pixels), self.starts)
        return result


def unrolled(angle: Array) -> Array:
    """Return an angle within half a turn of zero [rad]."""
    return np.asarray((angle + math.pi) % (2 * math.pi) - math.pi)


def _level_rays(camera: Camera, base_from_camera: Array) -> tuple[Array, Array]:
    rays = Rays.of(camera)
    forward, left = (
        base_from_camera[axis, 0] * rays.x + base_from_camera[axis, 1] * rays.y
        + base_from_camera[axis, 2]
        for axis in (0, 1)
    )  # fmt: skip
    return forward, left


def _sides(
    camera: Camera, base_from_camera: Array, wanted: NDArray[np.bool_], bearing: Array
) -> tuple[Array, Array]:
    """Return how far the corners of pixels lie to both sides of their centres [rad]."""
    corners = dataclasses.replace(
        camera,
        width=camera.width + 1,
        height=camera.height + 1,
        cx=camera.cx + 0.5,
        cy=camera.cy + 0.5,
    )
    forward, left = _level_rays(corners, base_from_camera)
    around = np.arctan2(left, forward)
    four = (around[:-1, :-1], around[:-1, 1:], around[1:, :-1], around[1:, 1:])
    offsets = np.stack([unrolled(corner[wanted] - bearing) for corner in four])
    limited = np.clip(offsets, -WIDEST, WIDEST)
    return limited.min(axis=0), limited.max(axis=0)
