"""Writes a synthetic drive as a training sequence, with true poses and depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lsd_ros.datasets.sequence_writer import MAX_DEPTH_VALUE, SequenceWriter
from lsd_ros.synthetic.drive import SyntheticDrive

INDOORS_UNIT_M = 0.001  # 16 bits reach 65 m
STREET_UNIT_M = 0.004  # 16 bits reach 262 m


def write_sequence(
    path: str | Path,
    drive: SyntheticDrive,
    *,
    suffix: str = '.jpg',
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> None:
    """
    Write images, camera, poses and depth; the sky and what else is beyond 16 bits is as far as
    these reach, which is far enough to learn from, and beyond what is judged.

    :param path: folder to make
    :param suffix: of the images, ``.jpg`` or ``.png``
    :param overwrite: whether what stands at the path is replaced
    :param progress: called with the number of frames written so far
    :raises DatasetError: the sequence cannot be written
    """
    manifest = {
        'origin': f'synthetic {drive.kind}, seed {drive.seed}',
        'licence': 'Apache-2.0',
        'rate_hz': float(drive.rate_hz),
        'moving_objects': drive.moving,
    }
    unit = STREET_UNIT_M if drive.kind == 'street' else INDOORS_UNIT_M
    writer = SequenceWriter(
        path,
        drive.camera,
        manifest=manifest,
        suffix=suffix,
        depth_unit_m=unit,
        overwrite=overwrite,
    )
    with writer:
        for sample in drive:
            depth = np.minimum(sample.depth, np.float32(MAX_DEPTH_VALUE * unit))
            writer.add(sample.frame, world_from_camera=sample.world_from_camera, depth=depth)
            if progress is not None:
                progress(len(writer))
