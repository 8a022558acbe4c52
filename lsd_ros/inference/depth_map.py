"""From what the depth network says to images of depth and of its uncertainty, of any size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.geometry.depth import DisparityRange


def depth_map(
    disparity: NDArray[np.float32],
    size: tuple[int, int],
    depths: DisparityRange,
    *,
    factor: float,
    min_depth_m: float,
    max_depth_m: float,
) -> NDArray[np.float32]:
    """
    Enlarge disparity and turn it into depth.

    Inverse depth is enlarged and inverted last: it is what the network is smooth in, and one pass
    over the large image is all it takes.

    :param disparity: in (0, 1), shape (h, w), float32
    :param size: (width, height) of the depth image [pixels]
    :param depths: what disparity 0 and 1 stand for [network units]
    :param factor: metres per network unit
    :return: depth [m], shape (height, width), float32; +Inf beyond the range, -Inf too near, NaN
        where the disparity is (REP-117, REP-118)
    """
    far, near = 1 / depths.max_depth, 1 / depths.min_depth
    inverse = cv2.resize(
        (disparity * np.float32((near - far) / factor)) + np.float32(far / factor),
        size,
        interpolation=cv2.INTER_LINEAR,
    )
    # linear enlarging cannot leave the range of the small map: most frames need no more passes
    beyond = inverse < 1 / max_depth_m if inverse.min() < 1 / max_depth_m else None
    too_near = inverse > 1 / min_depth_m if inverse.max() > 1 / min_depth_m else None
    depth: NDArray[np.float32] = np.reciprocal(inverse, out=inverse)
    if beyond is not None:
        depth[beyond] = np.inf
    if too_near is not None:
        depth[too_near] = -np.inf
    return depth


def uncertainty_map(
    deviation: NDArray[np.float32], depth: NDArray[np.float32], *, factor: float
) -> NDArray[np.float32]:
    """
    Enlarge the relative deviation of depth and turn it into metres.

    It says how far single pixels may be off beside each other; that all of them may be off by the
    factor of a wrong scale is the scale's own deviation, and not in here.

    :param deviation: standard deviation of log-depth, shape (h, w), float32
    :param depth: of the same field of view [m], shape (height, width)
    :param factor: what the deviation is multiplied with, from the calibration of the weights
    :return: standard deviation of depth [m], shape (height, width), float32; NaN where depth is no
        number within range
    """
    size = (depth.shape[1], depth.shape[0])
    enlarged = cv2.resize(deviation * np.float32(factor), size, interpolation=cv2.INTER_LINEAR)
    uncertainty: NDArray[np.float32] = np.multiply(enlarged, depth, out=enlarged)
    uncertainty[~np.isfinite(depth)] = np.nan
    return uncertainty
