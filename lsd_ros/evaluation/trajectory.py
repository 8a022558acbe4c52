"""Trajectory errors: absolute and relative ones by evo, and KITTI's drift per segment."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError, LsdError
from lsd_ros.types import Trajectory
from lsd_ros.types.stamps import nearest

Alignment = Literal['sim3', 'se3', 'none']
KITTI_LENGTHS_M = (100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0)
KITTI_STEP = 10  # frames between the starts of segments (Geiger et al. 2012)


@dataclass(frozen=True)
class Aligned:
    """
    An estimate laid upon the reference.

    :param trajectory: the estimate in the reference's frame
    :param scale: what its positions were multiplied with
    """

    trajectory: Trajectory
    scale: float


@dataclass(frozen=True)
class RelativeErrors:
    """
    Root mean square errors of the motion over a number of frames.

    :param translation_m: of the translation [m]
    :param rotation_deg: of the rotation's angle [deg]
    """

    translation_m: float
    rotation_deg: float


@dataclass(frozen=True)
class SegmentErrors:
    """
    KITTI's drift: means over all segments of all lengths.

    :param t_rel_percent: translation error per length
    :param r_rel_deg_per_100m: rotation error per length
    :param segments: how many there were
    """

    t_rel_percent: float
    r_rel_deg_per_100m: float
    segments: int


def matched(
    estimate: Trajectory, reference: Trajectory, max_difference_s: float = 0.01
) -> tuple[Trajectory, Trajectory]:
    """
    Keep the poses of both that belong to the same moment.

    :param max_difference_s: between two stamps that count as one moment
    :return: the estimate and the reference, of the same length
    :raises FrameError: fewer than two poses belong together
    """
    stamps, wanted = reference.stamps_ns, estimate.stamps_ns
    closest, off_ns = nearest(wanted, stamps)
    near = np.flatnonzero(off_ns <= max_difference_s * 1e9)
    kept, first = np.unique(closest[near], return_index=True)
    if len(kept) < 2:
        raise FrameError(
            f'{len(kept)} of {len(estimate)} poses have a reference pose within '
            f'{max_difference_s} s: are both trajectories of one recording?'
        )
    return _picked(estimate, near[first]), _picked(reference, kept)


def aligned(estimate: Trajectory, reference: Trajectory, alignment: Alignment) -> Aligned:
    """
    Lay a matched estimate upon its reference (Umeyama 1991, by evo).

    :param alignment: ``sim3`` turns, moves and scales it; ``se3`` turns and moves it
    :raises FrameError: the lengths differ, or the positions lie on a line or in one point
    :raises LsdError: evo is not installed
    """
    _check_matched(estimate, reference)
    if alignment == 'none':
        return Aligned(estimate, 1.0)
    if alignment not in ('sim3', 'se3'):
        raise FrameError(f'alignment {alignment!r} is unknown: choose sim3, se3 or none')
    geometry = _evo('evo.core.geometry')
    points, targets = (path.world_from_camera[:, :3, 3].T for path in (estimate, reference))
    try:
        rotation, translation, scale = geometry.umeyama_alignment(
            points, targets, alignment == 'sim3'
        )
    except geometry.GeometryException as error:
        raise FrameError(
            f'{len(estimate)} positions on a line or in one point cannot be aligned: '
            'take a trajectory with turns, or no alignment'
        ) from error
    poses = np.tile(np.eye(4), (len(estimate), 1, 1))
    poses[:, :3, :3] = rotation @ estimate.world_from_camera[:, :3, :3]
    poses[:, :3, 3] = scale * points.T @ rotation.T + translation
    return Aligned(Trajectory(estimate.stamps_ns, poses), float(scale))


def absolute_error_m(
    estimate: Trajectory, reference: Trajectory, alignment: Alignment = 'sim3'
) -> float:
    """
    Return the absolute trajectory error of a matched estimate: root mean square distance [m].

    :raises FrameError: the lengths differ, or the positions cannot be aligned
    :raises LsdError: evo is not installed
    """
    laid = aligned(estimate, reference, alignment).trajectory
    return _evo_rmse('APE', 'translation_part', reference, laid)


def relative_errors(
    estimate: Trajectory, reference: Trajectory, frames: int = 1
) -> RelativeErrors:
    """
    Compare the motions of a matched estimate over a number of frames; align its scale before.

    :raises FrameError: the lengths differ, or there are no more frames than that
    :raises LsdError: evo is not installed
    """
    _check_matched(estimate, reference)
    if not 1 <= frames < len(estimate):
        raise FrameError(
            f'motions over {frames} frames need a trajectory longer than {len(estimate)} poses'
        )
    options = {'delta': float(frames), 'all_pairs': True}
    return RelativeErrors(
        _evo_rmse('RPE', 'translation_part', reference, estimate, **options),
        _evo_rmse('RPE', 'rotation_angle_deg', reference, estimate, **options),
    )


def segment_errors(
    estimate: Trajectory,
    reference: Trajectory,
    lengths_m: Sequence[float] = KITTI_LENGTHS_M,
    step: int = KITTI_STEP,
) -> SegmentErrors:
    """
    Measure the drift of a matched estimate over segments, as KITTI's benchmark does.

    evo has no such measure: its relative errors are not divided by the length of the segment.

    :param lengths_m: of the segments, along the reference
    :param step: frames between the starts of segments
    :raises FrameError: the lengths of the trajectories differ, or no segment fits
    """
    _check_matched(estimate, reference)
    steps = np.linalg.norm(np.diff(reference.world_from_camera[:, :3, 3], axis=0), axis=1)
    way = np.concatenate(([0.0], np.cumsum(steps)))
    starts = np.arange(0, len(reference), step)
    errors = [
        _segment_error(estimate, reference, int(first), int(last)) / length
        for length in lengths_m
        for first, last in zip(starts, _ends(way, starts, length), strict=True)
        if last < len(way)
    ]
    if not errors:
        raise FrameError(
            f'a way of {way[-1]:.1f} m has no segment of {min(lengths_m, default=0)} m: '
            'give shorter lengths'
        )
    translation, rotation = np.mean(errors, axis=0)
    return SegmentErrors(float(100 * translation), float(np.rad2deg(rotation) * 100), len(errors))


def _ends(way: NDArray[np.float64], starts: NDArray[np.int64], length: float) -> Any:
    """Return the first pose farther along the way; one past the last where there is none."""
    return np.searchsorted(way, way[starts] + length, side='right')


def _segment_error(
    estimate: Trajectory, reference: Trajectory, first: int, last: int
) -> NDArray[np.float64]:
    """Return the translation [m] and rotation error [rad] from one pose to another."""
    found, wanted = (
        np.linalg.inv(path.world_from_camera[first]) @ path.world_from_camera[last]
        for path in (estimate, reference)
    )
    error = np.linalg.inv(found) @ wanted
    cosine = np.clip((np.trace(error[:3, :3]) - 1) / 2, -1.0, 1.0)
    return np.array((np.linalg.norm(error[:3, 3]), np.arccos(cosine)))


def _picked(trajectory: Trajectory, index: NDArray[np.int64]) -> Trajectory:
    return Trajectory(trajectory.stamps_ns[index], trajectory.world_from_camera[index])


def _check_matched(estimate: Trajectory, reference: Trajectory) -> None:
    if len(estimate) != len(reference) or len(estimate) < 2:
        raise FrameError(
            f'{len(estimate)} estimated and {len(reference)} reference poses must be equally many '
            'and at least two: match them by stamp first'
        )


def _evo_rmse(
    metric: str, relation: str, reference: Trajectory, estimate: Trajectory, **options: Any
) -> float:
    metrics = _evo('evo.core.metrics')
    measure = getattr(metrics, metric)(getattr(metrics.PoseRelation, relation), **options)
    measure.process_data((_evo_path(reference), _evo_path(estimate)))
    return float(measure.get_statistic(metrics.StatisticsType.rmse))


def _evo_path(trajectory: Trajectory) -> Any:
    return _evo('evo.core.trajectory').PosePath3D(poses_se3=list(trajectory.world_from_camera))


def _evo(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LsdError(
            'trajectory errors need the Python library evo: install lsd_ros[evaluation]'
        ) from error
