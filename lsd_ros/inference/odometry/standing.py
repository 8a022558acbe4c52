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

Grey = NDArray[np.uint8]


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
        self._slope: NDArray[np.float32] | None = None
        self._strong: NDArray[np.intp] | None = None
        self._still = 0

    def take(self, image: NDArray[np.uint8]) -> bool:
        """
        Take the next image.

        :param image: network input, shape (H, W, 3), uint8
        :return: whether the camera has stood still for some images
        """
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        anchor, slope, strong = self._anchor, self._slope, self._strong
        if anchor is None or slope is None or strong is None or anchor.shape != grey.shape:
            self._begin(grey)
            return False
        if len(strong) < FEWEST:
            self._begin(grey)
            return False
        changed = np.asarray(cv2.absdiff(grey, anchor)).take(strong)
        if median_exceeds(changed / slope, STILL_PX):
            self._begin(grey)
            return False
        self._still += 1
        return self._still >= FRAMES

    def _begin(self, grey: Grey) -> None:
        across, along = (
            np.asarray(gradient)[::EVERY, ::EVERY].astype(np.float32)
            for gradient in cv2.spatialGradient(grey)  # Sobel's, both in one pass
        )
        squared = across * across + along * along
        slope = np.asarray(np.sqrt(squared) / np.float32(8), np.float32)
        strong = np.flatnonzero(slope > STRONG)
        rows, columns = np.divmod(strong, slope.shape[1])
        self._anchor, self._slope = grey, slope.take(strong)
        self._strong = EVERY * (rows * grey.shape[1] + columns)
        self._still = 0


def median_exceeds(values: NDArray[np.float32], limit: float) -> bool:
    """Return whether the median is above a limit, sorting nothing where counting tells it."""
    above = 2 * int(np.count_nonzero(values > limit))
    if above == len(values):  # half of them: the median lies between the two in the middle
        return float(np.median(values)) > limit
    return above > len(values)
