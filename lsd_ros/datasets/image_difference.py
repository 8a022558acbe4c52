"""How much two images differ, seen from afar."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL = (64, 48)


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the mean difference of two images [grey levels], seen from afar, without noise."""
    return float(cv2.norm(thumbnail(first), thumbnail(second), cv2.NORM_L1)) / np.prod(THUMBNAIL)


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a small grey image, shape (48, 64)."""
    small = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
