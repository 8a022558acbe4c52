"""The points that a blurred depth edge strews into the empty space between two surfaces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.obstacles.rays import Plane

# A pixel of a ramp differs from both its neighbours by this share of the step; behind a large
# step by this share of its own, because its distance to the background is what it is off by.
STEEP = 0.1
LEVELLED = 1.4  # how much more it may climb twice as far around; a plane: 2, where it ends: 1.5
STRIP = 1 << 16  # pixels that are worked on at once: what stays in the cache is 3 times as fast
UNKNOWN = np.float32(1e9)  # [1/m], nearer and farther than anything


def flying_pixels(depth: Plane, width: int, step: float) -> NDArray[np.bool_]:
    """
    Find the pixels that lie on the ramp between what is before a depth edge and what is behind it.

    Inverse depth of a plane is affine in the pixel, however much it slants. A pixel flies where,
    along its row or its column, inverse depth climbs past it from one neighbour to the other, the
    climb within ``width`` pixels is a step, and the step does not go on outside them as that of a
    slanted surface would. What is nearer (or farther) than both its neighbours never flies: that
    is how a pole of one pixel looks. And for every pixel that flies, a nearer one that does not
    is at most twice ``width`` rows and columns away, so that nothing vanishes as a whole.

    :param depth: shape (H, W), float32; beside NaN and -Inf nothing flies, +Inf is far away
    :param width: how many pixels on either side a ramp may reach
    :param step: smallest step, as a share of the inverse depth
    :return: shape (H, W)
    """
    flying = np.empty(depth.shape, np.bool_)
    rows, around = max(1, STRIP // depth.shape[1]), 4 * width + 1
    for first in range(0, len(depth), rows):
        above = min(first, around)
        strip = _flying(depth[first - above : first + rows + around], width, step)
        flying[first : first + rows] = strip[above : above + rows]
    return flying


def _flying(depth: Plane, width: int, step: float) -> NDArray[np.bool_]:
    with np.errstate(divide='ignore'):
        inverse = np.reciprocal(depth)
    unknown = ~(depth > 0)
    nearest = farthest = inverse
    if unknown.any():
        inverse[unknown] = np.nan
        nearest = np.where(unknown, -UNKNOWN, inverse)
        farthest = np.where(unknown, UNKNOWN, inverse)
    flying = np.zeros(depth.shape, np.bool_)
    for ahead in ((0, 1), (1, 0)):
        reach = cv2.getStructuringElement(
            cv2.MORPH_RECT, (2 * width * ahead[1] + 1, 2 * width * ahead[0] + 1)
        )
        high, low = cv2.dilate(nearest, reach), cv2.erode(farthest, reach)
        climb = high - low
        further = cv2.dilate(high, reach) - cv2.erode(low, reach)
        ramp = climb > step * inverse
        ramp &= further < LEVELLED * climb
        inner = (slice(ahead[0], -ahead[0] or None), slice(ahead[1], -ahead[1] or None))
        steep = STEEP * np.minimum(climb, inverse)[inner]
        ramp[inner] &= _least_slope(inverse, axis=ahead[1]) > steep
        flying[inner] |= ramp[inner]
    if flying.any():
        kept = np.where(flying, -UNKNOWN, nearest)
        flying &= cv2.dilate(kept, np.ones((4 * width + 1, 4 * width + 1), np.uint8)) >= inverse
    return flying


def _least_slope(inverse: Plane, axis: int) -> Plane:
    """Return how much it climbs (or falls) to both sides of a pixel; negative: it turns there."""
    steps = np.diff(inverse, axis=axis)
    before, after = (steps[:-1], steps[1:]) if axis == 0 else (steps[:, :-1], steps[:, 1:])
    rising, falling = np.minimum(before, after), -np.maximum(before, after)
    return np.asarray(np.maximum(rising, falling), np.float32)
