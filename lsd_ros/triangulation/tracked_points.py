"""Corners of one image that are found again in the next one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Pixels = NDArray[np.float32]

POINTS = 1500
QUALITY, APART_PX, WINDOW_PX, LEVELS = 0.005, 5, 21, 4
BACK_PX = 0.5  # a point that does not come back to where it was is lost


def luminance(image: Image) -> Image:
    """Return the luminance of an RGB image, shape (H, W)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def followed_points(
    before: Image, here: Image, among: NDArray[np.bool_] | None = None
) -> tuple[Pixels, Pixels]:
    """
    Follow corners by the method of Lucas and Kanade, there and back.

    :param before: luminance, shape (H, W)
    :param here: the same of the next image
    :param among: where corners may be, shape (H, W); None: anywhere
    :return: where they were, and where they are, shape (N, 2) each [pixels]
    """
    mask = None if among is None else among.astype(np.uint8)
    found = cv2.goodFeaturesToTrack(before, POINTS, QUALITY, APART_PX, mask=mask)
    if found is None:
        return np.empty((0, 2), np.float32), np.empty((0, 2), np.float32)
    corners = np.asarray(found, np.float32).reshape(-1, 2)
    there, ok = _flow(before, here, corners)
    back, ok_back = _flow(here, before, there)
    same = np.linalg.norm(back - corners, axis=1) < BACK_PX
    height, width = here.shape
    inside = (there >= 0).all(axis=1) & (there <= (width - 1, height - 1)).all(axis=1)
    kept = ok & ok_back & same & inside
    return corners[kept], there[kept]


def _flow(
    before: Image, here: Image, corners: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, ok, _ = cv2.calcOpticalFlowPyrLK(
        before,
        here,
        corners,
        np.empty_like(corners),
        winSize=(WINDOW_PX, WINDOW_PX),
        maxLevel=LEVELS,
    )
    return np.asarray(there, np.float32), np.asarray(ok, bool).ravel()
