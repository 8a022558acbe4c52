"""Depth as a picture for people."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

NEAR_PERCENTILE = 98.0
INVALID_GREY = 64
SAMPLE_STEP = 4  # every pixel of a large image would cost more than the colouring


def colour_map(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """
    Colour inverse depth: near is bright, beyond range is black, invalid is grey.

    Each picture spans its own range, so that it shows structure whatever the scale is.

    :param depth: shape (H, W), float32; NaN invalid, +Inf beyond range, -Inf too near
    :return: RGB, shape (H, W, 3), uint8
    """
    finite = np.isfinite(depth)
    inverse = np.zeros_like(depth)
    np.divide(1.0, depth, out=inverse, where=finite & (depth > 0))
    sample = inverse[::SAMPLE_STEP, ::SAMPLE_STEP]
    near = float(np.percentile(sample, NEAR_PERCENTILE)) or 1.0
    levels = np.clip(inverse * (255.0 / near), 0, 255).astype(np.uint8)
    levels[np.isneginf(depth)] = 255
    bgr = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    coloured = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    coloured[np.isnan(depth)] = INVALID_GREY
    return coloured
