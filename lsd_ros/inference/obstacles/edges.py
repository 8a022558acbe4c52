"""The points that a blurred depth edge strews into the empty space between two surfaces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.obstacles.rays import Plane

# A pixel of a ramp differs from both its neighbours by this share of the step; behind a large
# step by this share of its own, because its distance to the background is what it is off by.
Indices = NDArray[np.intp]
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
    least = np.float32(step) * inverse
    for axis in (1, 0):
        around = (2 * width + 1, 1) if axis else (1, 2 * width + 1)
        reach = cv2.getStructuringElement(cv2.MORPH_RECT, around)
        high = np.asarray(cv2.dilate(nearest, reach), np.float32)
        low = np.asarray(cv2.erode(farthest, reach), np.float32)
        ramp = np.flatnonzero(high - low > least)
        if len(ramp):
            flying.ravel()[_climbing(ramp, inverse, high, low, width, axis)] = True
    if flying.any():
        kept = np.where(flying, -UNKNOWN, nearest)
        flying &= cv2.dilate(kept, np.ones((4 * width + 1, 4 * width + 1), np.uint8)) >= inverse
    return flying


def _climbing(
    ramp: Indices, inverse: Plane, high: Plane, low: Plane, width: int, axis: int
) -> Indices:
    """
    Return which pixels beside a step lie on its ramp.

    :param ramp: where they are in the flattened map
    :param high: the most within ``width`` pixels along the axis, shape (H, W)
    :param low: the least
    """
    place = ramp % inverse.shape[1] if axis else ramp // inverse.shape[1]
    stride, last = (1, inverse.shape[1] - 1) if axis else (inverse.shape[1], len(inverse) - 1)
    inner = (place > 0) & (place < last)
    ramp, place = ramp[inner], place[inner]
    here = inverse.take(ramp)
    before = here - inverse.take(ramp - stride)
    after = inverse.take(ramp + stride) - here
    # how much it climbs (or falls) to both sides; negative: it turns there
    slope = np.maximum(np.minimum(before, after), -np.maximum(before, after))
    climb = high.take(ramp) - low.take(ramp)
    steep = slope > np.float32(STEEP) * np.minimum(climb, here)
    ramp, place, climb = ramp[steep], place[steep], climb[steep]
    # twice as far around: what is within reach of either end of the reach
    ends = [ramp + stride * (np.clip(place + to, 0, last) - place) for to in (-width, width)]
    most = np.maximum(high.take(ends[0]), high.take(ends[1]))
    further = most - np.minimum(low.take(ends[0]), low.take(ends[1]))
    return np.asarray(ramp[further < np.float32(LEVELLED) * climb], np.intp)
