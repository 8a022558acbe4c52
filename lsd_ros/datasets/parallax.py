"""
How far images move, and how far without the turn of the camera: only that shows depth.

Points are followed by the pyramid of Lucas and Kanade; the turn is the rotation between their rays
that leaves the least (Kabsch 1976), found again without what it does not fit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Camera

WIDTH = 416
POINTS = 400
FEWEST = 30
ROUNDS = 4
MIDDLE = 50  # percentile of the points that counts


class Motion(NamedTuple):
    """
    What changed between two images.

    :param flow_px: how far points moved, their median, at 416 pixels width
    :param parallax_px: how far without the turn of the camera
    :param followed: share of the points that were found again
    """

    flow_px: float
    parallax_px: float
    followed: float


def motion_between(
    first: NDArray[np.uint8], second: NDArray[np.uint8], camera: Camera
) -> Motion | None:
    """
    Follow points from one image to another.

    :param first: RGB, shape (H, W, 3)
    :param second: of the same shape
    :param camera: of both, without distortion
    :return: None where too few points are found again
    """
    followed = followed_points(first, second, camera)
    if followed is None:
        return None
    a, b, small, share = followed
    flow = np.linalg.norm(b - a, axis=1)
    left = np.linalg.norm(b - _turned(a, b, small), axis=1)
    return Motion(float(np.percentile(flow, MIDDLE)), float(np.percentile(left, MIDDLE)), share)


def followed_points(
    first: NDArray[np.uint8], second: NDArray[np.uint8], camera: Camera
) -> tuple[NDArray[np.float64], NDArray[np.float64], Camera, float] | None:
    """
    Follow points from one image to another, and back.

    :param first: RGB, shape (H, W, 3)
    :param second: of the same shape
    :param camera: of both, without distortion
    :return: pixels in both, shape (N, 2); the camera of the images of 416 pixels width that they
        are of; share of the points that were found again; None where these are too few
    """
    scale = WIDTH / camera.width
    small = camera.resized(WIDTH, max(16, round(scale * camera.height)))
    greys = [
        cv2.cvtColor(
            cv2.resize(image, (small.width, small.height), interpolation=cv2.INTER_AREA),
            cv2.COLOR_RGB2GRAY,
        )
        for image in (first, second)
    ]
    corners = cv2.goodFeaturesToTrack(greys[0], POINTS, 0.01, 5)
    if corners is None or len(corners) < FEWEST:
        return None
    moved, found = _followed(greys[0], greys[1], corners)
    back, again = _followed(greys[1], greys[0], moved)
    same = np.linalg.norm((back - corners)[:, 0], axis=1) < 1
    good = found & again & same
    if good.sum() < FEWEST:
        return None
    a, b = corners[good, 0].astype(np.float64), moved[good, 0].astype(np.float64)
    return a, b, small, float(good.mean())


def _followed(
    first: Any, second: Any, points: Any
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    follow: Any = cv2.calcOpticalFlowPyrLK  # its types know no missing guess
    moved, found, _ = follow(first, second, points, None)
    return moved, found[:, 0] > 0


def _turned(a: NDArray[np.float64], b: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """Return where points would be if the camera had only turned, shape (N, 2) [pixels]."""
    matrix = camera.matrix
    rays = [
        np.column_stack((points, np.ones(len(points)))) @ np.linalg.inv(matrix).T
        for points in (a, b)
    ]
    first, second = (ray / np.linalg.norm(ray, axis=1, keepdims=True) for ray in rays)
    weights = np.ones(len(a))
    seen = a
    for _ in range(ROUNDS):
        u, _, vt = np.linalg.svd((second * weights[:, None]).T @ first)
        rotation = u @ np.diag((1, 1, np.sign(np.linalg.det(u @ vt)))) @ vt
        points = first @ rotation.T @ matrix.T
        seen = points[:, :2] / points[:, 2:]
        errors = np.linalg.norm(b - seen, axis=1)
        weights = 1 / (1 + (errors / max(float(np.median(errors)), 0.05)) ** 2)
    return np.asarray(seen)
