"""
Whether a chain of motions says what its images say two by two.

A map that grows image by image can bend: images are laid upon points that are wrong already, and
all errors stay small. Two neighbours know nothing of that chain.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FEWEST = 30  # points that both images see, below which they say nothing
INLIER_PX, SURE = 1.0, 0.999  # of the search for the motion of two images alone
MOST_TURN_RAD = np.radians(
    1.0
)  # between both; the chain is right to 0.4 degrees where it is right
BETTER = 1.5  # by how much two images alone must explain the points better


def is_bent(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    matrix: NDArray[np.float64],
    second_from_first: NDArray[np.float64],
) -> bool:
    """
    Say whether two images alone show another turn, and explain what both see much better.

    The motion of two images alone is that of their essential matrix (Nistér, TPAMI 2004). It says
    nothing of a turn on the spot or of a plane, whose points a homography explains as well: such
    pairs are not to be asked.

    :param first: points in the first image [pixels], shape (N, 2)
    :param second: the same points in the second image
    :param matrix: of the camera, shape (3, 3)
    :param second_from_first: motion by the chain, in any unit, shape (4, 4)
    """
    if len(first) < FEWEST:
        return False
    essential, inliers = cv2.findEssentialMat(first, second, matrix, cv2.RANSAC, SURE, INLIER_PX)
    if essential is None or essential.shape != (3, 3):
        return False
    found = cv2.recoverPose(essential, first, second, matrix, mask=inliers)
    turn, way = (np.asarray(each, np.float64) for each in found[1:3])
    chain = second_from_first[:3, :3]
    cosine = (np.trace(turn.T @ chain) - 1) / 2
    if np.arccos(np.clip(cosine, -1, 1)) <= MOST_TURN_RAD:
        return False
    alone = _epipolar_px(first, second, matrix, turn, way[:, 0])
    chained = _epipolar_px(first, second, matrix, chain, second_from_first[:3, 3])
    return bool(chained > BETTER * alone)


def _epipolar_px(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    matrix: NDArray[np.float64],
    turn: NDArray[np.float64],
    way: NDArray[np.float64],
) -> float:
    """Return the median distance of the second points from the lines of the first [pixels]."""
    x, y, z = way / max(float(np.linalg.norm(way)), 1e-12)
    cross = np.array(((0, -z, y), (z, 0, -x), (-y, x, 0)))
    back = np.linalg.inv(matrix)
    lines = np.c_[first, np.ones(len(first))] @ (back.T @ cross @ turn @ back).T
    distances = (np.c_[second, np.ones(len(second))] * lines).sum(axis=1)
    return float(np.median(np.abs(distances) / np.hypot(lines[:, 0], lines[:, 1])))
