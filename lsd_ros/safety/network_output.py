"""Is what the network said fit to drive by."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.safety.faults import Fault, Finding
from lsd_ros.types import Estimate, Scale

LEAST_SPREAD = 1e-4  # of the disparity, relative to its mean: a wall ahead has 10 times more


class NetworkOutputCheck:
    """Looks at each estimate, and compares it with the one before."""

    def __init__(self) -> None:
        """Know no estimate yet."""
        self._last: Estimate | None = None

    def findings(self, estimate: Estimate) -> tuple[Finding, ...]:
        """Take the next estimate and say what is wrong with it."""
        last, self._last = self._last, estimate
        return (*self._of_depth(last, estimate), *scale_findings(estimate.scale))

    def forget(self) -> None:
        """Compare the next estimate with none."""
        self._last = None

    def _of_depth(self, last: Estimate | None, estimate: Estimate) -> tuple[Finding, ...]:
        depth, disparity = estimate.depth, estimate.disparity
        if depth is None:
            return ()
        if disparity is not None:
            if not np.isfinite(disparity).all():
                return (Fault.NOT_FINITE.found(),)
            mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(disparity))
            if deviation <= LEAST_SPREAD * abs(mean):
                return (Fault.DEGENERATE.found('the network gave the same depth everywhere'),)
        if not np.isfinite(depth).any():
            return (Fault.DEGENERATE.found('the network gave no depth within range'),)
        if last is not None and _stuck(last, estimate):
            seen = 'the network gave the very same depth for another image'
            return (Fault.DEGENERATE.found(seen),)
        return ()


def scale_findings(scale: Scale) -> tuple[Finding, ...]:
    """Say what is wrong with a scale."""
    if scale.metric:
        return ()
    if scale.problem:
        return (Finding(Fault.SCALE_UNKNOWN, scale.problem),)
    return (Fault.SCALE_UNKNOWN.found(),)


def _stuck(last: Estimate, estimate: Estimate) -> bool:
    return _same(last.disparity, estimate.disparity) and not _same(last.image, estimate.image)


def _same(one: NDArray[np.generic] | None, other: NDArray[np.generic] | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)
