from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.geometry.rectification import Rectifier
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion

Points = NDArray[np.float64]
# In metres before the camera, spread over its view.
POINTS = np.array([[-1.0, -0.6, 3], [0.9, -0.5, 3], [0.1, 0.05, 2], [-0.8, 0.7, 3], [1.0, 0.6, 3]])
TURN = cv2.Rodrigues(np.array([0.02, -0.03, 0.05]))[0]


def brown(x: float, y: float, k: tuple[float, ...]) -> tuple[float, float]:
    """Bend as in the OpenCV documentation: radial numerator, denominator, and tangential."""
    k1, k2, p1, p2, k3, k4, k5, k6 = (*k, 0.0, 0.0, 0.0, 0.0)[:8]
    r2 = x * x + y * y
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    return (
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
    )


def kannala(x: float, y: float, k: tuple[float, ...]) -> tuple[float, float]:
    """Bend as Kannala and Brandt: a polynomial of the angle instead of its tangent."""
    r = math.hypot(x, y)
    theta = math.atan(r)
    bent = theta * (1 + sum(c * theta ** (2 * i + 2) for i, c in enumerate(k)))
    return x * bent / r, y * bent / r


Bend = Callable[[float, float, tuple[float, ...]], tuple[float, float]]
LENSES: dict[str, tuple[Bend, tuple[float, ...]]] = {
    'plumb_bob': (brown, (-0.3, 0.1, 0.002, -0.003, -0.01)),
    'rational_polynomial': (brown, (0.4, 0.05, 0.001, -0.001, 0.01, 0.7, 0.1, 0.02)),
    'equidistant': (kannala, (0.05, -0.02, 0.01, -0.003)),
}


def camera(model: str, rotation: Any = IDENTITY_ROTATION) -> Camera:
    lens = Distortion(
        model, LENSES[model][1], tuple(np.ravel(rotation).tolist()), (250.0, 260.0, 165.0, 118.0)
    )
    return Camera(320, 240, 270.0, 275.0, 158.0, 121.0, lens)


def blob(shape: tuple[int, int], u: float, v: float) -> NDArray[np.uint8]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 2.5**2))).round().astype(np.uint8)


def centre(image: NDArray[np.uint8]) -> tuple[float, float]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    weight = image.astype(np.float64) / image.sum(dtype=np.float64)
    return float((x * weight).sum()), float((y * weight).sum())


@pytest.mark.parametrize('rotation', [np.eye(3), TURN], ids=['straight', 'turned'])
@pytest.mark.parametrize('model', LENSES)
@pytest.mark.parametrize('point', POINTS)
def test_a_point_is_found_at_its_pinhole_projection(
    model: str, rotation: NDArray[np.float64], point: Points
) -> None:
    distorted = camera(model, rotation)
    bend, coefficients = LENSES[model]
    x, y = bend(point[0] / point[2], point[1] / point[2], coefficients)
    u, v = distorted.fx * x + distorted.cx, distorted.fy * y + distorted.cy
    rectifier = Rectifier(distorted)
    found = centre(rectifier.rectify(blob((240, 320), u, v)))
    projected = rectifier.camera.matrix @ (rotation @ point)
    np.testing.assert_allclose(found, projected[:2] / projected[2], atol=0.15)


def test_the_rectified_camera_is_the_twin_of_the_same_size() -> None:
    assert Rectifier(camera('plumb_bob')).camera == Camera(320, 240, 250.0, 260.0, 165.0, 118.0)


def test_valid_is_where_a_white_image_stays_white() -> None:
    rectifier = Rectifier(camera('plumb_bob'))
    white = rectifier.rectify(np.full((240, 320, 3), 255, np.uint8))
    assert white.shape == (240, 320, 3)
    np.testing.assert_array_equal(rectifier.valid, (white == 255).all(axis=2))
    assert 0 < np.count_nonzero(~rectifier.valid) < rectifier.valid.size / 4


def test_a_rectified_camera_needs_no_rectifier() -> None:
    rectified = dataclasses.replace(camera('plumb_bob'), distortion=None)
    with pytest.raises(CameraError, match='no distortion: its image is rectified already'):
        Rectifier(rectified)


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(FrameError, match='image of 20 x 10 does not fit the camera of 320 x 240'):
        Rectifier(camera('plumb_bob')).rectify(np.zeros((10, 20, 3), np.uint8))
