"""Which stamps belong to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest(
    stamps_ns: NDArray[np.int64], known_ns: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """
    Find the nearest known stamp of each stamp.

    :param stamps_ns: shape (N,)
    :param known_ns: increasing, at least one
    :return: indices into ``known_ns``, and how far they are off [ns], both shape (N,)
    """
    right = np.searchsorted(known_ns, stamps_ns).clip(0, len(known_ns) - 1)
    left = np.maximum(right - 1, 0)
    closer_left = np.abs(stamps_ns - known_ns[left]) <= np.abs(stamps_ns - known_ns[right])
    found = np.where(closer_left, left, right)
    return found, np.abs(stamps_ns - known_ns[found])
