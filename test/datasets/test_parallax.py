import cv2
import numpy as np
import pytest

from lsd_ros.datasets.parallax import motion_between
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.types import Camera

CAMERA = Camera(416, 128, 250.0, 250.0, 207.5, 63.5)


@pytest.fixture(scope='module')
def frames():
    return [s.frame.image for s in SyntheticDrive('street', 3, CAMERA, 5, start_s=2.5)]


def turned(image, degrees):
    angle = np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array(((c, 0, s), (0, 1, 0), (-s, 0, c)))
    homography = CAMERA.matrix @ rotation @ np.linalg.inv(CAMERA.matrix)
    size = (CAMERA.width, CAMERA.height)
    return cv2.warpPerspective(image, homography, size, borderMode=cv2.BORDER_REFLECT)


def test_a_turn_alone_moves_images_and_shows_no_depth(frames):
    found = motion_between(frames[0], turned(frames[0], 2.0), CAMERA)
    assert found.flow_px == pytest.approx(250 * np.tan(np.radians(2)), rel=0.15)
    assert found.parallax_px < 0.3


def test_a_drive_shows_depth_and_more_the_further_it_goes(frames):
    near, far = (motion_between(frames[0], frames[k], CAMERA) for k in (1, 3))
    assert near.parallax_px > 0.3
    assert far.parallax_px > 1.5 * near.parallax_px


def test_a_turn_does_not_change_how_much_depth_is_shown(frames):
    plain = motion_between(frames[0], frames[2], CAMERA)
    turning = motion_between(frames[0], turned(frames[2], 1.5), CAMERA)
    assert turning.flow_px > plain.flow_px + 1
    assert turning.parallax_px == pytest.approx(plain.parallax_px, abs=0.8)


def test_a_still_camera_shows_nothing_and_darkness_says_nothing(frames):
    assert motion_between(frames[0], frames[0], CAMERA).flow_px < 0.05
    assert motion_between(np.zeros_like(frames[0]), frames[0], CAMERA) is None
