r"""
How much of what differs from image to image in estimated depth does so in true depth?

python experiments/shipped/deviations.py SEQUENCE WEIGHTS [WEIGHTS ...]

Of several weights the mean of the logarithms of depth is judged. AbsRel is median scaled; the mean
map is that of the logarithms. The bound is the mean of the true maps of the other images.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.sequence import Sequence
from lsd_ros.evaluation.depth import depth_errors, known_pixels
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.training.data.augmentation import Colours

Array = NDArray[np.float64]
DISTANCES_M = (0, 10, 15, 20, 30, 40, 60, 80)
BLUR = 3.0  # of sparse true maps [pixels]


def log_depth(sequence: Sequence, weights: str, gamma: float = 1.0) -> Array:
    """Return the logarithm of estimated depth of every image with a true one, (N, H, W)."""
    light = Colours(np.eye(3), gamma=gamma)
    engine = Engine.load(EngineSettings(weights=weights, backend='torch'))
    maps = []
    for index in sequence.depth_indices:
        frame = sequence.frame(index)
        frame = dataclasses.replace(frame, image=light.apply(frame.image, 0.0))
        depth = np.asarray(engine.process(frame, motion=False).depth)
        height, width = sequence.depth(index).shape
        maps.append(cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST))
    return np.log(np.stack(maps).astype(np.float64))


def abs_rel(estimated: Array, truth: NDArray[np.float32]) -> float:
    """Return the mean of the median-scaled errors of all images; estimated are logarithms."""
    errors = [
        depth_errors(np.exp(mine), true, median_scaling=True, crop='garg')
        for mine, true in zip(estimated, truth, strict=True)
    ]
    return float(np.mean([error.abs_rel for error in errors]))


def mean_of_others(true: Array, known: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the mean true map of the other images for each one, and that of all."""
    sums, counts = (
        np.stack([cv2.GaussianBlur(m, (0, 0), BLUR) for m in maps])
        for maps in (true, known.astype(np.float64))
    )
    others = (sums.sum(0) - sums) / np.maximum(counts.sum(0) - counts, 1e-6)
    return others, sums.sum(0) / np.maximum(counts.sum(0), 1e-6)


def main(path: Path, weights: list[str]) -> None:
    """Print the figures."""
    sequence = Sequence(path)
    truth = np.stack([sequence.depth(index) for index in sequence.depth_indices])
    known = np.stack(
        [known_pixels(t, min_depth_m=1e-3, max_depth_m=80.0, crop='garg') for t in truth]
    )
    true = np.where(known, np.log(np.where(known, truth, 1.0)), 0.0)
    estimated = np.mean([log_depth(sequence, one) for one in weights], axis=0)
    mean = np.broadcast_to(estimated.mean(0), estimated.shape)
    others, everywhere = mean_of_others(true, known)
    print(f'network {abs_rel(estimated, truth):.3f}')
    print(f'its mean map {abs_rel(mean, truth):.3f}')
    print(f'half of the difference {abs_rel((estimated + mean) / 2, truth):.3f}')
    print(f'mean of the other true maps {abs_rel(others, truth):.3f}')
    for near, far in itertools.pairwise(DISTANCES_M):
        here = known & (truth >= near) & (truth < far)
        mine, theirs = (estimated - mean)[here], (true - everywhere)[here]
        slope = (mine * theirs).sum() / (mine**2).sum()
        print(f'{near} to {far} m: r {np.corrcoef(mine, theirs)[0, 1]:.2f}, right {slope:.2f}')


if __name__ == '__main__':
    main(Path(sys.argv[1]), sys.argv[2:])
