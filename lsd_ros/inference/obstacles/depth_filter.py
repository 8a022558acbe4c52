"""Which depth is an obstacle's, and which is none that a robot should believe in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError
from lsd_ros.inference.obstacles.edges import flying_pixels
from lsd_ros.inference.obstacles.obstacle_settings import PointsSettings
from lsd_ros.inference.obstacles.rays import Plane
from lsd_ros.types import Estimate


@dataclass(frozen=True)
class FilteredDepth:
    """
    What is left of the depth of an estimate.

    :param depth: NaN where it is taken away, shape (H, W), float32; not to be written to
    :param flying: where it is taken away because it lies between two surfaces that are there,
        shape (H, W); None: nowhere
    """

    depth: Plane
    flying: NDArray[np.bool_] | None


class DepthFilter:
    """
    Takes away the depth that is not to be believed; cloud and scan of a frame share the work.

    :param settings: what to take away
    """

    def __init__(self, settings: PointsSettings) -> None:
        self.settings = settings
        self._last: tuple[Estimate, FilteredDepth] | None = None

    def believed(self, estimate: Estimate) -> FilteredDepth:
        """
        Take away what flies between two surfaces or is too uncertain.

        :param estimate: with depth
        :raises FrameError: the estimate has no depth
        """
        if self._last is None or self._last[0] is not estimate:
            self._last = (estimate, self._judged(estimate))
        return self._last[1]

    def _judged(self, estimate: Estimate) -> FilteredDepth:
        depth, wanted = estimate.depth, self.settings
        if depth is None:
            raise FrameError('obstacles need an estimate with depth: none was asked for')
        flying = doubted = None
        if wanted.edge_width:
            flying = doubted = flying_pixels(depth, wanted.edge_width, wanted.edge_step)
        if wanted.max_uncertainty and estimate.uncertainty is not None:
            certain = estimate.uncertainty <= np.float32(wanted.max_uncertainty) * depth
            unsure = np.isfinite(depth) & ~certain
            doubted = unsure if flying is None else flying | unsure
        if doubted is None or not doubted.any():
            return FilteredDepth(depth, None)
        believed = depth.copy()
        believed[doubted] = np.nan
        return FilteredDepth(believed, flying)
