"""What the unit of a structure from motion is in metres, by whatever knows it best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.scale.ground import Ground, GroundFinder
from lsd_ros.training.validation import spread
from lsd_ros.triangulation.structure_from_motion import SparseDepth, Structure
from lsd_ros.types import Camera, Frame

FRAME_ID = 'camera'
FURTHEST_APART = 40  # images between two places whose distance is compared
FEWEST = 5
IMAGES = 24  # that are looked at
LARGEST_SPREAD = 0.5  # relative, of the single estimates: above, the source knows nothing
UP = np.array((0.0, -1.0, 0.0))
Matrices = NDArray[np.float64]
See = Callable[[int], NDArray[np.float32]]


@dataclass(frozen=True)
class Metres:
    """
    The unit of a structure.

    :param factor: metres per unit
    :param source: what knows it, for people
    :param deviation: relative standard deviation of the factor
    """

    factor: float
    source: str
    deviation: float


def seeing(sequence: TrainingSequence, engine: Engine) -> See:
    """Return what sees the depth of an image of a sequence, by its index [m]."""

    def see(index: int) -> NDArray[np.float32]:
        frame = Frame(
            int(sequence.stamps_ns[index]), FRAME_ID, sequence.image(index), sequence.camera
        )
        depth = engine.process(frame, motion=False).depth
        assert depth is not None
        return depth

    return see


def known_by_seen(sequences: Sequence[TrainingSequence], engine: Engine) -> float:
    """
    Return what seen depth must be multiplied with to be, in the median, the depth that is known.

    :param sequences: with depth
    :raises DatasetError: no image shows both
    """
    ratios = []
    for sequence in sequences:
        targets, see = sequence.targets or range(len(sequence)), seeing(sequence, engine)
        for place in spread(len(targets), IMAGES):
            known = sequence.depth(targets[place])
            if known is None:
                continue
            ratio = known / see(targets[place])
            good = ratio[np.isfinite(ratio) & (ratio > 0)]
            if len(good):
                ratios.append(float(np.median(good)))
    if not ratios:
        raise DatasetError('no image shows depth that is known: record more')
    return float(np.median(ratios))


def by_poses(found: Structure, known: Matrices | None) -> Metres | None:
    """
    Compare the way of the structure with measured poses: those of odometry or transforms.

    :param known: ``world_from_camera`` of every image of the sequence, NaN where unknown [m]
    :return: None where they do not fit, or the camera did not go anywhere
    """
    if known is None:
        return None
    measured, own = known[found.indices, :3, 3], found.world_from_camera[:, :3, 3]
    ratios, weights = [], []
    for apart in range(1, min(FURTHEST_APART, len(own) - 1) + 1):
        there = np.linalg.norm(measured[apart:] - measured[:-apart], axis=1)
        here = np.linalg.norm(own[apart:] - own[:-apart], axis=1)
        good = np.isfinite(there) & (here > 1e-9) & (there > 0)
        ratios.append(there[good] / here[good])
        weights.append(here[good])
    return _settled(np.concatenate(ratios), 'odometry', np.concatenate(weights))


def by_height(found: Structure, see: See, camera: Camera, height_m: float) -> Metres | None:
    """
    Find the ground under the camera, whose height is known.

    The depth that weights see is laid upon the sure points of each image, and the ground is looked
    for in it: its metres need not be right, its shape must.

    :param see: returns the depth of an image by its index in the sequence, shape (H, W)
    :param height_m: of the camera above the ground; 0: not known
    :return: None where it is not known, or too few images show the ground
    """
    if not height_m:
        return None
    finder, heights = GroundFinder(), []
    for index, points in _chosen(found):
        seen = see(index)
        scale = _scale(points, seen)
        if scale is None:
            continue
        ground = finder.find((scale / seen).astype(np.float32), camera, UP)
        if isinstance(ground, Ground):
            heights.append(ground.height)
    return _settled(height_m / np.array(heights), 'camera height') if heights else None


def by_depth(found: Structure, see: See, name: str) -> Metres | None:
    """
    Compare the sure points with the depth that metric weights see.

    :param see: returns the depth of an image by its index in the sequence [m], shape (H, W)
    :param name: of the weights
    :return: None where they say nothing that holds together
    """
    scales = [_scale(points, see(index)) for index, points in _chosen(found)]
    ratios = np.array([scale for scale in scales if scale is not None])
    return _settled(ratios, f'depth of the weights {name}') if len(ratios) else None


def difference_from_points(found: Structure, see: See) -> list[float]:
    """
    Return how far seen depth is from the sure points of some images, each median scaled.

    :param see: returns the depth of an image by its index in the sequence, shape (H, W)
    :return: mean relative difference of each image that shows enough of them
    """
    off = []
    for index, points in _chosen(found):
        ratios = _ratios(points, see(index))
        if ratios is not None:
            off.append(float(np.abs(ratios / np.median(ratios) - 1).mean()))
    return off


def _chosen(found: Structure) -> Iterator[tuple[int, SparseDepth]]:
    """Yield some images, spread over the structure: index in the sequence, and points."""
    for place in spread(len(found.indices), IMAGES):
        if len(found.points[place].depth) >= FEWEST:
            yield int(found.indices[place]), found.points[place]


def _scale(points: SparseDepth, seen: NDArray[np.float32]) -> float | None:
    """Return what the depth of points must be multiplied with to be that of a map."""
    ratios = _ratios(points, seen)
    return None if ratios is None else float(np.median(ratios))


def _ratios(points: SparseDepth, seen: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return what a map sees where points are, in units of their depth; None: too few."""
    u, v = np.rint(points.pixels).astype(int).T
    ratios = seen[v, u] / points.depth
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    return ratios if len(ratios) >= FEWEST else None


def _settled(
    ratios: NDArray[np.float64], source: str, weights: NDArray[np.float64] | None = None
) -> Metres | None:
    """Return the weighted median of estimates; None where they differ too much."""
    if len(ratios) < FEWEST:
        return None
    weights = np.ones(len(ratios)) if weights is None else weights
    order = np.argsort(ratios)
    share = np.cumsum(weights[order]) / weights.sum()
    low, middle, high = np.interp((0.16, 0.5, 0.84), share, ratios[order])
    spread = (high - low) / 2 / middle
    if not np.isfinite(spread) or spread > LARGEST_SPREAD:
        return None
    return Metres(float(middle), source, float(spread))
