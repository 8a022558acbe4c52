"""From what a camera sees around itself to what lies around the base of the robot."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.obstacles.bearings import WIDEST, Bearings
from lsd_ros.inference.obstacles.rays import Plane

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# what a camera may say of a bearing instead of a distance; the least of its pixels counts
TOO_NEAR = np.float32(-1)  # something is nearer than can be told
BLOCKED = np.float32(1e9)  # no depth, or something that is no obstacle stands before the band
FREE = np.float32(2e9)  # seen up to the end of the range, and nothing is there
NOTHING = np.float32(3e9)  # the ground, or what is above; nothing is known of what is behind

CLOSEST_M = 0.05  # where something too near is put, from the camera
BLIND_M = 0.5  # free space begins this much farther from the base than the camera
ROUNDING = 0.01  # of a sector, for float32
OVERLAP = 0.05  # of two pixels beside each other, as a share of them
CENTRED_M = 1e-3
SAMPLES = 256  # on a line from the base to the end of the range


@dataclass(frozen=True)
class Hits:
    """
    Obstacles that a camera sees, from above, in the axes of the base frame.

    :param forward: from the camera [m], shape (N,), float32
    :param left: from the camera [m], shape (N,), float32
    :param half: half of the angle that each covers at the camera [rad], shape (N,), float32
    :param too_near: whether they are nearer than can be told
    """

    forward: Plane
    left: Plane
    half: Plane
    too_near: bool = False


@dataclass(frozen=True)
class Sectors:
    """
    Bearings around the base, and the bearings around the camera that look into each of them.

    A base and a camera at different places see the same thing under different bearings, and one
    sees behind what hides it from the other. So each distance is put where it belongs, as wide as
    it was seen; and a sector is free where every camera bearing that it crosses sees past it.

    :param around_camera: the bearings of the camera
    :param around_base: the bearings of the base
    :param place: x, y of the camera in the base frame [m]
    :param crossed: camera bearings that the sectors cross, sector after sector
    :param distances: how far each must see [m]
    :param starts: where those of each sector that can be free begin
    :param seen: which sectors these are
    """

    around_camera: Bearings
    around_base: Bearings
    place: tuple[float, float]
    crossed: Indices
    distances: Array
    starts: Indices
    seen: Indices

    @classmethod
    def of(cls, around_camera: Bearings, place: tuple[float, float], range_m: float) -> Sectors:
        """
        Divide the space around the base.

        :param place: x, y of the camera in the base frame, nearer than the range [m]
        :param range_m: where the range ends, from the base
        """
        around_base = _covering(around_camera, place, range_m)
        return cls(
            around_camera, around_base, place, *_lines(around_camera, around_base, place, range_m)
        )

    @property
    def is_centred(self) -> bool:
        """Return whether camera and base are at one place, seen from above."""
        return math.hypot(*self.place) < CENTRED_M

    def straight(self, distances: Plane) -> Hits:
        """
        Return the obstacles of a camera at the base: the nearest of each of its bearings.

        :param distances: as in :meth:`ranges`
        """
        seen = np.flatnonzero((distances >= 0) & (distances < BLOCKED))
        angle, away = self.around_camera.angles[seen], distances[seen]
        half = np.full(len(seen), self.around_camera.increment / 2, np.float32)
        forward, left = away * np.cos(angle), away * np.sin(angle)
        return Hits(forward.astype(np.float32), left.astype(np.float32), half)

    def ranges(self, distances: Plane, hits: Hits, range_min_m: float) -> Plane:
        """
        Say what lies in every sector.

        :param distances: from the camera to the nearest obstacle of each of its bearings [m], or
            what it says instead, shape (camera bearings,)
        :param hits: every obstacle that was seen: what is nearest to the camera need not be
            nearest to the base, and what stands behind it, at another height, may be the nearest
            of another sector
        :param range_min_m: nearer ranges are -Inf
        :return: shape (base bearings,), as REP-117 wants them
        """
        reach = np.where(distances < BLOCKED, distances, np.where(distances == FREE, np.inf, 0.0))
        free = np.logical_and.reduceat(reach[self.crossed] >= self.distances, self.starts)
        ranges = np.full(self.around_base.count, np.nan, np.float32)
        ranges[self.seen[free]] = np.inf
        nearest = np.full(self.around_base.count, np.inf, np.float32)
        for seen in (hits, self._too_near(distances)):
            if len(seen.half):
                sectors, found = self._found(seen)
                np.minimum.at(nearest, sectors, found)
        hit = nearest < np.inf
        ranges[hit] = np.where(nearest[hit] < range_min_m, -np.inf, nearest[hit])
        return ranges

    def _too_near(self, distances: Plane) -> Hits:
        """Return what is nearer than can be told, just before the camera."""
        angle = self.around_camera.angles[np.flatnonzero(distances < 0)]
        away = np.full((2, len(angle)), CLOSEST_M) * (np.cos(angle), np.sin(angle))
        half = np.full(len(angle), self.around_camera.increment / 2, np.float32)
        return Hits(away[0].astype(np.float32), away[1].astype(np.float32), half, too_near=True)

    def _found(self, hits: Hits) -> tuple[Indices, Plane]:
        """Return the sectors that obstacles cover, and the range of each in that sector."""
        x, y = hits.forward + np.float32(self.place[0]), hits.left + np.float32(self.place[1])
        ranges = np.hypot(x, y)
        middle = self.around_base.middle
        turned_x = x * np.float32(math.cos(middle)) + y * np.float32(math.sin(middle))
        turned_y = y * np.float32(math.cos(middle)) - x * np.float32(math.sin(middle))
        angle = np.arctan2(turned_y, turned_x)
        # As wide as its pixel at the camera, and so much wider at the base as that is nearer; what
        # is seen along the line between both is thin there. A little more, so that neighbours
        # leave no gap on a slanted wall.
        with np.errstate(divide='ignore', invalid='ignore'):
            across = np.abs(x * hits.forward + y * hits.left) / np.square(ranges)
        half = hits.half * across * np.float32(1 + OVERLAP)
        half += np.float32(ROUNDING * self.around_camera.increment)
        half = np.minimum(half, WIDEST)
        position = self.around_base.position
        low, centre, high = position(angle - half), position(angle), position(angle + half)
        things, sectors = self.around_base.spread(low, centre, high)
        if hits.too_near:
            return sectors, np.full(len(sectors), -1, np.float32)
        return sectors, ranges[things]


def _covering(camera: Bearings, place: tuple[float, float], range_m: float) -> Bearings:
    """Cover the bearings of all that the camera sees and that is farther from the base than it."""
    half = camera.increment / 2
    edges = np.append(camera.angles - half, camera.angles[-1] + half)
    distances = np.geomspace(CLOSEST_M, range_m + math.hypot(*place), SAMPLES)[:, None]
    x, y = place[0] + distances * np.cos(edges), place[1] + distances * np.sin(edges)
    outside = np.hypot(x, y) >= math.hypot(*place)
    angle = camera.unrolled(np.arctan2(y[outside], x[outside]))
    return Bearings.covering(camera.middle, angle.min(), angle.max(), camera.increment)


def _lines(
    camera: Bearings, base: Bearings, place: tuple[float, float], range_m: float
) -> tuple[Indices, Array, Indices, Indices]:
    """Follow a line from the base along every sector; note which camera bearings it crosses."""
    begin = min(math.hypot(*place) + BLIND_M, range_m)
    along = np.geomspace(begin, range_m, SAMPLES)
    x = along * np.cos(base.angles)[:, None] - place[0]
    y = along * np.sin(base.angles)[:, None] - place[1]
    bearing = camera.position(camera.unrolled(np.arctan2(y, x)))
    crossed = np.rint(bearing).astype(np.intp)
    seen = np.flatnonzero(((crossed >= 0) & (crossed < camera.count)).all(axis=1))
    keys = (np.arange(len(seen))[:, None] * camera.count + crossed[seen]).ravel()
    order = np.argsort(keys, kind='stable')
    pairs, first = np.unique(keys[order], return_index=True)
    if not pairs.size:
        nowhere = np.zeros(0, np.intp)
        return nowhere, np.zeros(0), nowhere, nowhere
    distances = np.maximum.reduceat(np.hypot(x, y)[seen].ravel()[order], first)
    starts = np.unique(pairs // camera.count, return_index=True)[1]
    return pairs % camera.count, distances, starts, seen
