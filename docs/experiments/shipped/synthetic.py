r"""
Draws the synthetic sequences that the weights of the package learned from, too.

python docs/experiments/shipped/synthetic.py SYNTH
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lsd_ros.datasets.synthetic import SyntheticDrive
from lsd_ros.datasets.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

KITTI = Camera(640, 192, 371.0, 371.0, 319.5, 95.5)  # as wide as KITTI's cameras see
SEVEN_SCENES = Camera(320, 240, 262.5, 262.5, 159.5, 119.5)
RATE_HZ = 10.0
STRAIGHT, BEND, INDOORS = 80, 70, 60  # frames


def main(out: Path) -> None:
    """Draw what is not there yet."""
    for seed in range(10, 22):
        drive = SyntheticDrive(
            'street', seed, KITTI, STRAIGHT, RATE_HZ, start_s=2.5, moving=seed % 2 == 1
        )
        _write(out / f'street{seed}', drive)
    for seed in range(30, 36):
        _write(out / f'bend{seed}', _bend(seed))
    for kind in ('room', 'corridor'):
        for seed in range(10, 14):
            drive = SyntheticDrive(kind, seed, SEVEN_SCENES, INDOORS, RATE_HZ, start_s=2.5)
            _write(out / f'{kind}{seed}', drive)


def _bend(seed: int) -> SyntheticDrive:
    """Return a drive around the sharpest corner."""
    path = SyntheticDrive('street', seed, KITTI, BEND, RATE_HZ).world.path

    def turned(start_s: float) -> float:
        headings = [path.on_ground(start_s + k / RATE_HZ)[2] for k in range(BEND)]
        return float(np.abs(np.diff(np.unwrap(headings))).sum())

    start_s = float(max(np.arange(0, path.period_s, 1.0), key=turned))
    return SyntheticDrive('street', seed, KITTI, BEND, RATE_HZ, start_s=start_s)


def _write(path: Path, drive: SyntheticDrive) -> None:
    if not path.exists():
        write_sequence(path, drive)
        print(path, flush=True)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
