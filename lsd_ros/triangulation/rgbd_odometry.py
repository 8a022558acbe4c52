"""
Motion of a camera whose images have depth: of all points that can be followed.

Measured depth says how the camera moved (:func:`fitted_motion`). Depth that a network sees is off,
here and there by far more than a pixel; it says only how long the way was, where there is ground
by that, and the images alone say where to (:func:`scaled_motion`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.triangulation.tracked_points import Image, Pixels, followed_points, luminance
from lsd_ros.types import Camera

Depth = NDArray[np.float32]
# here_from_before, shape (4, 4), from where points were and are, and how deep they were [m]; None:
# too few say where the camera is
Motion = Callable[[Pixels, Pixels, NDArray[np.float64], Camera], NDArray[np.float64] | None]

LEAST_POINTS = 12
MISS_PX, TRIES = 1.0, 200
OFF_LINE_PX, LINE_TRIES = 0.5, 2000  # from the epipolar line
LOW = 0.7  # as far below the camera as this share of what is lowest: the ground
STILL_PX = 0.5  # images that differ less say nothing of where to

_log = logging.getLogger(__name__)


def followed_motions(
    count: int,
    camera: Camera,
    image: Callable[[int], Image],
    depth: Callable[[int], Depth],
    motion: Motion | None = None,
) -> NDArray[np.float64] | None:
    """
    Follow a camera from image to image.

    :param count: number of images
    :param camera: of all of them, rectified
    :param image: RGB, shape (H, W, 3)
    :param depth: of an image along the optical axis [m], NaN where it is not known, shape (H, W)
    :param motion: how to tell it; None: :func:`fitted_motion`
    :return: ``world_from_camera`` with the first camera as the world, shape (N, 4, 4); None where
        a motion cannot be told
    """
    tell = motion or fitted_motion
    poses = [np.eye(4)]
    before = luminance(image(0))
    for index in range(1, count):
        here, known = luminance(image(index)), depth(index - 1)
        pixels, found = followed_points(before, here, np.isfinite(known))
        columns, rows = np.rint(pixels).astype(int).T
        z = known[rows, columns].astype(np.float64)
        moved = tell(pixels, found, z, camera) if len(z) >= LEAST_POINTS else None
        if moved is None:
            _log.warning('image %d has too little in common with the one before it', index)
            return None
        poses.append(poses[-1] @ np.linalg.inv(moved))
        before = here
    return np.stack(poses)


def fitted_motion(
    pixels: Pixels, found: Pixels, z: NDArray[np.float64], camera: Camera
) -> NDArray[np.float64] | None:
    """
    Return the motion that most points agree with (perspective from n points, RANSAC).

    :param pixels: where points were, shape (N, 2) [pixels]
    :param found: where they are, shape (N, 2) [pixels]
    :param z: how far they were along the optical axis, shape (N,) [m]
    :param camera: of both images
    :return: here_from_before, shape (4, 4); None: too few agree
    """
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
    return _rigid(cv2.Rodrigues(turn)[0], shift.ravel())


def scaled_motion(
    pixels: Pixels, found: Pixels, z: NDArray[np.float64], camera: Camera
) -> NDArray[np.float64] | None:
    """
    Return the motion that points alone tell (essential matrix), as long as their depth has it.

    Where the image stands still, it is :func:`fitted_motion`. The parameters are the same.

    :return: here_from_before, shape (4, 4); None: too few agree
    """
    if np.median(np.linalg.norm(found - pixels, axis=1)) < STILL_PX:
        return fitted_motion(pixels, found, z, camera)
    essential, agreed = cv2.findEssentialMat(
        pixels,
        found,
        camera.matrix,
        method=cv2.USAC_ACCURATE,
        prob=0.9999,
        threshold=OFF_LINE_PX,
        maxIters=LINE_TRIES,
    )
    if essential is None or essential.shape != (3, 3):
        return None
    _, rotation, direction, agreed = cv2.recoverPose(
        essential, pixels, found, camera.matrix, mask=agreed
    )
    chosen = agreed.ravel() > 0
    if chosen.sum() < LEAST_POINTS:
        return None
    first = camera.matrix @ np.eye(3, 4)
    second = camera.matrix @ np.hstack((rotation, direction))
    points = cv2.triangulatePoints(first, second, pixels[chosen].T, found[chosen].T)
    steps_away = points[2] / points[3]  # how deep the points are, if the way were 1
    rows, z = pixels[chosen, 1], z[chosen]
    told = (steps_away > 0) & _trusted((rows - camera.cy) / camera.fy * z, z)
    if not told.any():
        return None
    return _rigid(rotation, float(np.median(z[told] / steps_away[told])) * direction.ravel())


def _trusted(below: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Choose what is on the ground and near, where there is enough: networks know it best."""
    low = below > LOW * np.quantile(below, 0.98)
    if below[low].min() <= 0 or low.sum() < 2 * LEAST_POINTS:
        return np.ones(len(z), bool)
    return low & (z <= np.median(z[low]))


def _rigid(rotation: cv2.typing.MatLike, shift: cv2.typing.MatLike) -> NDArray[np.float64]:
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = rotation, shift
    return motion
