r"""
How right the motions are that structure from motion finds, on a sequence with true poses.

python experiments/motions.py SEQUENCE FIRST_IMAGES [STEP]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.evaluation.trajectory import absolute_error_m
from lsd_ros.triangulation.structure_from_motion import reconstruct
from lsd_ros.triangulation.triangulation_settings import StructureSettings
from lsd_ros.types import Trajectory


def main(path: Path, count: int, step: int = 1) -> None:
    """Print the errors of the largest part that hangs together."""
    sequence = FolderSequence(path)
    assert sequence.poses is not None
    indices = range(0, min(count, len(sequence)), step)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        given = StructureSettings(threads=1)
        found = reconstruct(sequence.image, indices, sequence.camera, Path(work), given)[0]
    seconds = (time.monotonic() - began) / len(indices)
    true, own = sequence.poses[found.indices], found.world_from_camera
    stamps = sequence.stamps_ns[found.indices]
    ate = absolute_error_m(Trajectory(stamps, own), Trajectory(stamps, true), 'sim3')
    there = np.linalg.inv(true[:-1]) @ true[1:]
    here = np.linalg.inv(own[:-1]) @ own[1:]
    traces = np.einsum('nij,nij->n', there[:, :3, :3], here[:, :3, :3])
    turns = np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1)))
    way = np.linalg.norm(np.diff(true[:, :3, 3], axis=0), axis=1).sum()
    print(f'{sequence.name}: {len(found.indices)} of {len(indices)} images, {way:.2f} m')
    print(f'turn {np.median(turns):.3f} deg, ATE {ate:.3f} m, {seconds:.2f} s an image')


if __name__ == '__main__':
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
