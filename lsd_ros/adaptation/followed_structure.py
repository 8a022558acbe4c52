"""Motions by the depth that weights see, where there is no library for structure from motion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lsd_ros.adaptation.metric_scale import See
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.triangulation.rgbd_odometry import followed_motions, scaled_motion
from lsd_ros.triangulation.structure_from_motion import SparseDepth, Structure

GRID = 12  # of pixels along each side whose depth stands for an image
FAR = 90  # percentile of depth beyond which points say little of how far a camera moved


def followed_structure(
    sequence: TrainingSequence,
    stretch: range,
    see: See,
    advance: Callable[[], object] = lambda: None,
) -> Structure | None:
    """
    Follow the camera through a stretch of a sequence.

    The unit is that of the depth, and so are the points: they tell the unit and the range of
    depths, and are not sure enough to be learned.

    :param see: returns the depth of an image by its index in the sequence [m], shape (H, W)
    :param advance: called for each image
    :return: None where a motion cannot be told
    :raises DatasetError: an image cannot be read
    """
    points: list[SparseDepth] = []

    def near(place: int) -> NDArray[np.float32]:
        depth = see(stretch[place])
        points.append(_points(depth))
        advance()
        finite = np.isfinite(depth)
        furthest = np.percentile(depth[finite], FAR) if finite.any() else 0.0
        return np.where(finite & (depth < furthest), depth, np.nan).astype(np.float32)

    poses = followed_motions(
        len(stretch),
        sequence.camera,
        lambda place: sequence.image(stretch[place]),
        near,
        scaled_motion,
    )
    if poses is None:
        return None
    points.append(_points(see(stretch[-1])))
    indices = np.array(stretch, np.int64)
    return Structure(
        indices, poses, tuple(points), 0.0, how='followed by the depth of weights', sure=False
    )


def _points(depth: NDArray[np.float32]) -> SparseDepth:
    """Return the depth of a grid of pixels."""
    height, width = depth.shape
    rows, columns = (
        ((np.arange(GRID) + 0.5) * size / GRID).astype(int) for size in (height, width)
    )
    v, u = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing='ij'))
    known = np.isfinite(depth[v, u]) & (depth[v, u] > 0)
    pixels = np.column_stack((u, v))[known].astype(np.float32)
    return SparseDepth(pixels, depth[v, u][known])
