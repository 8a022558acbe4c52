"""
Depth boundary errors: how near estimated depth edges lie to the true ones, and the other way.

As in iBims-1 (Koch et al., ECCV workshops 2018): accuracy is the mean distance of the estimated
edges to the true ones, completeness that of the true ones to the estimated ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SMOOTHING = 1.4  # pixels, before the gradient is taken
STEP = 0.2  # of the logarithm of depth, that is 22 %; half of it goes on from a larger one
LEVELS = 1000  # that a step is told in
FURTHEST_PX = 10.0  # edges further apart than this do not belong together (iBims-1)
LEAST_KNOWN = 0.6  # share of true depth below which edges cannot be told from its holes


@dataclass(frozen=True)
class BoundaryErrors:
    """
    The depth edges of one image, or their means over many.

    :param accuracy: mean distance of estimated edges to the nearest true one, as far as there is
        one within ten pixels [pixels]; None: there are none
    :param completeness: mean distance of true edges to the nearest estimated one, ten at most
        [pixels]; None: there are none
    """

    accuracy: float | None
    completeness: float | None


def boundary_errors(
    predicted: NDArray[np.float32], truth: NDArray[np.float32]
) -> BoundaryErrors | None:
    """
    Compare the edges of two depth maps, whose scale does not matter.

    :param predicted: positive, shape (H, W)
    :param truth: NaN where it is not known, shape (H, W)
    :return: None where too little of the truth is known
    """
    known = np.isfinite(truth) & (truth > 0)
    if known.mean() < LEAST_KNOWN:
        return None
    sure = cv2.erode(known.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    filled = np.where(known, truth, np.median(truth[known]))
    true = depth_edges(filled.astype(np.float32)) & sure
    told = depth_edges(np.nan_to_num(predicted, nan=1.0, posinf=1e3, neginf=1e-2)) & sure
    to_true, to_told = _distance(true), _distance(told)
    close = told & (to_true <= FURTHEST_PX)
    return BoundaryErrors(
        accuracy=float(to_true[close].mean()) if close.any() else None,
        completeness=float(np.minimum(to_told[true], FURTHEST_PX).mean()) if true.any() else None,
    )


def mean_boundaries(found: Sequence[BoundaryErrors]) -> BoundaryErrors | None:
    """Average over the images that have such edges; None: there is no image."""
    if not found:
        return None

    def mean(name: str) -> float | None:
        values = [value for each in found if (value := getattr(each, name)) is not None]
        return float(np.mean(values)) if values else None

    return BoundaryErrors(mean('accuracy'), mean('completeness'))


def depth_edges(depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """
    Return where depth breaks, one pixel wide.

    A floor is none, but for its last rows before the horizon.

    :param depth: positive and finite, shape (H, W)
    """
    logs = cv2.GaussianBlur(np.log(depth), (0, 0), SMOOTHING)
    across, down = (cv2.Sobel(logs, cv2.CV_32F, *order, ksize=3) / 8 for order in ((1, 0), (0, 1)))
    # the steepest slope of a step that was smoothed is its height over sqrt(2 pi) sigma
    steep = STEP / (np.sqrt(2 * np.pi) * SMOOTHING)
    unit = np.float32(LEVELS / steep)
    edges = cv2.Canny(
        np.clip(across * unit, -32768, 32767).astype(np.int16),
        np.clip(down * unit, -32768, 32767).astype(np.int16),
        LEVELS // 2,
        LEVELS,
        L2gradient=True,
    )
    return np.asarray(edges > 0)


def _distance(edges: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how far each pixel is from the nearest edge [pixels], infinite without edges."""
    if not edges.any():
        return np.full(edges.shape, np.inf, np.float32)
    blank = np.where(edges, 0, 255).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(blank, cv2.DIST_L2, 5), np.float32)
