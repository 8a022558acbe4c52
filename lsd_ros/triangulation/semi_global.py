"""
Semi-global matching: of many labels the one that suits a pixel and its neighbours.

Hirschmueller, Stereo processing by semiglobal matching and mutual information, PAMI 2008. OpenCV's
own takes rectified stereo images alone; this one takes the cost of any labels that have an order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Cost = NDArray[np.float32]
UNKNOWN_COST = 0.5
NEAR_LABELS = 2  # labels this close to the best one are the same place


class Match(NamedTuple):
    """
    The best label of each pixel.

    :param label: between labels, too, shape (H, W)
    :param cost: of the whole label, before aggregation, NaN where it is not known, shape (H, W)
    :param lead: by how much all others that are not near are worse, shape (H, W)
    """

    label: NDArray[np.float32]
    cost: Cost
    lead: Cost


def best_labels(cost: Cost, small_step: float, large_step: float) -> Match:
    """
    Choose labels.

    :param cost: in 0 .. 1, NaN where it is not known, shape (H, W, D)
    :param small_step: price of a step to the next label along a path
    :param large_step: price of a step of any other size
    """
    total = aggregated(np.nan_to_num(cost, nan=UNKNOWN_COST), small_step, large_step)
    last = total.shape[-1] - 1
    label = total.argmin(axis=-1)
    lowest = _at(total, label)
    away = np.abs(np.arange(last + 1) - label[..., None]) > NEAR_LABELS
    second = np.where(away, total, np.float32(np.inf)).min(axis=-1)
    inner = label.clip(1, last - 1)
    before, here, after = (_at(total, inner + step) for step in (-1, 0, 1))
    bend = np.maximum(before - 2 * here + after, 1e-6)
    shift = np.clip((before - after) / (2 * bend), -0.5, 0.5) * (label == inner)
    return Match((label + shift).astype(np.float32), _at(cost, label), second - lowest)


def aggregated(cost: Cost, small_step: float, large_step: float) -> Cost:
    """
    Return the mean cost over eight paths to each pixel; the arguments are those of
    :func:`best_labels`, without NaN.

    :return: shape (H, W, D)
    """
    total = np.zeros_like(cost)
    steps = small_step, large_step
    for flip in (slice(None), slice(None, None, -1)):
        for slant in (-1, 0, 1):
            _sweep(cost[flip], total[flip], slant, *steps)
        _sweep(cost[:, flip].swapaxes(0, 1), total[:, flip].swapaxes(0, 1), 0, *steps)
    total /= 8
    return total


def _sweep(cost: Cost, total: Cost, slant: int, small_step: float, large_step: float) -> None:
    """Add the cost of the paths from the first row to the last; each goes aside by the slant."""
    path = cost[0]
    total[0] += path
    for row in range(1, len(cost)):
        before = np.roll(path, slant, axis=0)
        lowest = before.min(axis=-1, keepdims=True)
        path = np.minimum(before, lowest + large_step)
        np.minimum(path[:, 1:], before[:, :-1] + small_step, out=path[:, 1:])
        np.minimum(path[:, :-1], before[:, 1:] + small_step, out=path[:, :-1])
        path += cost[row] - lowest
        if slant:  # came over the border: a path that begins here
            edge = 0 if slant > 0 else -1
            path[edge] = cost[row, edge]
        total[row] += path


def _at(values: Cost, label: NDArray[np.intp]) -> Cost:
    return np.take_along_axis(values, label[..., None], axis=-1)[..., 0]
