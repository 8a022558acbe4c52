"""
Virtual turns: what a camera would have seen had it also turned, and the motion that belongs to it.

Drives turn seldom, and a pose network that hardly sees turns learns that there are none. A turn on
the spot needs no depth: it maps the image by a homography.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SHARE = 0.7  # of the snippets; the others stay as they were driven
TILT = 0.12  # turns about the other axes, as a share of those about the vertical one
UNLIKE_DEG = 0.1  # the turn before the middle is never quite that after it


def turned_neighbours(
    rng: np.random.Generator,
    frames: list[NDArray[np.uint8]],
    motions: NDArray[np.float32],
    intrinsics: NDArray[np.float32],
    turn_deg: float,
) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32]]:
    """
    Turn the first and the last of three frames, as a camera on a bend would.

    :param frames: RGB, shape (H, W, 3) each; what turns into view is mirrored at the border
    :param motions: first_from_middle and last_from_middle, shape (2, 4, 4)
    :param intrinsics: K of all three, shape (3, 3)
    :param turn_deg: standard deviation of the turn about the vertical axis of the image
    :return: frames and motions
    """
    if rng.random() > SHARE:
        return frames, motions
    turn = rng.normal(0, turn_deg, 3) * (TILT, 1, TILT)
    seen, moved = list(frames), motions.copy()
    size = (frames[0].shape[1], frames[0].shape[0])
    matrix = intrinsics.astype(np.float64)
    for motion, (frame, sign) in enumerate(((0, -1), (2, 1))):
        degrees = sign * turn + rng.normal(0, UNLIKE_DEG, 3)
        rotation = cv2.Rodrigues(np.radians(degrees))[0]
        homography = matrix @ rotation @ np.linalg.inv(matrix)
        picture = cv2.warpPerspective(
            frames[frame], homography, size, borderMode=cv2.BORDER_REFLECT
        )
        seen[frame] = np.asarray(picture, np.uint8)
        moved[motion, :3] = rotation @ motions[motion, :3]
    return seen, moved
