"""The project's one way to shrink an image: training and run time must see the same pixels."""

from __future__ import annotations

import functools
import math
import threading
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

THUMBNAIL = (64, 48)  # columns and rows
LONGEST = 64.0  # aspect of what a network sees, either way
ROWS, COLUMNS = 4, 8  # of the result that are made at once: bands of few zeros, products not tiny


class _Band(NamedTuple):
    """
    Some neighbours of the result, and what they are weighted sums of.

    :param place: which they are
    :param seen: which neighbours of the image they are made of
    :param weights: shape (made, seen), float32
    """

    place: slice
    seen: slice
    weights: Plane


def size_in_aspect(pixels: int, width: int, height: int, multiple: int) -> tuple[int, int]:
    """
    Return (width, height) of about so many pixels in about the aspect of an image.

    No result is longer than 64 times its other side: a strip of a pixel would ask for gigabytes.

    :param pixels: wanted product of width and height
    :param width: of the image
    :param height: of the image
    :param multiple: what the result is a multiple of, both ways
    """
    aspect = min(max(width / height, 1 / LONGEST), LONGEST)
    columns = _nearest(math.sqrt(pixels * aspect), multiple)
    return columns, _nearest(columns / aspect, multiple)


def _nearest(length: float, multiple: int) -> int:
    return max(multiple, multiple * round(length / multiple))


def resize_image(
    image: NDArray[np.uint8],
    width: int,
    height: int,
    window: tuple[float, float, float, float] | None = None,
) -> NDArray[np.uint8]:
    """
    Resize with a triangle filter as wide as the shrinking asks for, so that nothing aliases.

    OpenCV's linear resizing is faster, but it aliases and differs by several grey levels. Torch's
    with antialiasing is the same but for 1 grey level of rounding; it is faster, too, but a robot
    would have to install and to import torch for it.

    :param image: shape (H, W, 3), uint8; of a view on BGR pixels only the result is turned
    :param width: new width [pixels]
    :param height: new height [pixels]
    :param window: (left, top, width, height) of the part that is wanted, which may begin and end
        within a pixel; None: all of it
    :return: shape (height, width, 3), uint8, contiguous; the image itself where the size is right
    """
    tall, wide = image.shape[:2]
    left, top, columns, rows = window or (0, 0, wide, tall)
    if (left, top, columns, rows, tall, wide) == (0, 0, width, height, height, width):
        return contiguous(image)
    down = _bands(tall, height, ROWS, top, rows)
    across = _bands(wide, width, COLUMNS, left, columns)
    if image.strides[2] < 0:
        return contiguous(_resized(image[..., ::-1], down, across)[..., ::-1])
    return _resized(image, down, across)


def halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """
    Return the means of two pixels each way, rounded; what is left of odd lengths is cut off.

    :param image: shape (H, W, 3), uint8; of a view on BGR pixels the result is such a view
    :return: shape (H // 2, W // 2, 3), uint8
    """
    if image.strides[2] < 0:
        return halved(image[..., ::-1])[..., ::-1]
    size = image.shape[1] // 2, image.shape[0] // 2
    even = image[: 2 * size[1], : 2 * size[0]]
    return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.uint8)


def contiguous(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """
    Return an image whose pixels lie one after the other, copied only where they do not.

    :param image: shape (H, W, 3); a view on BGR pixels is turned 10 times as fast as by numpy
    """
    if image.strides[2] < 0:
        return np.asarray(cv2.cvtColor(image[..., ::-1], cv2.COLOR_BGR2RGB), np.uint8)
    return np.ascontiguousarray(image)


def _resized(
    image: NDArray[np.uint8], down: tuple[_Band, ...], across: tuple[_Band, ...]
) -> NDArray[np.uint8]:
    """Take the weighted sums along the columns, then those along the rows."""
    return _turned(_sums(_turned(_sums(image, down)), across))


def _sums(image: NDArray[np.uint8], bands: tuple[_Band, ...]) -> NDArray[np.uint8]:
    """
    Take weighted sums of the rows of an image, and round them.

    Floats of a few rows at a time stay in the cache.

    :param image: shape (H, W, 3), uint8
    """
    length = 3 * image.shape[1]
    deepest = max(weights.shape[1] for _, _, weights in bands)
    strip = _SCRATCH.array('strip', (deepest, *image.shape[1:]))
    sums = _SCRATCH.array('sums', (len(bands[0].weights), length))
    result = np.empty((bands[-1].place.stop, length), np.uint8)
    for place, seen, weights in bands:
        part, made = strip[: weights.shape[1]], sums[: len(weights)]
        np.copyto(part, image[seen])
        np.matmul(weights, part.reshape(len(part), length), out=made)
        np.add(made, np.float32(0.5), out=made)
        np.copyto(result[place], made, casting='unsafe')
    return result.reshape(-1, *image.shape[1:])


def _turned(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.transpose(image), np.uint8)


class _Scratch(threading.local):
    """Memory of each thread that is used again: to get it anew takes longer than the work."""

    def __init__(self) -> None:
        self._arrays: dict[str, Plane] = {}

    def array(self, name: str, shape: tuple[int, ...]) -> Plane:
        """Return an array whose content is whatever it was."""
        size = math.prod(shape)
        if name not in self._arrays or self._arrays[name].size < size:
            self._arrays[name] = np.empty(size, np.float32)
        return self._arrays[name][:size].reshape(shape)


_SCRATCH = _Scratch()


@functools.lru_cache(maxsize=32)
def _bands(given: int, made: int, together: int, start: float, length: float) -> tuple[_Band, ...]:
    """
    Return what makes one length of another one.

    :param given: number of pixels
    :param made: number of pixels of the result
    :param together: so many of them are in a band
    :param start: where the part of the given ones begins that is seen
    :param length: of that part [given pixels]
    """
    step = length / made
    reach = max(step, 1.0)
    centres = start + step * (np.arange(made) + 0.5)
    lowest, highest = math.floor(start), min(given, math.ceil(start + length))
    bands = []
    for begin in range(0, made, together):
        place = slice(begin, min(begin + together, made))
        first = max(lowest, int(centres[place][0] - reach + 0.5))
        last = min(highest, int(centres[place][-1] + reach + 0.5))
        away = np.arange(first, last) + 0.5 - centres[place, None]
        weights = np.maximum(1 - np.abs(away) / reach, 0)
        weights /= weights.sum(axis=1, keepdims=True)
        bands.append(_Band(place, slice(first, last), weights.astype(np.float32)))
    return tuple(bands)


def thumbnail_difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the mean difference of two images [grey levels], seen from afar, without noise."""
    return float(cv2.norm(thumbnail(first), thumbnail(second), cv2.NORM_L1)) / np.prod(THUMBNAIL)


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a small grey image, shape (48, 64)."""
    small = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
