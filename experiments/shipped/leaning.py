r"""
Where is estimated depth too near or too far?

python experiments/shipped/leaning.py SEQUENCE WEIGHTS [GAMMA]

Estimated by true depth, each image scaled by its medians: by distance, there also in the left
quarter of the images, the middle half and the right quarter; and by height in the image, with the
range of four of five pixels. GAMMA below 1 makes images brighter.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
from deviations import DISTANCES_M, Array, abs_rel, log_depth
from numpy.typing import NDArray

from lsd_ros.datasets.sequence import Sequence
from lsd_ros.evaluation.depth import Crop, known_pixels

FARTHEST_M = 80.0
QUARTERS = ((0.0, 0.25), (0.25, 0.75), (0.75, 1.0))  # of the width
HEIGHTS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0)  # from the top


def ratios(truths: NDArray[np.float32], estimated: Array, crop: Crop) -> tuple[Array, ...]:
    """Return estimated by true depth, true depth [m], and column and row in 0 .. 1, of pixels."""
    found: list[tuple[Array, ...]] = []
    for truth, mine in zip(truths, estimated, strict=True):
        known = known_pixels(truth, min_depth_m=1e-3, max_depth_m=FARTHEST_M, crop=crop)
        rows, columns = np.nonzero(known)
        height, width = truth.shape
        scale = np.median(truth[known]) / np.median(mine[known])
        ratio = scale * mine[known] / truth[known]
        found.append((ratio, truth[known], columns / width, rows / height))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def main(path: Path, weights: str, gamma: float) -> None:
    """Print the figures."""
    sequence = Sequence(path)
    logs = log_depth(sequence, weights, gamma)
    truths = np.stack([sequence.depth(index) for index in sequence.depth_indices])
    print(f'abs_rel {abs_rel(logs, truths):.3f}')
    estimated = np.exp(logs)
    ratio, truth, across, _ = ratios(truths, estimated, 'garg')
    for near, far in itertools.pairwise(DISTANCES_M):
        here = (truth >= near) & (truth < far)
        sides = [np.median(ratio[here & (across >= a) & (across < b)]) for a, b in QUARTERS]
        told = ', '.join(f'{side:.2f}' for side in sides)
        print(f'{near} to {far} m: {np.median(ratio[here]):.2f}; left, middle, right {told}')
    ratio, _, _, down = ratios(truths, estimated, 'none')
    for top, bottom in itertools.pairwise(HEIGHTS):
        here = (down >= top) & (down < bottom)
        if here.any():
            low, middle, high = np.quantile(ratio[here], (0.1, 0.5, 0.9))
            print(f'{top} to {bottom} of the height: {middle:.2f}, from {low:.2f} to {high:.2f}')


if __name__ == '__main__':
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 1.0)
