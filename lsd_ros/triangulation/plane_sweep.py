"""
Plane sweep: how well other views agree with one, for every depth that a pixel may have.

Collins, A space-sweep approach to true multi-image matching, CVPR 1996. Views are compared by
zero-mean normalised cross correlation of small patches, so that exposure does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

NOISE = 4.0  # variance that tells nothing [grey levels squared]
OUTSIDE = -1e4  # what an image is beyond its border

Plane = NDArray[np.float32]


class SweptView(NamedTuple):
    """
    What another camera, or the same one at another time, saw.

    :param image: luminance, shape (H, W), 0 .. 255
    :param view_from_target: motion, shape (4, 4) [m]
    """

    image: Plane
    view_from_target: NDArray[np.float64]


def swept_cost(
    target: Plane,
    views: Sequence[SweptView],
    intrinsics: NDArray[np.float64],
    inverse_depths: NDArray[np.float64],
    patch: int,
) -> Plane:
    """
    Compare a target with its views, at one depth for the whole image after the other.

    A pixel counts with the better half of the views: what hides it from the others is no mistake.

    :param target: luminance, shape (H, W), 0 .. 255
    :param views: at least one, of the same camera
    :param intrinsics: K of the target and of all views [pixels], shape (3, 3)
    :param inverse_depths: to try [1/m], shape (D,)
    :param patch: side of the patches that are compared [pixels]
    :return: 0: the same, 1: nothing in common; NaN where no view sees it, shape (H, W, D)
    """
    seen = _Patches.of(target, patch)
    cost = np.empty((*target.shape, len(inverse_depths)), np.float32)
    backwards = np.linalg.inv(intrinsics)
    for d, inverse_depth in enumerate(inverse_depths):
        costs = []
        for view in views:
            rotation, translation = view.view_from_target[:3, :3], view.view_from_target[:3, 3]
            plane = rotation + np.outer(translation, (0, 0, inverse_depth))
            costs.append(_difference(seen, view.image, intrinsics @ plane @ backwards))
        cost[..., d] = _better_half(np.stack(costs))
    return cost


def standing_cost(target: Plane, views: Sequence[SweptView], patch: int) -> Plane:
    """
    Compare a target with its views as if nothing had moved; the rest is as in the sweep.

    :return: shape (H, W)
    """
    seen = _Patches.of(target, patch)
    return _better_half(np.stack([_difference(seen, view.image, np.eye(3)) for view in views]))


class _Patches(NamedTuple):
    """An image with mean and deviation around each pixel."""

    image: Plane
    mean: Plane
    deviation: Plane
    side: tuple[int, int]

    @classmethod
    def of(cls, image: Plane, patch: int) -> _Patches:
        side = (patch, patch)
        mean = cv2.blur(image, side)
        variance = cv2.blur(image * image, side) - mean * mean
        deviation = np.sqrt(np.maximum(variance, 0) + np.float32(NOISE))
        return cls(image, np.asarray(mean, np.float32), deviation, side)


def _difference(target: _Patches, image: Plane, image_from_target: NDArray[np.float64]) -> Plane:
    height, width = image.shape
    warped = cv2.warpPerspective(
        image,
        image_from_target,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=OUTSIDE,
    )
    outside = warped < 0
    warped[outside] = 0
    seen = _Patches.of(np.asarray(warped, np.float32), target.side[0])
    covariance = cv2.blur(seen.image * target.image, target.side) - seen.mean * target.mean
    cost = np.clip(1 - covariance / (seen.deviation * target.deviation), 0, 1)
    cost[outside] = np.nan
    return np.asarray(cost, np.float32)


def _better_half(costs: NDArray[np.float32]) -> Plane:
    """Return the mean over the better half of the views, shape (V, H, W) to (H, W)."""
    best = np.sort(costs, axis=0)[: max(1, len(costs) // 2)]  # NaN comes last
    known = ~np.isnan(best)
    total = np.where(known, best, 0).sum(axis=0)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
