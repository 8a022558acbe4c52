"""Does the camera stand still, by its images alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

STRONG = 24.0  # grey levels per pixel: what is flatter shows no motion beside its noise
FEWEST = 200  # pixels of that kind; with fewer nothing is said
STILL_PX = 0.12  # more than half of them have not moved by this; noise of 2 grey levels: 0.06
FRAMES = 3  # in a row
EVERY = 2  # pixels and rows that are looked at

Grey = NDArray[np.float32]


class StandStill:
    """
    Compares each image with the one that the stillness began with.

    What moved by d pixels across an edge of g grey levels a pixel has changed by g d. With the
    image that it began with, not with the one before, a slow motion adds up and is noticed.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._anchor: Grey | None = None
        self._slope: Grey | None = None
        self._strong: NDArray[np.bool_] | None = None
        self._still = 0

    def take(self, image: NDArray[np.uint8]) -> bool:
        """
        Take the next image.

        :param image: network input, shape (H, W, 3), uint8
        :return: whether the camera has stood still for some images
        """
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        anchor, slope, strong = self._anchor, self._slope, self._strong
        if anchor is None or slope is None or strong is None or anchor.shape != grey.shape:
            self._begin(grey)
            return False
        if int(strong.sum()) < FEWEST:
            self._begin(grey)
            return False
        looked = (slice(None, None, EVERY), slice(None, None, EVERY))
        changed = np.abs(grey[looked] - anchor[looked])[strong]
        if float(np.median(changed / slope[strong])) > STILL_PX:
            self._begin(grey)
            return False
        self._still += 1
        return self._still >= FRAMES

    def _begin(self, grey: Grey) -> None:
        across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
        along = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
        looked = (slice(None, None, EVERY), slice(None, None, EVERY))
        slope = np.sqrt(across[looked] ** 2 + along[looked] ** 2)
        self._anchor, self._slope, self._strong = grey, slope, slope > STRONG
        self._still = 0
