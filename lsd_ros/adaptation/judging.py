"""What weights are worth on images that were held out: without true depth, by geometry alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lsd_ros.datasets.training_sequence import TrainingSequence, world_from_camera
from lsd_ros.errors import DatasetError, FrameError
from lsd_ros.evaluation.depth import depth_errors
from lsd_ros.geometry.warp import warp
from lsd_ros.inference.engine import Engine
from lsd_ros.training.photometric import Reference, photometric_error
from lsd_ros.triangulation.parallax import WIDTH
from lsd_ros.types import Camera, Frame

FRAME_ID = 'camera'
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
    turn_deg: float | None
    length: float | None
    direction: float | None


@dataclass(frozen=True)
class Seen:
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
) -> tuple[HeldOut, list[Seen]]:
    """
    Look at the targets of sequences with poses and triangulated depth.

    :param parallax_px: how far neighbours shall be apart, at 416 pixels width
    :param advance: called for each image
    :return: the figures, and some images with their depth
    :raises DatasetError: nothing can be judged
    :raises LsdError: an image cannot be read, or the engine fails
    """
    depth_rows, photo_rows, motion_rows, seen = [], [], [], list[Seen]()
    for sequence in sequences:
        engine.reset_odometry()
        targets = sequence.targets or range(len(sequence))
        shown = set(np.linspace(0, len(targets) - 1, PICTURES).round().astype(int).tolist())
        last: int | None = None
        for place, index in enumerate(targets):
            image = sequence.image(index)
            stamp_ns = int(sequence.stamps_ns[index])
            estimate = engine.process(Frame(stamp_ns, FRAME_ID, image, sequence.camera))
            advance()
            if estimate.motion is not None and last is not None:
                step = np.asarray(np.linalg.inv(estimate.motion.current_from_previous), np.float64)
                moved = _motion_errors(step, sequence, last, index)
                motion_rows += [moved] if moved is not None else []
            last = index
            truth = sequence.depth(index)
            if truth is None or estimate.depth is None or not np.isfinite(truth).any():
                continue
            try:
                row, scale = _depth_errors(estimate.depth, truth)
            except FrameError:
                continue
            depth_rows.append(row)
            scaled = estimate.depth * np.float32(scale)
            photo_rows += _photometric(sequence, index, image, scaled, truth, parallax_px)
            if place in shown:
                seen.append(Seen(image, scaled, truth))
    if not depth_rows or not photo_rows:
        raise DatasetError(
            'what was held out shows no depth to measure by: record a longer drive with more '
            'motion to the side'
        )
    return _summary(depth_rows, photo_rows, motion_rows), seen


def _summary(
    depth_rows: list[tuple[float, float, float]],
    photo_rows: list[tuple[float, float, float]],
    motion_rows: list[tuple[float, float, float]],
) -> HeldOut:
    abs_rel, a1, unscaled = np.mean(depth_rows, axis=0)
    photometric, one_depth, still = np.mean(photo_rows, axis=0)
    turn = length = direction = None
    if motion_rows:
        turn, length, direction = (float(value) for value in np.nanmedian(motion_rows, axis=0))
    return HeldOut(
        len(depth_rows),
        float(abs_rel),
        float(a1),
        float(unscaled),
        float(photometric),
        float(one_depth),
        float(still),
        turn,
        length,
        direction,
    )


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
    camera = sequence.camera.resized(
        WIDTH, max(16, round(WIDTH * sequence.camera.height / sequence.camera.width))
    )
    baseline = parallax_px * middle / camera.fx
    finite = np.where(np.isfinite(depth), depth, 4 * middle).astype(np.float32)
    maps = [_small(finite, camera), np.full((camera.height, camera.width), middle, np.float32)]
    rows = []
    for other, motion in _neighbours(sequence, index, baseline):
        errors = _warped(image, sequence.image(other), maps, motion, camera)
        if errors is not None:
            rows.append(errors)
    return rows


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


def _small(depth: Depth, camera: Camera) -> Depth:
    size = (camera.width, camera.height)
    return np.asarray(1 / cv2.resize(1 / depth, size, interpolation=cv2.INTER_LINEAR), np.float32)
