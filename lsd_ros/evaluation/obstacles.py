"""What a robot would hit, or stop for in vain: a scan of estimated depth against the true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError

TOO_FAR = 1.25  # an obstacle that is told further away than this, as a share, is missed
TOO_NEAR = 0.8  # what is told nearer than this share of the truth is a false obstacle
BINS = 4  # of equal width, from the robot to the limit

Ranges = NDArray[np.float32]


@dataclass(frozen=True)
class ObstacleErrors:
    """
    The bearings of one or more scans.

    :param near_m: where each distance bin begins [m], shape (BINS,)
    :param obstacles: bearings with a true obstacle, by its distance, shape (BINS,)
    :param missed: those of them that are told free, or more than a quarter too far
    :param unknown: those of them of which nothing is told
    :param known: bearings whose truth is known, by the distance that is told or true, whichever is
        nearer
    :param false: those of them that are told a fifth too near, or more
    :param errors: relative error of the distance of each true obstacle that is told one
    """

    near_m: NDArray[np.float64]
    obstacles: NDArray[np.int64]
    missed: NDArray[np.int64]
    unknown: NDArray[np.int64]
    known: NDArray[np.int64]
    false: NDArray[np.int64]
    errors: NDArray[np.float64]


@dataclass(frozen=True)
class ObstacleSummary:
    """
    What the bearings of many scans say.

    :param missed: share of the obstacles that are told free, or more than a quarter too far
    :param unknown: share of the obstacles of which nothing is told
    :param false: share of the bearings of known truth that are told a fifth too near, or more
    :param median_error: of the distances of the obstacles, relative; None: none was told
    :param scans: how many
    :param obstacles: bearings with a true obstacle
    :param by_distance: the same for each distance bin: from_m, missed, false, obstacles
    """

    missed: float | None
    unknown: float | None
    false: float | None
    median_error: float | None
    scans: int
    obstacles: int
    by_distance: tuple[dict[str, float | int | None], ...]


def obstacle_errors(predicted: Ranges, truth: Ranges, limit_m: float) -> ObstacleErrors:
    """
    Compare two scans with the same bearings.

    :param predicted: ranges, -Inf too near, +Inf free, NaN unknown (REP-117), shape (N,) [m]
    :param truth: the same, shape (N,) [m]
    :param limit_m: true obstacles from here on do not count
    :raises FrameError: the scans have different bearings
    """
    if predicted.shape != truth.shape:
        raise FrameError(
            f'scans of {predicted.shape} and {truth.shape} ranges must have the same bearings'
        )
    told, true = (np.where(np.isneginf(r), 0.0, r).astype(np.float64) for r in (predicted, truth))
    edges = np.linspace(0, limit_m, BINS + 1)
    is_obstacle = true < limit_m
    missed = is_obstacle & (told > TOO_FAR * true)
    known = ~np.isnan(true)
    false = known & (told < limit_m) & (told < TOO_NEAR * true)
    nearer = np.fmin(told, true)
    both = is_obstacle & np.isfinite(told) & (true > 0)

    def count(where: NDArray[np.bool_], distance: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.histogram(distance[where], edges)[0].astype(np.int64)

    return ObstacleErrors(
        near_m=edges[:-1],
        obstacles=count(is_obstacle, true),
        missed=count(missed, true),
        unknown=count(is_obstacle & np.isnan(told), true),
        known=count(known & (nearer < limit_m), nearer),
        false=count(false, nearer),
        errors=np.abs(told[both] / true[both] - 1),
    )


def summarise_obstacles(found: Sequence[ObstacleErrors]) -> ObstacleSummary:
    """
    Count the bearings of many scans together.

    :raises FrameError: there is no scan
    """
    if not found:
        raise FrameError('no scan was compared: there is nothing to summarise')
    obstacles, missed, unknown, known, false = (
        np.sum([getattr(each, name) for each in found], axis=0)
        for name in ('obstacles', 'missed', 'unknown', 'known', 'false')
    )
    errors = np.concatenate([each.errors for each in found])
    bins = zip(found[0].near_m, missed, false, obstacles, known, strict=True)
    return ObstacleSummary(
        missed=_share(missed.sum(), obstacles.sum()),
        unknown=_share(unknown.sum(), obstacles.sum()),
        false=_share(false.sum(), known.sum()),
        median_error=float(np.median(errors)) if errors.size else None,
        scans=len(found),
        obstacles=int(obstacles.sum()),
        by_distance=tuple(
            {
                'from_m': float(near),
                'missed': _share(away, there),
                'false': _share(wrong, sure),
                'obstacles': int(there),
            }
            for near, away, wrong, there, sure in bins
        ),
    )


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
