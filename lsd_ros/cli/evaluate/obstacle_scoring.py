"""What a robot would hit with some weights: scans of their depth beside scans of the true one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.evaluate.scoring import (
    Advance,
    Depth,
    Judged,
    LabelledImage,
    Protocol,
    frames_with_truth,
    judged,
)
from lsd_ros.cli.panels import ESTIMATE_RED, TRUTH_GREEN, scans_from_above
from lsd_ros.cli.pictures import Picture
from lsd_ros.cli.printing import MISSING, table
from lsd_ros.datasets.training_sequence import TrainingSequence, world_from_camera
from lsd_ros.errors import CameraError
from lsd_ros.evaluation.boundaries import BoundaryErrors, boundary_errors, mean_boundaries
from lsd_ros.evaluation.obstacles import (
    TOO_FAR,
    TOO_NEAR,
    ObstacleErrors,
    obstacle_errors,
    summarise_obstacles,
)
from lsd_ros.inference.engine_settings import EngineSettings, MountSettings
from lsd_ros.inference.obstacles.depth_filter import DepthFilter
from lsd_ros.inference.obstacles.scan import ScanBuilder
from lsd_ros.inference.odometry.frames import BODY_FROM_OPTICAL, base_from_optical
from lsd_ros.inference.scale.ground import Ground, GroundFinder
from lsd_ros.types import Estimate, Scale, Scan

OUTDOORS_M, INDOORS_M = 15.0, 5.0  # true obstacles from here on do not count
FAR_MEDIAN_M = 6.0  # median of true depth from which on a place is outdoors
LEAST_KNOWN = 0.5  # share of the true depth that must be known to find the ground in it
UP_LEVEL = np.array([0.0, -1.0, 0.0])
UP_OF_WORLD = np.array([0.0, 0.0, 1.0])
FRAME_ID = 'base_link'
TRUE = Scale(1.0, True, 'truth')
SIDE = 360  # of the picture [pixels]
Matrix = NDArray[np.float64]


class Compared(NamedTuple):
    """
    One image.

    :param truth: scan of the true depth
    :param scaled: scan of the estimated depth, median scaled
    :param unscaled: scan of it as the weights say
    """

    truth: Scan
    scaled: Scan
    unscaled: Scan


class ObstacleJudge:
    """
    Makes scans as the node does, from estimated and true depth, at the same mount.

    The mount is that of the settings. Where they have none, the ground is looked for in the true
    depth of each image, below a camera that looks level or whose poses say where up is.

    :param wanted: settings of the engine, among them mount and scan
    """

    def __init__(self, wanted: EngineSettings) -> None:
        self._mount = None if wanted.mount == MountSettings() else base_from_optical(wanted.mount)
        self._builder = ScanBuilder(wanted.scan, DepthFilter(wanted.points))
        self._finder = GroundFinder()

    def compare(
        self, sequence: TrainingSequence, seen: LabelledImage, predicted: Depth, scale: float
    ) -> Compared | None:
        """
        Make the scans of one image.

        :param predicted: as the weights say, shape (H, W)
        :param scale: that makes its median the true one
        :return: None where no ground is seen, or nothing of the band
        """
        mount = self._mount
        if mount is None:
            mount = self._found(sequence, seen)
        if mount is None:
            return None
        depths = (seen.truth, predicted * np.float32(scale), predicted)

        def scan(depth: Depth) -> Scan:
            estimate = Estimate(
                0, FRAME_ID, TRUE, camera=sequence.camera, depth=depth, image=seen.image
            )
            return self._builder.build(estimate, mount, FRAME_ID)

        try:
            return Compared(*map(scan, depths))
        except CameraError:
            return None

    def _found(self, sequence: TrainingSequence, seen: LabelledImage) -> Matrix | None:
        known = np.isfinite(seen.truth)
        if known.mean() < LEAST_KNOWN:
            return None
        inverse = np.float32(1) / _filled(seen.truth, known)
        pose = world_from_camera(sequence, seen.index)
        ups = [UP_LEVEL] if pose is None else [UP_LEVEL, UP_OF_WORLD @ pose[:3, :3]]
        for up in ups:
            ground = self._finder.find(inverse, sequence.camera, up)
            if isinstance(ground, Ground):
                return _standing(ground)
        return None


def score_obstacles(
    engine: Judged,
    sequence: TrainingSequence,
    protocol: Protocol,
    wanted: EngineSettings,
    advance: Advance = lambda: None,
    show: Callable[[int, Picture], object] | None = None,
) -> dict[str, Any]:
    """
    Compare scans and depth edges of every image with true depth.

    :param wanted: settings of the engine, among them mount and scan
    :param show: told the index and the picture of each image
    :return: ``obstacles`` and ``boundaries``; without what cannot be judged
    :raises LsdError: an image cannot be read, or the engine fails
    """
    judge = ObstacleJudge(wanted)
    scaled: list[ObstacleErrors] = []
    unscaled: list[ObstacleErrors] = []
    edges: list[BoundaryErrors] = []
    images, limit_m = 0, 0.0
    for seen in frames_with_truth(sequence, advance):
        images += 1
        limit_m = limit_m or _limit_m(seen.truth)
        predicted, scale = judged(engine, sequence, seen, protocol)
        found = boundary_errors(predicted, seen.truth)
        edges += [] if found is None else [found]
        compared = judge.compare(sequence, seen, predicted, scale)
        if compared is None:
            continue
        truth = compared.truth.ranges
        scaled.append(obstacle_errors(compared.scaled.ranges, truth, limit_m))
        unscaled.append(obstacle_errors(compared.unscaled.ranges, truth, limit_m))
        if show is not None:
            show(seen.index, scan_picture(compared.truth, compared.scaled, limit_m))
    scores: dict[str, Any] = {}
    if scaled:
        scores['obstacles'] = {
            'limit_m': limit_m,
            'images_without_ground': images - len(scaled),
            **dataclasses.asdict(summarise_obstacles(scaled)),
            'unscaled': dataclasses.asdict(summarise_obstacles(unscaled)),
        }
    boundaries = mean_boundaries(edges)
    if boundaries is not None:
        scores['boundaries'] = dataclasses.asdict(boundaries)
    return scores


def obstacle_tables(scores: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of both tables; none where nothing was judged."""
    rows = [
        row
        for name, score in scores.items()
        if 'obstacles' in score
        for row in _obstacle_rows(name, score['obstacles'])
    ]
    if rows:
        yield ''
        yield (
            f'obstacles, per bearing of the scan (missed: told free or {TOO_FAR - 1:.0%} too far; '
            f'false: told {1 - TOO_NEAR:.0%} too near)'
        )
        head = ['sequence', 'at', 'missed %', 'unknown %', 'false %', 'error %', 'bearings']
        yield from table(head, rows)
    edges = [
        [name, *(_pixels(score['boundaries'][each]) for each in ('accuracy', 'completeness'))]
        for name, score in scores.items()
        if 'boundaries' in score
    ]
    if edges:
        yield ''
        yield 'depth edges, mean distance in pixels (accuracy: of told ones to true ones)'
        yield from table(['sequence', 'accuracy', 'completeness'], edges)


def scan_picture(truth: Scan, told: Scan, limit_m: float) -> Picture:
    """
    Draw both scans from above, the robot at the bottom: true ones green, told ones red.

    :return: shape (SIDE, SIDE, 3); a ring every metre, or every five outdoors
    """
    scans = ((truth, TRUTH_GREEN, 2), (told, ESTIMATE_RED, 1))
    return scans_from_above(scans, limit_m, SIDE)


def _limit_m(truth: Depth) -> float:
    return OUTDOORS_M if float(np.nanmedian(truth)) > FAR_MEDIAN_M else INDOORS_M


def _standing(ground: Ground) -> Matrix:
    """Return the mount of a camera above this ground, the base below it and looking ahead."""
    up = ground.up / np.linalg.norm(ground.up)
    ahead = BODY_FROM_OPTICAL[0] - (BODY_FROM_OPTICAL[0] @ up) * up
    ahead /= np.linalg.norm(ahead)
    mount = np.eye(4)
    mount[:3, :3] = np.stack((ahead, np.cross(up, ahead), up))
    mount[2, 3] = ground.height
    return mount


def _filled(truth: Depth, known: NDArray[np.bool_]) -> Depth:
    """Give every pixel without truth that of the nearest one with it."""
    if known.all():
        return truth
    blank = np.where(known, 0, 255).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        blank, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(labels.max()) + 1, np.float32)
    values[labels[known]] = truth[known]
    return np.asarray(values[labels])


def _obstacle_rows(name: str, found: dict[str, Any]) -> Iterator[list[str]]:
    for label, part in (('all', found), ('unscaled', found['unscaled'])):
        shares = [_percent(part[each]) for each in ('missed', 'unknown', 'false', 'median_error')]
        yield [name if label == 'all' else '', label, *shares, str(part['obstacles'])]
    for part in found['by_distance']:
        shares = [_percent(part['missed']), MISSING, _percent(part['false']), MISSING]
        yield ['', f'from {part["from_m"]:.1f} m', *shares, str(part['obstacles'])]


def _percent(share: float | None) -> str:
    return MISSING if share is None else f'{100 * share:.1f}'


def _pixels(value: float | None) -> str:
    return MISSING if value is None else f'{value:.2f}'
