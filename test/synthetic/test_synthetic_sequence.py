from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsd_ros.datasets.sequence import Sequence
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

CAMERA = Camera(width=96, height=48, fx=60.0, fy=60.0, cx=47.5, cy=23.5)


@pytest.mark.parametrize(('kind', 'unit'), [('room', 0.001), ('street', 0.004)])
def test_a_sequence_holds_what_the_drive_shows(tmp_path: Path, kind: str, unit: float) -> None:
    drive = SyntheticDrive(kind, 2, CAMERA, 3)
    write_sequence(tmp_path / 'drive', drive, suffix='.png')
    read = Sequence(tmp_path / 'drive')
    assert len(read) == 3
    for index, (frame, sample) in enumerate(zip(read, drive, strict=True)):
        assert frame.stamp_ns == sample.frame.stamp_ns
        assert frame.camera == CAMERA
        assert np.array_equal(frame.image, sample.frame.image)
        depth = read.depth(index)
        assert depth is not None
        near = sample.depth < 65535 * unit
        assert depth[near] == pytest.approx(sample.depth[near], abs=0.51 * unit)
        assert depth[~near] == pytest.approx(65535 * unit)
    assert read.trajectory is not None
    assert read.trajectory.world_from_camera == pytest.approx(
        drive.trajectory.world_from_camera, abs=1e-6
    )
