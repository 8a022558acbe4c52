"""The camera of a drive whose camera is known."""

from __future__ import annotations

import numpy as np
import pytest

from lsd_ros.errors import DatasetError
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.triangulation.self_calibration import calibrate
from lsd_ros.triangulation.triangulation_settings import StructureSettings
from lsd_ros.types import Camera

pytest.importorskip('pycolmap')
CAMERA = Camera(320, 160, 200.0, 200.0, 159.5, 79.5)
FEW = StructureSettings(threads=1, min_images=6, features=700)


def test_the_focal_length_is_found_and_how_sure_it_is():
    drive = SyntheticDrive('room', 3, CAMERA, 24, start_s=2.5)
    found = calibrate([sample.frame.image for sample in drive], FEW)
    assert found.camera.fx == found.camera.fy == pytest.approx(200, rel=0.05)
    assert (found.camera.cx, found.camera.cy) == (159.5, 79.5)
    assert abs(found.camera.distortion.coefficients[0]) < 0.1
    assert found.deviation < 0.1
    assert found.images >= 20


def test_images_that_do_not_hang_together_have_no_camera():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(28)]
    with pytest.raises(DatasetError, match='do not hang together well enough.*give --camera'):
        calibrate(noise, FEW)
