"""From what a camera sees around itself to what lies around the base of the robot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.obstacles.fan import Bearings, unrolled
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
SAMPLES = 256  # on a line from the base to the end of the range


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

    @cached_property
    def _directions(self) -> tuple[Array, Array]:
        """Return the directions of the camera's bearings: both ends and the centre of each."""
        half = self.around_camera.increment / 2
        angles = self.around_camera.angles + np.array([[-half], [0.0], [half]])
        return np.cos(angles), np.sin(angles)

    def ranges(self, distances: Plane, range_min_m: float) -> Plane:
        """
        Say what lies in every sector.

        :param distances: from the camera to the nearest obstacle of each of its bearings [m], or
            what it says instead, shape (camera bearings,)
        :param range_min_m: nearer ranges are -Inf
        :return: shape (base bearings,), as REP-117 wants them
        """
        reach = np.where(distances < BLOCKED, distances, np.where(distances == FREE, np.inf, 0.0))
        free = np.logical_and.reduceat(reach[self.crossed] >= self.distances, self.starts)
        ranges = np.full(self.around_base.count, np.nan, np.float32)
        ranges[self.seen[free]] = np.inf
        hits = np.flatnonzero(distances < BLOCKED)
        if not hits.size:
            return ranges
        sectors, found = self._found(hits, distances[hits])
        nearest = np.full(self.around_base.count, np.inf)
        np.minimum.at(nearest, sectors, found)
        hit = nearest < np.inf
        ranges[hit] = np.where(nearest[hit] < range_min_m, -np.inf, nearest[hit])
        return ranges

    def _found(self, hits: Indices, distances: Plane) -> tuple[Indices, Array]:
        """Return the sectors that obstacles cover, and the range of each in that sector."""
        cosine, sine = self._directions
        far = np.maximum(distances, CLOSEST_M)
        x = self.place[0] + far * cosine[:, hits]
        y = self.place[1] + far * sine[:, hits]
        ranges = np.where(distances < 0, -1.0, np.hypot(x[1], y[1]))
        angle = self.around_base.unrolled(np.arctan2(y, x))
        ends = angle[1] + unrolled(angle[[0, 2]] - angle[1])
        ends.sort(axis=0)  # seen from behind the camera, left is right
        low, centre, high = map(self.around_base.position, (ends[0], angle[1], ends[1]))
        things, sectors = self.around_base.spread(low, centre, high)
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
