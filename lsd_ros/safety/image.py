"""Does the image show anything: too dark, too bright, out of focus, or the same as before."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.safety.faults import Fault, Finding, UnfitError
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import Frame

DARK_SHARE = 0.95
WHITE = 250  # from this grey level on a pixel counts as saturated
# Blur is seen on the strongest edges alone, so that the share of the image without any texture
# does not matter: how much of their height over EDGE pixels do they rise within one? A step one
# pixel wide is EDGE pixels wide among the differences over EDGE pixels, hence two quantiles.
EDGE = 8  # pixels of the network input
STRONGEST = 0.01  # share of the differences over EDGE pixels that are taken for edges
FAINTEST_EDGE = 16  # grey levels; a plain wall has none higher, and is not judged
PROBE = 16  # rows that are compared first, so that the usual, changed image costs next to nothing

Grey = NDArray[np.uint8]


def image_findings(image: NDArray[np.uint8], settings: SafetySettings) -> tuple[Finding, ...]:
    """
    Say what is wrong with an image.

    :param image: as the network sees it: RGB, shape (H, W, 3), uint8
    """
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    cumulated = _cumulated(grey)
    if dark := _darkness(cumulated, settings):
        return dark
    white = 1.0 - float(cumulated[WHITE - 1])
    if white > settings.saturated_share:
        return (Fault.SATURATED.found(f'the image is saturated, {white:.0%} of it are white'),)
    sharp = sharpness(grey, settings.min_sharpness)
    if sharp is not None and sharp < settings.min_sharpness:
        return (Fault.BLURRED.found(f'the image is blurred, its sharpness is {sharp:.2f}'),)
    return ()


def _darkness(cumulated: NDArray[np.float64], settings: SafetySettings) -> tuple[Finding, ...]:
    brightest = int(np.searchsorted(cumulated, DARK_SHARE))
    if brightest >= settings.dark_level:
        return ()
    seen = f'the image is dark, {DARK_SHARE:.0%} of its pixels are {brightest} of 255 at most'
    return (Fault.DARK.found(seen),)


def sharpness(grey: Grey, enough: float = math.inf) -> float | None:
    """
    Return how much of their height the strongest edges rise from one pixel to the next.

    The sharper of the two directions counts, since motion blurs one of them. An endless ramp has
    1 / 8, a step 1.

    :param grey: shape (H, W), uint8
    :param enough: whether it is more does not matter: the second direction may be left out
    :return: None where there is no edge to judge by
    """
    best = None
    for axis in (1, 0):
        height = _strongest(grey, EDGE, STRONGEST, axis)
        if height >= FAINTEST_EDGE:
            best = max(best or 0.0, _strongest(grey, 1, STRONGEST / EDGE, axis) / height)
            if best >= enough:
                break
    return best


def _strongest(grey: Grey, step: int, share: float, axis: int) -> int:
    """Return what so great a share of the differences of columns (rows) so far apart reaches."""
    if grey.shape[axis] <= step:
        return 0
    later, earlier = (grey[:, step:], grey[:, :-step]) if axis else (grey[step:], grey[:-step])
    difference = np.asarray(cv2.absdiff(later, earlier), np.uint8)
    return int(np.searchsorted(_cumulated(difference), 1 - share))


def _cumulated(values: Grey) -> NDArray[np.float64]:
    """Return the share of values up to each of the 256 levels, shape (256,)."""
    histogram = cv2.calcHist([values], [0], None, [256], [0, 256]).ravel()
    return np.cumsum(histogram, dtype=np.float64) / values.size


class FrozenCheck:
    """Compares each image with the one before, bit by bit."""

    def __init__(self) -> None:
        """Know no image yet."""
        self._last: Frame | None = None
        self._repetitions = 0

    def check(self, frame: Frame, settings: SafetySettings) -> None:
        """
        Take the next image.

        :param frame: of the camera itself; its image must not be written to later
        :raises UnfitError: it is the same as the one before; the findings are empty as long as
            the camera may have repeated itself by chance
        """
        last, self._last = self._last, frame
        if settings.frozen_frames == 0 or last is None or not _same(last, frame):
            self._repetitions = 0
            return
        self._repetitions += 1
        if self._repetitions < settings.frozen_frames:
            raise UnfitError(())
        seen = f'the image has been the same {self._repetitions} times in a row'
        # a covered lens is frozen, too, and uncovering it is the remedy
        grey = np.asarray(cv2.cvtColor(frame.whole, cv2.COLOR_RGB2GRAY), np.uint8)
        dark = _darkness(_cumulated(grey), settings)
        raise UnfitError((*dark, Fault.FROZEN.found(seen)))

    def forget(self) -> None:
        """Compare the next image with none."""
        self._last = None
        self._repetitions = 0


def _same(one: Frame, other: Frame) -> bool:
    if not _equal(one.image, other.image):
        return False
    # what was read smaller may differ in what it has left out
    return one.factor == other.factor == 1 or _equal(one.whole, other.whole)


def _equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    if one.strides[2] < 0 and other.strides[2] < 0:  # views on BGR: forwards is faster
        one, other = one[..., ::-1], other[..., ::-1]
    return np.array_equal(one[::PROBE], other[::PROBE]) and np.array_equal(one, other)
