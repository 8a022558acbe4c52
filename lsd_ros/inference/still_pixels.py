"""What never changes in the images of a camera that moves: the robot itself."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import DatasetError

FEWEST = 60  # images that differ from the one before; in fewer, plain walls do not change either
MOVED = 4.0  # grey levels that most of the image must have changed by, else the robot stands
STILL = 0.3  # of the usual spread over time: what changes less does not change
FAINTEST = 3.0  # grey levels; noise alone spreads about so far
WHITE = 245  # sky that is burnt out never changes, either
SMALLEST = 0.002  # share of the image
WIDTH = 320  # pixels that are worked on

Grey = NDArray[np.float32]


def still_pixels(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.bool_]:
    """
    Find what never changes while the rest does, and reaches in from the border of the image.

    Images of a robot that stands are left out. What is left is compared by the spread of its grey
    levels over time.

    :param images: RGB, shape (H, W, 3), in the order of time
    :return: shape (H, W)
    :raises DatasetError: the robot hardly moves in them
    """
    count, size = 0, (0, 0)
    mean: Grey | None = None
    square: Grey | None = None
    last: Grey | None = None
    for image in images:
        size = image.shape[1], image.shape[0]
        grey = _small(image)
        if last is not None and float(np.median(np.abs(grey - last))) < MOVED:
            continue
        last = grey
        count += 1
        if mean is None or square is None:
            mean, square = np.zeros_like(grey), np.zeros_like(grey)
        step = grey - mean
        mean += step / np.float32(count)
        square += step * (grey - mean)
    if mean is None or square is None or count < FEWEST:
        raise DatasetError(
            f'the camera moves in {count} images and {FEWEST} are needed: record a drive with '
            'turns, in a place with things to see'
        )
    spread = np.sqrt(square / np.float32(count))
    still = (spread < max(FAINTEST, STILL * float(np.median(spread)))) & (mean < WHITE)
    found = _from_border(still)
    whole = cv2.resize(found.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(whole > 0)


def _small(image: NDArray[np.uint8]) -> Grey:
    height = max(1, round(WIDTH * image.shape[0] / image.shape[1]))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (WIDTH, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def _from_border(still: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the large parts that touch the lower border or the sides, a little wider."""
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(still.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    borders = np.concatenate((labels[-1], labels[1:, 0], labels[1:, -1]))
    large = {
        i for i in range(1, len(stats)) if stats[i, cv2.CC_STAT_AREA] >= SMALLEST * still.size
    }
    kept = np.isin(labels, list(large & set(borders.tolist())))
    return np.asarray(cv2.dilate(kept.astype(np.uint8), kernel) > 0)
