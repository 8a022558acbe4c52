"""Where every pixel of a camera looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Camera

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Rays:
    """
    Where every pixel of a camera looks, at depth 1.

    :param x: shape (H, W), float32
    :param y: shape (H, W), float32
    :param length: of the ray, shape (H, W), float32
    """

    x: Plane
    y: Plane
    length: Plane

    @classmethod
    def of(cls, camera: Camera) -> Rays:
        """Compute the rays of a camera."""
        columns = (np.arange(camera.width) - camera.cx) / camera.fx
        rows = (np.arange(camera.height) - camera.cy) / camera.fy
        x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        return cls(x, y, np.sqrt(1 + x * x + y * y))

    def at(self, chosen: NDArray[np.intp]) -> Rays:
        """Return the rays of some pixels only, given by their places in the flattened image."""
        return Rays(self.x.take(chosen), self.y.take(chosen), self.length.take(chosen))
