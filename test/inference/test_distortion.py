"""Which camera an image has, by what the camera info says and the parameter asks for."""

from __future__ import annotations

import numpy as np
import pytest

from lsd_ros.inference.distortion import DistortionPolicy
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion, Frame

IMAGE = np.zeros((48, 64, 3), np.uint8)
P = (40.0, 41.0, 31.0, 23.0)
K = Camera(64, 48, 50.0, 52.0, 30.0, 25.0)


@pytest.mark.parametrize('choice', ['refuse', 'undistort'])
def test_an_image_without_distortion_is_that_of_k(choice: str) -> None:
    camera = Camera(64, 48, 50.0, 52.0, 30.0, 25.0, rectified=P)
    made = DistortionPolicy(choice).apply(Frame(1, 'eye', IMAGE, camera))
    assert made.camera == K
    assert made.image is IMAGE


def test_a_rectified_image_is_that_of_p_with_and_without_distortion() -> None:
    lens = Distortion('plumb_bob', (0.1, 0, 0, 0, 0), IDENTITY_ROTATION, P)
    for camera in (
        Camera(64, 48, 50.0, 52.0, 30.0, 25.0, rectified=P),
        Camera(64, 48, 50.0, 52.0, 30.0, 25.0, lens),
    ):
        made = DistortionPolicy('rectified').apply(Frame(1, 'eye', IMAGE, camera))
        assert made.camera == Camera(64, 48, *P)
        assert made.image is IMAGE


def test_a_rectified_image_whose_p_is_k_stays_that_of_k() -> None:
    assert DistortionPolicy('rectified').apply(Frame(1, 'eye', IMAGE, K)).camera == K


@pytest.mark.parametrize('count', [4, 5, 8, 12, 14])
def test_plumb_bob_is_undistorted_with_as_many_coefficients_as_it_has(count: int) -> None:
    d = (0.05, 0.01, 0.001, 0.001, 0.01, 0.02, 0.01, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)[:count]
    lens = Distortion('plumb_bob', d, IDENTITY_ROTATION, P)
    camera = Camera(64, 48, 50.0, 52.0, 30.0, 25.0, lens)
    made = DistortionPolicy('undistort').apply(Frame(1, 'eye', IMAGE, camera))
    assert made.camera == Camera(64, 48, *P)
