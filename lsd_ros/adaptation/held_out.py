"""What weights are worth on images that were held out: without true depth, by geometry alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lsd_ros.adaptation.metric_scale import FRAME_ID
from lsd_ros.datasets.parallax import WIDTH, followed_points
from lsd_ros.datasets.training_sequence import TrainingSequence, world_from_camera
from lsd_ros.errors import DatasetError, FrameError
from lsd_ros.evaluation.depth import depth_errors
from lsd_ros.geometry.warp import warp
from lsd_ros.inference.engine import Engine
from lsd_ros.training.photometric import Reference, photometric_error
from lsd_ros.types import Camera, Frame

PICTURES = 4
STILL_M = 1e-3  # steps shorter than this have no direction
Depth = NDArray[np.float32]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """
    The figures of some weights.

    None of them needs true depth. The first three compare with depth that was triangulated by the
    motions that structure from motion found, where that is sure.

    :param images: that were looked at
    :param abs_rel: mean relative difference from triangulated depth, median scaled
    :param a1: share of pixels within a factor of 1.25 of it, median scaled
    :param unscaled: the first, as the weights say it
    :param photometric: how much a neighbour differs from an image where the depth says that it
        shows the same, 0 .. 1
    :param one_depth: that of one depth everywhere, the median of the triangulated one
    :param still: that of the neighbour as it is
    :param consistency: relative difference of the depth of two images that see the same, 0 .. 1
        (Bian et al., NeurIPS 2019)
    :param epipolar_px: median distance of followed points from where the estimated motions allow
        them, at 416 pixels width
    :param turn_deg: median error of the turn from image to image
    :param length: median relative error of the length of the step
    :param direction: median cosine between the steps
    """

    images: int
    abs_rel: float
    a1: float
    unscaled: float
    photometric: float
    one_depth: float
    still: float
    consistency: float | None
    epipolar_px: float | None
    turn_deg: float | None
    length: float | None
    direction: float | None


@dataclass(frozen=True)
class ComparedImage:
    """
    One image with what was estimated, for a picture.

    :param image: RGB, shape (H, W, 3)
    :param depth: median scaled, shape (H, W)
    :param triangulated: NaN where it is not known, shape (H, W)
    """

    image: NDArray[np.uint8]
    depth: Depth
    triangulated: Depth


def judge(
    engine: Engine,
    sequences: Sequence[TrainingSequence],
    parallax_px: float,
    advance: Callable[[], object] = lambda: None,
) -> tuple[HeldOut, list[ComparedImage]]:
    """
    Look at the targets of sequences with poses and triangulated depth.

    :param parallax_px: how far neighbours shall be apart, at 416 pixels width
    :param advance: called for each image
    :return: the figures, and some images with their depth
    :raises DatasetError: nothing can be judged
    :raises LsdError: an image cannot be read, or the engine fails
    """
    rows, seen = _Rows(), list[ComparedImage]()
    for sequence in sequences:
        engine.reset_odometry()
        targets = sequence.targets or range(len(sequence))
        shown = set(np.linspace(0, len(targets) - 1, PICTURES).round().astype(int).tolist())
        last: tuple[int, NDArray[np.uint8]] | None = None
        scaled_maps: dict[int, Depth] = {}
        for place, index in enumerate(targets):
            image = sequence.image(index)
            stamp_ns = int(sequence.stamps_ns[index])
            estimate = engine.process(Frame(stamp_ns, FRAME_ID, image, sequence.camera))
            advance()
            if estimate.motion is not None and last is not None:
                step = np.asarray(estimate.motion.current_from_previous, np.float64)
                rows.add_motion(step, sequence, last, (index, image))
            last = index, image
            truth = sequence.depth(index)
            if truth is None or estimate.depth is None or not np.isfinite(truth).any():
                continue
            try:
                row, scale = _depth_errors(estimate.depth, truth)
            except FrameError:
                continue
            rows.depth.append(row)
            scaled = estimate.depth * np.float32(scale)
            rows.photometric += _photometric(sequence, index, image, scaled, truth, parallax_px)
            scaled_maps[index] = _small(_finite(scaled, truth), _small_camera(sequence.camera))
            rows.consistency += depth_consistency(sequence, index, scaled_maps, truth, parallax_px)
            if place in shown:
                seen.append(ComparedImage(image, scaled, truth))
    return rows.summary(), seen


@dataclass
class _Rows:
    """What each image adds."""

    depth: list[tuple[float, float, float]] = field(default_factory=list)
    photometric: list[tuple[float, float, float]] = field(default_factory=list)
    consistency: list[float] = field(default_factory=list)
    motion: list[tuple[float, float, float]] = field(default_factory=list)
    epipolar: list[float] = field(default_factory=list)

    def add_motion(
        self,
        step: Matrix,
        sequence: TrainingSequence,
        before: tuple[int, NDArray[np.uint8]],
        now: tuple[int, NDArray[np.uint8]],
    ) -> None:
        """Compare a step (current from previous) with the poses and with followed points."""
        moved = _motion_errors(
            np.asarray(np.linalg.inv(step), np.float64), sequence, before[0], now[0]
        )
        if moved is not None:
            self.motion.append(moved)
        distance = epipolar_distance(step, before[1], now[1], sequence.camera)
        if distance is not None:
            self.epipolar.append(distance)

    def summary(self) -> HeldOut:
        """Return the figures."""
        if not self.depth or not self.photometric:
            raise DatasetError(
                'what was held out shows no depth to measure by: record a longer drive with more '
                'motion to the side'
            )
        depth, photometric = np.mean(self.depth, axis=0), np.mean(self.photometric, axis=0)
        motion = np.nanmedian(self.motion, axis=0).tolist() if self.motion else [None] * 3
        figures: list[Any] = [
            *(len(self.depth), *depth.tolist(), *photometric.tolist()),
            float(np.mean(self.consistency)) if self.consistency else None,
            float(np.median(self.epipolar)) if self.epipolar else None,
            *motion,
        ]
        return HeldOut(*figures)


def _depth_errors(depth: Depth, truth: Depth) -> tuple[tuple[float, float, float], float]:
    furthest = float(np.nanmax(truth)) * 1.01
    scaled = depth_errors(depth, truth, median_scaling=True, max_depth_m=furthest)
    plain = depth_errors(depth, truth, median_scaling=False, max_depth_m=furthest)
    return (scaled.abs_rel, scaled.a1, plain.abs_rel), scaled.scale


def _motion_errors(
    moved: Matrix, sequence: TrainingSequence, before: int, now: int
) -> tuple[float, float, float] | None:
    """Compare a step with that of the poses: turn [deg], length (relative), direction (cosine)."""
    poses = world_from_camera(sequence, before), world_from_camera(sequence, now)
    if poses[0] is None or poses[1] is None:
        return None
    true = np.linalg.inv(poses[0]) @ poses[1]
    cosine = (np.trace(true[:3, :3].T @ moved[:3, :3]) - 1) / 2
    turn = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    there, here = (float(np.linalg.norm(step[:3, 3])) for step in (true, moved))
    if there < STILL_M or here < 1e-9:
        return turn, np.nan, np.nan
    direction = float(true[:3, 3] @ moved[:3, 3]) / there / here
    return turn, abs(here / there - 1), direction


def _photometric(
    sequence: TrainingSequence,
    index: int,
    image: NDArray[np.uint8],
    depth: Depth,
    truth: Depth,
    parallax_px: float,
) -> list[tuple[float, float, float]]:
    """Compare an image with the neighbours that show depth: by its depth, by one depth, as is."""
    middle = float(np.nanmedian(truth))
    camera = _small_camera(sequence.camera)
    baseline = parallax_px * middle / camera.fx
    one_depth = np.full((camera.height, camera.width), middle, np.float32)
    maps = [_small(_finite(depth, truth), camera), one_depth]
    rows = []
    for other, motion in _neighbours(sequence, index, baseline):
        errors = _warped(image, sequence.image(other), maps, motion, camera)
        if errors is not None:
            rows.append(errors)
    return rows


def depth_consistency(
    sequence: TrainingSequence,
    index: int,
    maps: dict[int, Depth],
    truth: Depth,
    parallax_px: float,
) -> list[float]:
    """Compare the depth of an image with that of an earlier one that sees the same."""
    camera = _small_camera(sequence.camera)
    baseline = parallax_px * float(np.nanmedian(truth)) / camera.fx
    matrix = torch.from_numpy(camera.matrix.astype(np.float32))[None]
    for other, motion in _neighbours(sequence, index, baseline):
        if other not in maps:
            continue
        here, there = (torch.from_numpy(maps[number])[None, None] for number in (index, other))
        moved = torch.from_numpy(motion.astype(np.float32))[None]
        with torch.inference_mode():
            seen = warp(there, here, moved, matrix, matrix)
            expected = seen.depth
            off = (expected - seen.image).abs() / (expected + seen.image).clamp(min=1e-6)
            if seen.mask.any():
                return [float(off[seen.mask].mean())]
    return []


def epipolar_distance(
    step: Matrix, before: NDArray[np.uint8], now: NDArray[np.uint8], camera: Camera
) -> float | None:
    """Return the median Sampson distance of followed points under a motion [pixels]."""
    followed = followed_points(before, now, camera)
    length = float(np.linalg.norm(step[:3, 3]))
    if followed is None or length < 1e-9:
        return None
    a, b, small, _ = followed
    x, y, z = step[:3, 3] / length
    across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    inverse = np.linalg.inv(small.matrix)
    fundamental = inverse.T @ across @ step[:3, :3] @ inverse
    first, second = (np.column_stack((points, np.ones(len(points)))) for points in (a, b))
    lines, back = first @ fundamental.T, second @ fundamental
    above = np.abs((second * lines).sum(axis=1))
    below = np.sqrt((lines[:, :2] ** 2).sum(axis=1) + (back[:, :2] ** 2).sum(axis=1))
    return float(np.median(above / np.maximum(below, 1e-12)))


def _neighbours(
    sequence: TrainingSequence, index: int, baseline: float
) -> Iterator[tuple[int, Matrix]]:
    here = world_from_camera(sequence, index)
    for direction in (-1, 1):
        other = index + direction
        while here is not None and 0 <= other < len(sequence) and abs(other - index) <= 60:
            there = world_from_camera(sequence, other)
            if there is None:
                break
            motion = np.linalg.inv(there) @ here
            if np.linalg.norm(motion[:3, 3]) >= baseline:
                yield other, motion
                break
            other += direction


def _warped(
    image: NDArray[np.uint8],
    other: NDArray[np.uint8],
    maps: list[Depth],
    motion: Matrix,
    camera: Camera,
) -> tuple[float, float, float] | None:
    """Return the errors of each depth map and of the neighbour as it is, over common pixels."""
    target, source = (_planes(picture, camera) for picture in (image, other))
    matrix = torch.from_numpy(camera.matrix.astype(np.float32))[None]
    moved = torch.from_numpy(motion.astype(np.float32))[None]
    with torch.inference_mode():
        reference = Reference.of(target)
        seen = [
            warp(source, torch.from_numpy(depth)[None, None], moved, matrix, matrix)
            for depth in maps
        ]
        common = seen[0].mask & seen[1].mask
        if not common.any():
            return None
        by_depth, by_one, still = (
            float(photometric_error(picture, reference)[common].mean())
            for picture in (seen[0].image, seen[1].image, source)
        )
    return by_depth, by_one, still


def _planes(image: NDArray[np.uint8], camera: Camera) -> torch.Tensor:
    size = (camera.width, camera.height)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255


def _small_camera(camera: Camera) -> Camera:
    return camera.resized(WIDTH, max(16, round(WIDTH * camera.height / camera.width)))


def _finite(depth: Depth, truth: Depth) -> Depth:
    """Put what has no depth far behind everything."""
    far = 4 * float(np.nanmedian(truth))
    return np.where(np.isfinite(depth), depth, far).astype(np.float32)


def _small(depth: Depth, camera: Camera) -> Depth:
    size = (camera.width, camera.height)
    return np.asarray(1 / cv2.resize(1 / depth, size, interpolation=cv2.INTER_LINEAR), np.float32)
