"""Planes that can be no ground."""

from __future__ import annotations

import math

import numpy as np

from lsd_ros.inference.scale.ground import GroundFinder, NoGround
from lsd_ros.types import Camera

CAMERA = Camera(96, 72, 90.0, 90.0, 47.5, 35.5)


def test_pixels_on_one_line_of_the_image_are_no_ground_for_a_camera_that_looks_up() -> None:
    """One or two rows are below the horizon: three pixels of a row lie on a plane through it."""
    rng = np.random.default_rng(0)
    seen = set()
    for pitch in np.radians(np.linspace(12, 13, 100)):
        up = np.array([0.0, -math.cos(pitch), math.sin(pitch)])
        noise = 1 + 0.01 * rng.standard_normal((72, 96)).astype(np.float32)
        found = GroundFinder().find(np.float32(0.5) * noise, CAMERA, up)
        assert isinstance(found, NoGround)
        seen.add(found.reason)
    assert len(seen) > 1, 'some look over it, some see a row of it'
