"""
The labelled images of NYU Depth v2 as sequences, by the official split.

    python experiments/shipped/nyu.py FOLDER OUT

FOLDER has ``nyu_images/0.jpg`` to ``1448.jpg``, ``nyu_depths/0.png`` and so on (8 bit, 10 m / 255
a step), both in the order of the labelled file of the dataset (Silberman et al., ECCV 2012), and
``splits.mat``, which says which are for training. Such a copy is in markshih91/refinenet_pytorch
on GitHub (data), the split in ankurhanda/nyuv2-meta-data.

OUT gets ``nyu_fit``, the first 735 images for training; ``nyu_val``, the other 60, which choose
the best checkpoint; ``nyu_test``, every fourth of the 654 that nothing learns from.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from scipy.io import loadmat

from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.types import Camera, Frame

FIT = 735
LEFT, RIGHT, TOP, BOTTOM = 12, 628, 9, 471  # inside of the white rim of the undistorted images
EIGEN = slice(45, 471), slice(41, 601)  # where depth is sure (Eigen et al., NIPS 2014)
STEP_M = 10 / 255
KNOWN = 253  # a larger value is beyond the range
CAMERA = Camera(640, 480, 518.857901, 519.469611, 325.582449, 253.736166)  # of the NYU toolbox
SIZE = 360, 270
MANIFEST = {
    'origin': 'NYU Depth v2, labelled images (Silberman, Hoiem, Kohli, Fergus, ECCV 2012)',
    'licence': 'none stated; published for research',
}


def main(folder: Path, out: Path) -> None:
    """Write the three sequences."""
    split = loadmat(folder / 'splits.mat')
    train, test = (
        sorted(int(number) - 1 for number in split[name].ravel())
        for name in ('trainNdxs', 'testNdxs')
    )
    for name, numbers in (
        ('nyu_fit', train[:FIT]),
        ('nyu_val', train[FIT:]),
        ('nyu_test', test[::4]),
    ):
        write(folder, out / name, numbers)


def write(folder: Path, path: Path, numbers: list[int]) -> None:
    """Write some images as one sequence, a second apart."""
    camera = CAMERA.cropped(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP).resized(*SIZE)
    with SequenceWriter(path, camera, manifest=MANIFEST) as writer:
        for number in numbers:
            bgr = cv2.imread(str(folder / 'nyu_images' / f'{number}.jpg'))
            image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            value = cv2.imread(str(folder / 'nyu_depths' / f'{number}.png'), cv2.IMREAD_UNCHANGED)
            depth = np.zeros(value.shape, np.float32)
            depth[EIGEN] = np.where(value <= KNOWN, (value + 0.5) * STEP_M, 0)[EIGEN]
            part = np.s_[TOP:BOTTOM, LEFT:RIGHT]
            writer.add(
                Frame(
                    number * 1_000_000_000 + 1,
                    'camera',
                    cv2.resize(image[part], SIZE, interpolation=cv2.INTER_AREA),
                ),
                depth=cv2.resize(depth[part], SIZE, interpolation=cv2.INTER_NEAREST),
            )


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]))
