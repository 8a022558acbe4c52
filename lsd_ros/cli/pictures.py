"""Pictures for people."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.preview import colour_map
from lsd_ros.types import Estimate

Picture = NDArray[np.uint8]
WORST_ERROR = 0.5
UNKNOWN_GREY = 64


def side_by_side(estimate: Estimate) -> Picture:
    """
    Put the image of an estimate beside its depth.

    :raises DatasetError: the estimate has no depth
    """
    if estimate.image is None or estimate.depth is None:
        raise DatasetError('there is no picture of an estimate without depth')
    return np.hstack([estimate.image, colour_map(estimate.depth)])


def error_map(predicted: NDArray[np.float32], truth: NDArray[np.float32]) -> Picture:
    """
    Draw the relative error of depth: black is none, yellow half or more, grey is not known.

    :param predicted: shape (H, W)
    :param truth: NaN or Inf where there is none, shape (H, W)
    """
    with np.errstate(invalid='ignore', divide='ignore'):
        return share_map(np.abs(predicted - truth) / truth)


def share_map(share: NDArray[np.float32]) -> Picture:
    """
    Draw how far depth is, or may be, off: black is nothing, yellow half of it or more.

    :param share: of the depth, NaN or Inf where it is not known and drawn grey, shape (H, W)
    """
    known = np.isfinite(share)
    levels = np.where(known, share, 0) * (255 / WORST_ERROR)
    bgr = cv2.applyColorMap(np.clip(levels, 0, 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    rgb[~known] = UNKNOWN_GREY
    return rgb


def write_png(path: Path, rgb: Picture) -> None:
    """
    Write a picture, wholly or not at all.

    :param rgb: shape (H, W, 3)
    :raises DatasetError: the file cannot be written
    """
    _, data = cv2.imencode('.png', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    write_atomically(path, data.tobytes())
