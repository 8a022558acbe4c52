"""Unit quaternions (x, y, z, w), as messages carry them, and rotation matrices."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import MessageError


def from_rotation(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """
    Return the unit quaternion (x, y, z, w), w >= 0, of a rotation matrix.

    Shepperd, "Quaternion from Rotation Matrix", 1978: divide by the largest of the four, so that
    no rotation is near a singularity.

    :param rotation: shape (3, 3)
    """
    m = np.asarray(rotation, np.float64)
    trace = float(np.trace(m))
    largest = int(np.argmax((m[0, 0], m[1, 1], m[2, 2], trace)))
    q = np.empty(4)
    if largest == 3:
        q[:3] = (m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1])
        q[3] = 1.0 + trace
    else:
        i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
        q[i] = 1.0 - trace + 2.0 * m[i, i]
        q[j] = m[j, i] + m[i, j]
        q[k] = m[k, i] + m[i, k]
        q[3] = m[k, j] - m[j, k]
    q /= math.copysign(float(np.linalg.norm(q)), q[3])
    x, y, z, w = q.tolist()
    return x, y, z, w


def to_rotation(quaternion: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """
    Return the rotation matrix, shape (3, 3), of a quaternion (x, y, z, w).

    :raises MessageError: it is further than 1 % from unit length
    """
    norm = math.sqrt(sum(value * value for value in quaternion))
    if not abs(norm - 1.0) < 0.01:
        raise MessageError(
            f'quaternion {tuple(quaternion)} has length {norm:g}: a rotation has length 1'
        )
    x, y, z, w = (value / norm for value in quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
