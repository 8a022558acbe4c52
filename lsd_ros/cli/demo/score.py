"""What came out of a synthetic drive, against its truth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.bags.reader import BagReader
from lsd_ros.cli.output_messages import CAMERA_INFO, DEPTH, DIAGNOSTICS, ODOMETRY, POINTS
from lsd_ros.errors import FrameError, LsdError
from lsd_ros.evaluation.depth import DepthErrors, depth_errors, summarise
from lsd_ros.evaluation.trajectory import absolute_error_m, aligned, matched
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.messages.decode import depth_to_metres, image_to_rgb, pose_to_matrix, stamp_ns
from lsd_ros.synthetic.synthetic_bag import DEPTH_TOPIC, IMAGE_TOPIC, ODOM_TOPIC
from lsd_ros.types import Camera, Trajectory

Depth = NDArray[np.float32]
MAX_DEPTH_M = 80.0
DEPTHS = ('median_scaled', 'raw', 'constant')


@dataclass(frozen=True)
class ScoredView:
    """
    One moment, in the pixels of the estimated depth but for the image.

    :param image: RGB, as the camera took it
    :param truth: shape (H, W) [m]
    :param estimate: shape (H, W)
    """

    image: NDArray[np.uint8]
    truth: Depth
    estimate: Depth


@dataclass(frozen=True)
class Drive:
    """
    What a drive gave.

    :param depths: estimated depth and its camera, by stamp
    :param received_ns: when the cloud of a stamp was received or written, by stamp
    :param estimate: odometry, one pose an estimate
    :param truth: where the camera really was
    :param node_counts: images that the node received, and those of them that a newer one
        replaced, or that it did not trust, by its last diagnostics; empty: there are none
    """

    depths: dict[int, tuple[Depth, Camera]]
    received_ns: dict[int, int]
    estimate: Trajectory | None
    truth: Trajectory
    node_counts: dict[str, int]


def read_drive(truth: Path, results: Path) -> Drive:
    """
    Read both bags of a demo, all but the images and the true depth.

    :raises DatasetError: one of them cannot be read
    """
    depths: dict[int, Depth] = {}
    cameras: dict[int, Camera] = {}
    received_ns: dict[int, int] = {}
    counts: dict[str, int] = {}
    with BagReader(results) as bag:
        for record in bag.messages():
            if record.topic == POINTS:
                received_ns[record.header_stamp_ns] = record.stamp_ns
            elif record.topic == DEPTH:
                depths[record.header_stamp_ns] = depth_to_metres(record.message)
            elif record.topic == CAMERA_INFO:
                cameras[record.header_stamp_ns] = camera_from_info(record.message)
            elif record.topic == DIAGNOSTICS:
                counts = _node_counts(record.message)
        odometry = _trajectory(bag, ODOMETRY)
    with BagReader(truth) as bag:
        real = _trajectory(bag, ODOM_TOPIC)
    if real is None:
        raise FrameError(f'{truth} holds no true poses on {ODOM_TOPIC}')
    both = {stamp: (depths[stamp], cameras[stamp]) for stamp in depths.keys() & cameras.keys()}
    return Drive(both, received_ns, odometry, real, counts)


def _node_counts(diagnostics: Any) -> dict[str, int]:
    values = {pair.key: pair.value for status in diagnostics.status for pair in status.values}
    names = ('received', 'dropped', 'withheld', 'refused')
    return {name: int(values[f'frames.{name}']) for name in names}


def _trajectory(bag: BagReader, topic: str) -> Trajectory | None:
    if topic not in {known.name for known in bag.topics()}:
        return None
    messages = [record.message for record in bag.messages([topic])]
    poses = {
        stamp_ns(message.header): pose_to_matrix(message)
        for message in messages
        if message.pose.covariance[0] < LOST_VARIANCE  # a lost pose is none
    }
    if not poses:
        return None
    stamps = sorted(poses)
    return Trajectory(np.array(stamps, np.int64), np.stack([poses[stamp] for stamp in stamps]))


def depth_scores(
    truth: Path, camera: Camera, drive: Drive, chosen_ns: int
) -> tuple[dict[str, Any], ScoredView | None]:
    """
    Compare every estimated depth with the truth, at the pixels of the estimate.

    :param camera: of the images and of the true depth
    :param chosen_ns: stamp of the view to return, or of the next one that has an estimate
    :return: the errors ``median_scaled`` and ``raw``, and beside them ``constant``, those of one
        depth everywhere, the median of the truth; and a view; None where there is no depth
    """
    errors: dict[str, list[DepthErrors]] = {name: [] for name in DEPTHS}
    view = image = None
    with BagReader(truth) as bag:
        for record in bag.messages([IMAGE_TOPIC, DEPTH_TOPIC]):
            stamp = record.header_stamp_ns
            if stamp not in drive.depths:
                continue
            if record.topic == IMAGE_TOPIC:
                image = record if view is None and stamp >= chosen_ns else None
                continue
            estimate, seen_by = drive.depths[stamp]
            real = resampled(depth_to_metres(record.message), camera, seen_by)
            for name, found in errors.items():
                depth = np.ones_like(estimate) if name == 'constant' else estimate
                _append_errors(found, depth, real, scaled=name != 'raw')
            if image is not None:
                view = ScoredView(image_to_rgb(image.message), real, estimate)
                image = None
    return {name: _summary(found) for name, found in errors.items()}, view


def _append_errors(
    found: list[DepthErrors], estimate: Depth, real: Depth, *, scaled: bool
) -> None:
    try:
        found.append(depth_errors(estimate, real, median_scaling=scaled, max_depth_m=MAX_DEPTH_M))
    except FrameError:
        return  # nothing to compare in this frame: the number of frames says so


def _summary(errors: list[DepthErrors]) -> dict[str, Any] | None:
    return dataclasses.asdict(summarise(errors)) if errors else None


def resampled(depth: Depth, camera: Camera, other: Camera) -> Depth:
    """
    See depth with another camera at the same place: the nearest pixel on each ray.

    :param depth: of ``camera``, shape (H, W)
    :param other: what it looks at must be seen by ``camera``
    :return: shape (other.height, other.width)
    """
    columns = (np.arange(other.width) - other.cx) / other.fx * camera.fx + camera.cx
    rows = (np.arange(other.height) - other.cy) / other.fy * camera.fy + camera.cy
    right, bottom = camera.width - 1, camera.height - 1
    across = np.clip(np.rint(columns), 0, right).astype(np.intp)
    down = np.clip(np.rint(rows), 0, bottom).astype(np.intp)
    return depth[np.ix_(down, across)]


def trajectory_score(
    drive: Drive, base_from_camera: NDArray[np.float64]
) -> tuple[dict[str, Any], Trajectory | None]:
    """
    Compare the odometry with the truth.

    :param base_from_camera: where the camera sits in the frame that the odometry is of
    :return: the errors, or why there are none, and ``straight_ate_m``, that of going straight on;
        and the odometry laid upon the truth
    """
    steps = np.diff(drive.truth.world_from_camera[:, :3, 3], axis=0)
    score: dict[str, Any] = {'length_m': float(np.linalg.norm(steps, axis=1).sum())}
    try:
        if drive.estimate is None:
            raise FrameError('there is no odometry')
        poses = drive.estimate.world_from_camera @ base_from_camera
        estimate, truth = matched(Trajectory(drive.estimate.stamps_ns, poses), drive.truth)
        laid = aligned(estimate, truth, 'sim3')
        score.update(
            poses=len(estimate),
            ate_m=absolute_error_m(estimate, truth, 'sim3'),
            straight_ate_m=_straight_error_m(truth),
            scale=laid.scale,
            alignment='sim3',
        )
    except LsdError as error:
        return {**score, 'error': str(error)}, None
    return score, laid.trajectory


def _straight_error_m(truth: Trajectory) -> float:
    """Return the error of a straight way at one speed: the line that fits best is laid upon."""
    seconds = (truth.stamps_ns - truth.stamps_ns[0]) / 1e9
    line = np.stack([np.ones_like(seconds), seconds], axis=1)
    places = truth.world_from_camera[:, :3, 3]
    fit = np.linalg.lstsq(line, places, rcond=None)[0]
    return float(np.sqrt(np.square(places - line @ fit).sum(axis=1).mean()))
