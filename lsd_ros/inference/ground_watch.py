"""Looks now and then where the ground is in the image, beside where the mount says it must be."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.scale.ground import LARGEST_TILT_RAD, Array, Ground, GroundFinder
from lsd_ros.inference.scale.source import Observation
from lsd_ros.types import Camera, Scale, SeenGround

PERIOD_NS = 500_000_000  # a look takes as long as 1 or 2 % of a frame does; a mount stands still
ELSEWHERE = 2  # so many other places are tried in one look
# up in the frame of the camera: x looks right, y down, z ahead
PITCHES_DEG = (0.0, 25.0, -20.0)  # positive: the camera looks down; steeper ones find walls
SIDES = {'left': (1.0, 0.0, 0.0), 'right': (-1.0, 0.0, 0.0), 'above': (0.0, 1.0, 0.0)}


class GroundWatch:
    """
    Finds the ground where the mount says it is, else where else it may be.

    The mount is asked first: only where there is no ground by it, a few other directions are
    tried, some in each look, the last one that had a ground first.
    """

    def __init__(self) -> None:
        self._finder = GroundFinder()
        self._last_ns: int | None = None
        self._turn = 0
        self._others = {name: (up, GroundFinder()) for name, up in _elsewhere()}

    def is_due(self, stamp_ns: int) -> bool:
        """Return whether it is time for a look."""
        last_ns = self._last_ns
        return last_ns is None or not 0 <= stamp_ns - last_ns < PERIOD_NS

    def look(self, seen: Observation, scale: Scale, height_m: float) -> SeenGround | None:
        """
        Look for the ground.

        :param seen: with inverse depth, camera and mount
        :param height_m: of the camera above the ground, as the settings say; 0: by the mount
        :return: None where there is none to be seen
        """
        self._last_ns = seen.stamp_ns
        if seen.inverse_depth is None or seen.camera is None or seen.base_from_camera is None:
            return None
        rows, columns = seen.inverse_depth.shape
        camera = seen.camera.resized(columns, rows)
        up = seen.base_from_camera[2, :3].copy()
        claimed = self._finder.find(seen.inverse_depth, camera, up, seen.useless)
        found = (
            claimed
            if isinstance(claimed, Ground)
            else self._found_elsewhere(seen.inverse_depth, camera, up, seen.useless)
        )
        if found is None:
            return None
        return SeenGround(
            tilt_rad=_angle(found.up, up),
            side=_side(found.up),
            height_m=found.height * scale.factor if scale.metric else math.nan,
            expected_height_m=height_m or float(seen.base_from_camera[2, 3]),
            factor=scale.factor,
        )

    def _found_elsewhere(
        self,
        inverse_depth: NDArray[np.float32],
        camera: Camera,
        up: Array,
        useless: NDArray[np.bool_] | None,
    ) -> Ground | None:
        """Try some of the other directions."""
        names = list(self._others)
        for _ in range(ELSEWHERE):
            other, finder = self._others[names[self._turn % len(names)]]
            if _angle(other, up) > LARGEST_TILT_RAD:
                found = finder.find(inverse_depth, camera, other, useless)
                if isinstance(found, Ground):
                    return found  # and is looked for there again
            self._turn += 1
        return None


def _elsewhere() -> Iterator[tuple[str, Array]]:
    for pitch in map(math.radians, PITCHES_DEG):
        yield f'{pitch}', np.array([0.0, -math.cos(pitch), -math.sin(pitch)])
    for name, up in SIDES.items():
        yield name, np.array(up)


def _side(up: Array) -> str:
    """Return on which side of the image the ground is."""
    if abs(up[0]) > max(abs(up[1]), abs(up[2])):
        return 'left' if up[0] > 0 else 'right'
    return 'above' if up[1] > abs(up[2]) else 'below'


def _angle(one: Array, other: Array) -> float:
    cosine = float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))
    return math.acos(min(1.0, max(-1.0, cosine)))
