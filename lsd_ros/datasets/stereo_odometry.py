"""Motion of a camera whose images have depth: it fits all points that can be followed."""

from __future__ import annotations

import logging
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Camera

Image = NDArray[np.uint8]
Depth = NDArray[np.float32]

POINTS = 1500
LEAST_POINTS = 12
QUALITY, APART_PX, WINDOW_PX, LEVELS = 0.005, 5, 21, 4
BACK_PX = 0.5  # a point that does not come back to where it was is lost
MISS_PX = 1.0
TRIES = 200

_log = logging.getLogger(__name__)


def followed_motions(
    count: int,
    camera: Camera,
    image: Callable[[int], Image],
    depth: Callable[[int], Depth],
) -> NDArray[np.float64] | None:
    """
    Follow a camera from image to image.

    Corners are followed by the method of Lucas and Kanade, there and back; the motion is the one
    that most of them agree with (perspective from n points, RANSAC), refined with these.

    :param count: number of images
    :param camera: of all of them, rectified
    :param image: luminance of an image, shape (H, W)
    :param depth: of an image along the optical axis [m], NaN where it is not known, shape (H, W)
    :return: ``world_from_camera`` with the first camera as the world, shape (N, 4, 4); None where
        a motion cannot be told
    """
    poses = [np.eye(4)]
    before = image(0)
    for index in range(1, count):
        here = image(index)
        motion = _motion(before, here, depth(index - 1), camera)
        if motion is None:
            _log.warning('image %d has too little in common with the one before it', index)
            return None
        poses.append(poses[-1] @ np.linalg.inv(motion))
        before = here
    return np.stack(poses)


def _motion(
    before: Image, here: Image, depth: Depth, camera: Camera
) -> NDArray[np.float64] | None:
    """Return here_from_before, shape (4, 4); None: too few points say where the camera is."""
    known = np.isfinite(depth).astype(np.uint8)
    corners = cv2.goodFeaturesToTrack(before, POINTS, QUALITY, APART_PX, mask=known)
    if corners is None or len(corners) < LEAST_POINTS:
        return None
    corners = np.asarray(corners, np.float32).reshape(-1, 2)
    pixels, found = _followed(before, here, corners)
    if len(pixels) < LEAST_POINTS:
        return None
    columns, rows = np.rint(pixels).astype(int).T
    z = depth[rows, columns].astype(np.float64)
    x = (pixels[:, 0] - camera.cx) / camera.fx * z
    y = (pixels[:, 1] - camera.cy) / camera.fy * z
    points = np.stack((x, y, z), axis=1)
    solved, turn, shift, chosen = cv2.solvePnPRansac(
        points,
        found.astype(np.float64),
        camera.matrix,
        None,
        iterationsCount=TRIES,
        reprojectionError=MISS_PX,
        confidence=0.999,
        flags=cv2.SOLVEPNP_EPNP,
    )
    if not solved or chosen is None or len(chosen) < LEAST_POINTS:
        return None
    agreed = chosen.ravel()
    turn, shift = cv2.solvePnPRefineLM(
        points[agreed], found[agreed].astype(np.float64), camera.matrix, None, turn, shift
    )
    motion = np.eye(4)
    motion[:3, :3] = cv2.Rodrigues(turn)[0]
    motion[:3, 3] = shift.ravel()
    return motion


def _followed(
    before: Image, here: Image, corners: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the corners that are found again, and where, shape (N, 2) each [pixels]."""
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
