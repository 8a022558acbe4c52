"""Depth over time: each pixel beside what the frame before saw there, moved by the odometry."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.geometry.rigid import Matrix, inverse
from lsd_ros.inference.temporal_settings import TemporalSettings
from lsd_ros.types import Camera

Plane = NDArray[np.float32]


class TemporalFilter:
    """
    Steadies inverse depth, in the network's own unit.

    Where a pixel agrees with the steadied frame before, both are averaged. Where it does not, it
    counts at once if it is nearer; if it is farther it counts once two frames in a row have seen
    it so, and until then the nearer depth stays. So an obstacle is never late, and free space is
    late by one frame.
    """

    def __init__(self) -> None:
        self._camera: Camera | None = None
        self._rays: Plane | None = None
        self._raw: Plane | None = None
        self._steady: Plane | None = None

    def forget(self) -> None:
        """Compare the next frame with none."""
        self._raw = self._steady = None

    def steadied(
        self,
        inverse_depth: Plane,
        camera: Camera,
        current_from_previous: Matrix | None,
        wanted: TemporalSettings,
    ) -> Plane:
        """
        Take the next frame.

        :param inverse_depth: positive, shape (h, w), float32
        :param camera: of that map
        :param current_from_previous: motion in the same unit, shape (4, 4); None: not known, and
            nothing is compared
        :return: shape (h, w), float32
        """
        raw, before = self._raw, self._steady
        comparable = raw is not None and before is not None and camera == self._camera
        self._raw = self._steady = inverse_depth
        if camera != self._camera:
            self._camera, self._rays = camera, _rays(camera)
        if not comparable or current_from_previous is None or raw is None or before is None:
            return inverse_depth
        where, expected = self._seen_before(inverse_depth, inverse(current_from_previous))
        was, was_raw = (
            cv2.remap(each, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            for each in (before, raw)
        )
        columns, rows = where
        inside = (columns >= 0) & (columns <= camera.width - 1)
        inside &= (rows >= 0) & (rows <= camera.height - 1)  # at the border half of it is nothing
        known = inside & (was > 0) & (expected > 0)
        ratio = np.divide(was, expected, out=np.ones_like(was), where=known)
        ratio_raw = np.divide(was_raw, expected, out=np.ones_like(was), where=known)
        tolerance = np.float32(wanted.agreement)
        agrees = np.abs(ratio - 1) < tolerance
        held = (ratio >= 1 + tolerance) & ~(np.abs(ratio_raw - 1) < tolerance)
        factor = np.where(agrees, 1 + np.float32(wanted.memory) * (ratio - 1), np.float32(1))
        np.copyto(factor, ratio, where=held)
        self._steady = np.asarray(inverse_depth * factor, np.float32)
        return self._steady

    def _seen_before(
        self, inverse_depth: Plane, previous_from_current: Matrix
    ) -> tuple[tuple[Plane, Plane], Plane]:
        """Return where each pixel was in the frame before, and its inverse depth there."""
        assert self._rays is not None
        assert self._camera is not None
        rotation = previous_from_current[:3, :3].astype(np.float32)
        moved = previous_from_current[:3, 3].astype(np.float32)
        turned = np.tensordot(rotation, self._rays, axes=1)
        x, y, z = turned + moved[:, None, None] * inverse_depth
        ahead = z > 1e-6
        z = np.where(ahead, z, np.float32(1))
        camera = self._camera
        columns = np.where(ahead, x / z * np.float32(camera.fx) + np.float32(camera.cx), -10)
        rows = np.where(ahead, y / z * np.float32(camera.fy) + np.float32(camera.cy), -10)
        expected = np.where(ahead, inverse_depth / z, 0)
        return (
            (columns.astype(np.float32), rows.astype(np.float32)),
            expected.astype(np.float32),
        )


def _rays(camera: Camera) -> Plane:
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    x, y = (columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy
    return np.stack([x, y, np.ones_like(x)]).astype(np.float32)
