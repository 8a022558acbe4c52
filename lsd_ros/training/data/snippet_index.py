"""Which three frames make a snippet: far enough apart to see depth, and never across a gap."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.parallax import motion_between
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.types import Camera

SHORTEST = 3
FLOW_WIDTH = 208
FLOW_SAMPLES = 12
FLOW_PERCENTILE = 75  # that of what is near; the median of a road is far away
PARALLAX_EVERY = 3  # frames; what is between two of them has the gap of the first

_log = logging.getLogger(__name__)
ReadImage = Callable[[int], NDArray[np.uint8]]


class Place(NamedTuple):
    """
    Where a snippet is.

    :param sequence: number of the sequence
    :param middle: index of the frame in the middle
    :param before: how many frames the first one is before it
    :param after: how many frames the last one is after it
    :param beside: number of the sequence that shows the same moments from the other camera of a
        stereo pair, and is seen in the place of the neighbours; None: the neighbours are seen
    """

    sequence: int
    middle: int
    before: int
    after: int
    beside: int | None = None

    @property
    def frames(self) -> tuple[int, int, int]:
        """Return the indices of the frames, in the order of time."""
        return self.middle - self.before, self.middle, self.middle + self.after


def single_images(sequences: Sequence[TrainingSequence]) -> list[Place]:
    """List every image, or every one that a split chooses, without neighbours."""
    return [
        Place(number, index, 0, 0)
        for number, sequence in enumerate(sequences)
        for index in sequence.targets or range(len(sequence))
    ]


def places(
    sequences: Sequence[TrainingSequence],
    gaps: Sequence[int | NDArray[np.int64]],
    max_step_s: float,
) -> list[Place]:
    """
    List every snippet.

    :param gaps: of each sequence, or of each of its frames, 0 where no neighbour shows depth
    :param max_step_s: consecutive frames further apart than this belong to no common snippet
    :raises DatasetError: a sequence is shorter than a snippet, or there is no snippet at all
    """
    found: list[Place] = []
    for number, (sequence, gap) in enumerate(zip(sequences, gaps, strict=True)):
        if len(sequence) < SHORTEST:
            raise DatasetError(
                f'{sequence.name} has {len(sequence)} frames: a snippet needs {SHORTEST}; leave '
                'this sequence out'
            )
        spread = np.broadcast_to(np.asarray(gap, np.int64), len(sequence))
        middles = _middles(sequence, spread, max_step_s)
        if not middles and not spread.any():
            _log.warning(
                '%s shows less parallax than data.parallax_px asks for within data.max_gap '
                'frames: lower the one, or raise the other',
                sequence.name,
            )
        elif not middles:
            _log.warning(
                '%s gives no snippet of three frames with a gap of %d', sequence.name, spread.max()
            )
        found += [
            Place(number, index, int(spread[index]), int(spread[index])) for index in middles
        ]
    if not found:
        raise DatasetError(
            f'{len(sequences)} sequences give no snippet: their frames are too few, further '
            f'apart than max_step_s, which is {max_step_s}, or show less parallax than '
            'data.parallax_px asks for'
        )
    return found


def _middles(sequence: TrainingSequence, gaps: NDArray[np.int64], max_step_s: float) -> list[int]:
    too_far = np.diff(sequence.stamps_ns) > max_step_s * 1e9
    gaps_before = np.concatenate(([0], np.cumsum(too_far)))
    count = len(sequence)
    middles = np.arange(count)
    middles = middles[(gaps > 0) & (middles >= gaps) & (middles + gaps < count)]
    chosen_gaps = gaps[middles]
    whole = gaps_before[middles + chosen_gaps] == gaps_before[middles - chosen_gaps]
    chosen: set[int] | None = None if sequence.targets is None else set(sequence.targets)
    return [i for i in middles[whole].tolist() if chosen is None or i in chosen]


def reachable(sequence: TrainingSequence, start: int, end: int, max_step_s: float) -> bool:
    """Say whether two frames are in a sequence, with no gap in time between them."""
    if not 0 <= start <= end < len(sequence):
        return False
    steps = np.diff(sequence.stamps_ns[start : end + 1])
    return bool((steps <= max_step_s * 1e9).all())


def gap_by_motion(count: int, image: ReadImage, min_flow: float, max_gap: int) -> int:
    """
    Choose the gap at which images move far enough to see depth by.

    :param count: number of frames
    :param image: reads a frame
    :param min_flow: wanted motion, as a share of the image width
    :param max_gap: largest gap
    :return: 1 .. max_gap
    """
    max_gap = min(max_gap, (count - 1) // 2)
    starts = np.unique(np.linspace(0, count - 2, FLOW_SAMPLES).astype(int)).tolist()
    flow = float(np.median([_flow(image(start), image(start + 1)) for start in starts]))
    return max(1, min(max_gap, round(min_flow / max(flow, 1e-6))))


def gaps_by_parallax(
    count: int, image: ReadImage, camera: Camera, parallax_px: float, max_gap: int
) -> NDArray[np.int64]:
    """
    Choose for each frame the gap at which the place shows depth, whatever the camera turns.

    :param count: number of frames
    :param image: reads a frame
    :param camera: of these images, without distortion
    :param parallax_px: wanted parallax without the turn, at 416 pixels width
    :param max_gap: largest gap
    :return: 1 .. max_gap for each frame, 0 where even the largest shows less, shape (count,)
    """
    gaps, gap = np.zeros(count, np.int64), 1
    for start in range(0, count, PARALLAX_EVERY):
        # the speed of a moment ago is where to look first
        gap = _gap_of(start, max(gap, 1), count, image, camera, parallax_px, max_gap)
        gaps[start : start + PARALLAX_EVERY] = gap
    return gaps


def _gap_of(
    start: int,
    guess: int,
    count: int,
    image: ReadImage,
    camera: Camera,
    parallax_px: float,
    max_gap: int,
) -> int:
    """Return the smallest gap that shows enough parallax from a frame on; 0: there is none."""

    def shows(gap: int) -> bool:
        other = start + gap if start + gap < count else start - gap
        if not 0 <= other < count:
            return False
        motion = motion_between(image(start), image(other), camera)
        return motion is not None and motion.parallax_px >= parallax_px

    if shows(guess):
        while guess > 1 and shows(guess - 1):
            guess -= 1
        return guess
    larger = (gap for gap in range(guess + 1, max_gap + 1) if shows(gap))
    return next(larger, 0)


def _flow(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return how far what is near moves by the optical flow, as a share of the width."""
    height = max(16, round(FLOW_WIDTH * first.shape[0] / first.shape[1]))
    small = [
        cv2.cvtColor(
            cv2.resize(image, (FLOW_WIDTH, height), interpolation=cv2.INTER_AREA),
            cv2.COLOR_RGB2GRAY,
        )
        for image in (first, second)
    ]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = search.calc(small[0], small[1], np.zeros((height, FLOW_WIDTH, 2), np.float32))
    lengths = np.linalg.norm(flow, axis=2)
    return float(np.percentile(lengths, FLOW_PERCENTILE)) / FLOW_WIDTH
