r"""
How long, how straight and how restless are the steps of the odometry that weights make?

    python experiments/shipped/steps.py WEIGHTS SEQUENCE [SEQUENCE ...]

For each sequence with poses: estimated over true length of each step, the turn about the vertical
axis in sum and as a line through estimated over true turns of each image, and how far the camera
seems to move in each image when one image is shown again and again.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.sequence import Sequence
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.types import Frame

Array = NDArray[np.float64]
RESTS, REST_FRAMES = 3, 5  # places in each sequence, and how often each is shown
FRAME_NS = 100_000_000


def poses(weights: str, frames: Iterable[Frame]) -> Array:
    """Return odom_from_camera of each frame, shape (N, 4, 4)."""
    engine = Engine.load(EngineSettings(weights=weights))
    found = [engine.process(frame, depth=False).odom_from_camera for frame in frames]
    return np.stack([np.eye(4) if pose is None else pose for pose in found])


def steps(world_from_camera: Array) -> Array:
    """Return the motion from each frame to the next, in the camera's frame."""
    pairs = itertools.pairwise(world_from_camera)
    return np.stack([np.linalg.inv(before) @ after for before, after in pairs])


def yaw_deg(motions: Array) -> Array:
    """Return turns about the vertical axis, shape (N,)."""
    return np.asarray(np.degrees(np.arctan2(motions[:, 0, 2], motions[:, 2, 2])))


def rest_m(weights: str, sequence: Sequence) -> list[float]:
    """Return how far each of some images moves in one frame when it is shown again and again."""
    drifts = []
    for number in range(1, RESTS + 1):
        shown = sequence.frame(number * len(sequence) // (RESTS + 1))
        stamps = (shown.stamp_ns + k * FRAME_NS for k in range(REST_FRAMES))
        still = (Frame(stamp, shown.frame_id, shown.image, shown.camera) for stamp in stamps)
        end = poses(weights, still)[-1]
        drifts.append(float(np.linalg.norm(end[:3, 3])) / (REST_FRAMES - 1))
    return drifts


def main(weights: str, names: Iterable[str]) -> None:
    """Print the figures of each sequence."""
    for name in names:
        sequence = Sequence(name)
        if sequence.trajectory is None:
            print(f'{name} has no poses: left out')
            continue
        made, true = steps(poses(weights, sequence)), steps(sequence.trajectory.world_from_camera)
        lengths, true_lengths = (np.linalg.norm(x[:, :3, 3], axis=1) for x in (made, true))
        known = (lengths > 0) & (true_lengths > 0)
        shares = np.percentile(lengths[known] / true_lengths[known], (5, 25, 50, 75, 95))
        turns, true_turns = yaw_deg(made[known]), yaw_deg(true[known])
        slope, bias = np.polyfit(true_turns, turns, 1)
        print(
            f'{sequence.name}: {known.sum()} steps, {np.median(true_lengths):.2f} m in the median'
        )
        print('  estimated / true length, 5 to 95 %: ' + '  '.join(f'{s:.2f}' for s in shares))
        print(f'  turned {turns.sum():.1f} instead of {true_turns.sum():.1f} degrees;', end=' ')
        print(f'{slope:.2f} of each turn, and {bias:+.3f} degrees in each image')
        print('  at rest [mm in each image]: ', end='')
        print('  '.join(f'{1e3 * drift:.0f}' for drift in rest_m(weights, sequence)))


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
