"""
Nearer things of one picture in another (DepthMix of Hoyer et al., CVPR 2021).

A network that sees few drives learns by heart what stands where. A robot's camera always looks at
the same ground, so that what stands on it in one picture can stand on it in another.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

NEARER = 0.93  # what is nearer by less is the same ground
HALO_PX = 4  # that far from known depth, unknown depth of what is brought in is the same
SPECKLE_PX = 5  # smaller things are errors of triangulated depth


class RgbdImage(NamedTuple):
    """
    What a camera sees.

    :param image: RGB, shape (H, W, 3)
    :param depth: along the optical axis, NaN where it is not known, shape (H, W)
    """

    image: NDArray[np.uint8]
    depth: NDArray[np.float32]


def depth_mix(scene: RgbdImage, other: RgbdImage) -> RgbdImage:
    """
    Put into a scene what is nearer in another, of the same size and camera.

    Where depth is not known, that of the nearest pixel with depth is compared: the sky over a wood
    counts as the wood.
    """
    if np.isnan(scene.depth).all():
        return scene
    nearer = _filled(other.depth, HALO_PX) < NEARER * _filled(scene.depth)
    chosen = cv2.medianBlur(nearer.astype(np.uint8), SPECKLE_PX).astype(bool)
    return RgbdImage(
        np.where(chosen[..., None], other.image, scene.image),
        np.where(chosen, other.depth, scene.depth),
    )


def _filled(depth: NDArray[np.float32], reach_px: float = np.inf) -> NDArray[np.float32]:
    """Give unknown pixels the depth of the nearest known one within reach, the rest +Inf."""
    unknown = np.isnan(depth)
    if unknown.all():
        return np.full_like(depth, np.inf)
    away, nearest = cv2.distanceTransformWithLabels(
        unknown.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.empty(int(nearest.max()) + 1, np.float32)
    values[nearest[~unknown]] = depth[~unknown]
    return np.where(away <= reach_px, values[nearest], np.float32(np.inf))
