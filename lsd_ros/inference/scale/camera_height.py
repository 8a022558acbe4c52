"""Scale from the ground: the height of the camera above it, as seen and as known."""

from __future__ import annotations

import math

import numpy as np

from lsd_ros.inference.scale.filter import FactorFilter, Measurement
from lsd_ros.inference.scale.ground import Array, Ground, GroundFinder
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.scale.scale_status import scale_status
from lsd_ros.inference.scale.source import NS_PER_S, Matrix, Observation
from lsd_ros.types import Scale

NAME = 'camera_height'
LOWEST_CAMERA_M = 0.01
UP_OF_LEVEL_CAMERA = np.array([0.0, -1.0, 0.0])  # y of an optical frame looks down


class CameraHeightScale:
    """
    Compares the known height of the camera with that above the ground which the network sees.

    :param settings: of the scale; its source is ``camera_height``
    """

    needs_depth = True
    needs_motion = False

    def __init__(self, settings: ScaleSettings) -> None:
        self._settings = settings
        self._finder = GroundFinder()
        self._filter = FactorFilter(settings)
        self.reset()

    def reset(self) -> None:
        """Forget everything that was measured."""
        self._filter.reset()
        self._last_ns: int | None = None

    def update(self, seen: Observation) -> Scale:
        """Look for the ground in a frame."""
        if self._last_ns is not None:
            if seen.stamp_ns < self._last_ns:
                self.reset()
            else:
                self._filter.wait((seen.stamp_ns - self._last_ns) / NS_PER_S)
        missing = self._measure(seen) if seen.stamp_ns != self._last_ns else ''
        self._last_ns = seen.stamp_ns
        return scale_status(self._filter, self._settings, NAME, missing)

    def _measure(self, seen: Observation) -> str:
        """Measure the factor in a frame; return what is missing for it, empty where nothing is."""
        height_m = self._height_m(seen.base_from_camera)
        if height_m < LOWEST_CAMERA_M:
            self._filter.reset()
            return (
                'the height of the camera above the ground is not known: set '
                'scale.camera_height_m, or mount.z_m, or publish the transform from the base '
                'frame to the camera'
            )
        if seen.inverse_depth is None or seen.camera is None:
            return 'the camera is not calibrated: publish camera info'
        rows, columns = seen.inverse_depth.shape
        camera = seen.camera.resized(columns, rows)
        up = _up(seen.base_from_camera)
        found = self._finder.find(seen.inverse_depth, camera, up, seen.useless)
        if not isinstance(found, Ground):
            return (
                f'no ground is seen: {found.reason}; let the camera see the ground ahead, or '
                'choose another scale.source'
            )
        self._filter.measure(Measurement(math.log(height_m / found.height), found.deviation))
        return ''

    def _height_m(self, base_from_camera: Matrix | None) -> float:
        if self._settings.camera_height_m > 0 or base_from_camera is None:
            return self._settings.camera_height_m
        return float(base_from_camera[2, 3])


def _up(base_from_camera: Matrix | None) -> Array:
    """Return where up is in the frame of the camera."""
    return UP_OF_LEVEL_CAMERA if base_from_camera is None else base_from_camera[2, :3].copy()
