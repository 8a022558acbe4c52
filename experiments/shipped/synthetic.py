r"""
Draws the synthetic sequences that the weights of the package learned from, too.

python experiments/shipped/synthetic.py SYNTH

The weights saw roads 0 to 23 as commit cff7f28 draws them, 60 to 95 as 667a460 does, and the rest
as they are drawn here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from lsd_ros.datasets.sequence_writer import MAX_DEPTH_VALUE
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

KITTI = Camera(640, 192, 371.0, 371.0, 319.5, 95.5)  # as wide as KITTI's cameras see
SEVEN_SCENES = Camera(320, 240, 262.5, 262.5, 159.5, 119.5)
RATE_HZ = 10.0
WHITE = 252.0
BUSY = 60  # roads from this seed on always have a car, a van or a lorry ahead
STRAIGHT, BEND, INDOORS, SPARSE, FEW = 80, 70, 60, 48, 24  # frames
SPARSE_HZ = 1.25  # no motion is learned from these: every image shows another place


def main(out: Path) -> None:
    """Draw what is not there yet."""
    for seed in range(10, 22):
        drive = SyntheticDrive(
            'street', seed, KITTI, STRAIGHT, RATE_HZ, start_s=2.5, moving=seed % 2 == 1
        )
        _write(out / f'street{seed}', drive, overexposed=seed % 2 == 0)
    for seed in range(30, 36):
        _write(out / f'bend{seed}', _bend(seed), overexposed=seed % 2 == 0)
    for kind, seeds in (
        ('road', range(24)),
        ('street', range(40, 52)),
        ('road', range(60, 96)),
        ('road', range(100, 148)),
    ):
        for seed in seeds:
            moving = seed % 2 == 1 or seed >= BUSY
            drive = SyntheticDrive(kind, seed, KITTI, SPARSE, SPARSE_HZ, moving=moving)
            _write(out / f'{kind}{seed}', drive, overexposed=seed % 4 < 2)
    for kind in ('room', 'corridor'):
        for seed in range(10, 14):
            drive = SyntheticDrive(kind, seed, SEVEN_SCENES, INDOORS, RATE_HZ, start_s=2.5)
            _write(out / f'{kind}{seed}', drive)
        for seed in range(40, 60):
            drive = SyntheticDrive(kind, seed, SEVEN_SCENES, FEW, SPARSE_HZ)
            _write(out / f'{kind}{seed}', drive)


def _bend(seed: int) -> SyntheticDrive:
    """Return a drive around the sharpest corner."""
    path = SyntheticDrive('street', seed, KITTI, BEND, RATE_HZ).world.path

    def turned(start_s: float) -> float:
        headings = [path.on_ground(start_s + k / RATE_HZ)[2] for k in range(BEND)]
        return float(np.abs(np.diff(np.unwrap(headings))).sum())

    start_s = float(max(np.arange(0, path.period_s, 1.0), key=turned))
    return SyntheticDrive('street', seed, KITTI, BEND, RATE_HZ, start_s=start_s)


def _write(path: Path, drive: SyntheticDrive, *, overexposed: bool = False) -> None:
    if path.exists():
        return
    write_sequence(path, drive)
    if overexposed:
        for depth in sorted((path / 'depth').iterdir()):
            _overexpose(path / 'images' / f'{depth.stem}.jpg', depth)
    print(path, flush=True)


def _overexpose(image: Path, depth: Path) -> None:
    """Make the sky white: real cameras see few skies that are not."""
    sky = (cv2.imread(str(depth), cv2.IMREAD_UNCHANGED) == MAX_DEPTH_VALUE).astype(np.float32)
    soft = cv2.GaussianBlur(sky, (0, 0), 0.7)[..., None]
    picture = cv2.imread(str(image)) * (1 - soft) + WHITE * soft
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    cv2.imwrite(str(image), picture.clip(0, 255).astype(np.uint8), quality)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
