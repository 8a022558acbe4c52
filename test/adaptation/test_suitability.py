"""Recordings that nothing can be learned from, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.parts import stretches
from lsd_ros.adaptation.suitability import unsuitable
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.types import Camera

CAMERA = Camera(208, 96, 120.0, 120.0, 103.5, 47.5)


@dataclass
class Recording:
    images: list
    name: str = 'drive'
    camera: Camera = CAMERA

    def __len__(self):
        return len(self.images)

    def image(self, index):
        return self.images[index]


@pytest.fixture(scope='module')
def images():
    return [sample.frame.image for sample in SyntheticDrive('street', 2, CAMERA, 36, start_s=2.5)]


def test_a_drive_is_suitable(images):
    assert unsuitable(Recording(images)) == ''


def test_three_seconds_are_too_few(images):
    assert 'drive has only 20 images: record a minute' in unsuitable(Recording(images[:20]))


def test_a_still_camera_is_told_to_drive(images):
    assert 'stands still: drive it' in unsuitable(Recording([images[0]] * 40))


def test_darkness_is_told_to_have_light(images):
    dark = [(image * 0.05).astype(np.uint8) for image in images]
    assert 'is dark, ' in unsuitable(Recording(dark))


def test_turning_on_the_spot_is_told_to_drive_sideways(images):
    def turned(degrees):
        angle = np.radians(degrees)
        c, s = np.cos(angle), np.sin(angle)
        rotation = np.array(((c, 0, s), (0, 1, 0), (-s, 0, c)))
        homography = CAMERA.matrix @ rotation @ np.linalg.inv(CAMERA.matrix)
        size = (CAMERA.width, CAMERA.height)
        return cv2.warpPerspective(images[0], homography, size, borderMode=cv2.BORDER_REFLECT)

    spot = [turned(0.4 * k) for k in range(40)]
    assert 'only turns, by' in unsuitable(Recording(spot))


def test_what_has_nothing_in_common_is_told_to_go_slower():
    rng = np.random.default_rng(0)
    noise = list(rng.integers(0, 256, (40, 96, 208, 3), dtype=np.uint8))
    assert 'record slower' in unsuitable(Recording(noise))


def test_of_a_long_recording_stretches_are_taken_that_are_spread_over_it():
    given = AdaptationSettings(max_images=600, stretch=200)
    assert stretches(500, given) == [range(500)]
    found = stretches(10000, given)
    assert [len(part) for part in found] == [200] * 3
    assert found[0].start == 0
    assert found[-1].stop == 10000
