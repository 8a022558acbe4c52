"""How many of the 16 bits of an image carry light: a 12 bit sensor leaves four of them dark."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FULL = 16
FEWEST = 12  # of those that are guessed: less is also what a covered lens gives


class BitDepth:
    """
    Turns 16 bit images of one camera into 8 bits.

    Drivers put 12 bits into ``mono16`` and its like, as they come from the sensor, and no field of
    the message says so. So the largest value that the camera has ever sent tells: 12, 14 or 16
    bits. What is shifted to the upper bits counts as 16.

    :param given: number of bits; 0: by the largest value
    """

    def __init__(self, given: int = 0) -> None:
        self.given = given
        self._largest = 0

    @property
    def bits(self) -> int:
        """Return how many bits carry light, as far as it is known."""
        if self.given:
            return self.given
        used = self._largest.bit_length()
        return min(FULL, max(FEWEST, used + used % 2))

    def to_8_bit(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        """
        Scale an image to 0..255 and round; 8 bit images stay as they are.

        :param image: uint8 or uint16, any shape
        """
        if image.dtype == np.uint8:
            return image
        if not self.given and self._largest.bit_length() < FULL - 1:
            self._largest = max(self._largest, int(image.max(initial=0)))
        return np.asarray(cv2.convertScaleAbs(image, alpha=255.0 / (2**self.bits - 1)), np.uint8)
