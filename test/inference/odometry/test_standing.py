from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.inference.odometry.standing import FRAMES, StandStill, median_exceeds
from lsd_ros.types import Scale

METRIC = Scale(1.0, True, 'fixed', deviation=0.05)
RNG = np.random.default_rng(0)
TEXTURE = cv2.resize(RNG.integers(0, 256, (40, 130, 3), np.uint8), (520, 160))


def view(shift_px: float = 0.0, noise: float = 2.0, seed: int = 0) -> np.ndarray:
    """Return what a camera sees that has turned by some pixels."""
    shift = np.float32([[1, 0, -shift_px - 40], [0, 1, -16]])
    moved = cv2.warpAffine(TEXTURE, shift, (416, 128), flags=cv2.INTER_CUBIC)
    rng = np.random.default_rng(seed)
    return np.clip(moved + rng.normal(0, noise, moved.shape), 0, 255).astype(np.uint8)


def stills(images) -> list[bool]:
    standing = StandStill()
    return [standing.take(image) for image in images]


@pytest.mark.parametrize('noise', [0.0, 1.0, 3.0])
def test_camera_that_stands_is_still_through_its_noise(noise: float) -> None:
    said = stills(view(0, noise, seed) for seed in range(20))
    assert said == [False] * FRAMES + [True] * (20 - FRAMES)


@pytest.mark.parametrize('step', [0.1, 0.3, 1.0, 5.0])
def test_camera_that_moves_even_slowly_is_not(step: float) -> None:
    assert not any(stills(view(step * number, 1.0, number) for number in range(20)))


def test_camera_that_starts_again_is_noticed_at_once() -> None:
    said = stills(view(max(0, number - 9) * 0.5, 1.0, number) for number in range(14))
    assert said[9]
    assert not any(said[10:])


def test_thing_that_moves_through_the_view_is_not_the_camera() -> None:
    def crossing(number: int) -> np.ndarray:
        image = view(0, 1.0, number)
        image[30:90, 10 * number : 10 * number + 60] = view(200, 1.0, number)[30:90, :60]
        return image

    assert all(stills(crossing(number) for number in range(20))[FRAMES:])


def test_image_without_edges_says_nothing() -> None:
    assert not any(stills([np.full((128, 416, 3), 90, np.uint8)] * 10))


def drift(images, *, stand_still: bool, way: float = 0.005) -> Odometry:
    """Let a network that sees a little motion in everything follow some images."""
    odometry = Odometry(OdometrySettings(stand_still=stand_still))
    vectors = np.array([[0, 0, way, 0, 1e-4, 0], [0, 0, -way, 0, -1e-4, 0]], np.float32)
    for number, image in enumerate(images):
        odometry.update(number * 10**8, image, lambda _: vectors, METRIC)
    return odometry


def test_robot_that_stands_does_not_drift_and_grows_no_less_sure() -> None:
    images = [view(0, 2.0, seed) for seed in range(80)]
    free, held = (drift(images, stand_still=on) for on in (False, True))
    ways = [np.linalg.norm(o.odom_from_camera[:3, 3]) for o in (free, held)]
    assert ways[0] > 0.35
    assert ways[1] < 0.03  # of the first frames, until it is sure
    spreads = [np.sqrt(np.trace(o.covariance[:3, :3])) for o in (free, held)]
    assert spreads[1] < spreads[0] / 3
    assert np.isfinite(held.covariance).all()
    assert (np.linalg.eigvalsh(held.covariance) >= -1e-12).all()
    longer = drift([*images, *images], stand_still=True)
    assert np.trace(longer.covariance) < 1.1 * np.trace(held.covariance)


def test_velocity_of_a_robot_that_stands_is_zero() -> None:
    odometry = Odometry(OdometrySettings())
    vectors = np.array([[0, 0, 0.005, 0, 0, 0], [0, 0, -0.005, 0, 0, 0]], np.float32)
    for number in range(8):
        image = view(0, 1.0, number)
        motion = odometry.update(number * 10**8, image, lambda _: vectors, METRIC)
    assert motion is not None
    np.testing.assert_array_equal(motion.current_from_previous, np.eye(4))
    assert 0 < np.sqrt(motion.covariance[0, 0]) < 1e-3


def test_network_that_sees_clear_motion_is_believed() -> None:
    images = [view(0, 1.0, seed) for seed in range(20)]  # far things on a straight road
    moved = drift(images, stand_still=True, way=0.8)
    assert np.linalg.norm(moved.odom_from_camera[:3, 3]) > 10


@given(
    values=st.lists(st.sampled_from([0.0, 0.1, 0.12, 0.125, 0.2]), min_size=1, max_size=9),
    limit=st.sampled_from([0.05, 0.11, 0.12, 0.16]),
)
def test_counting_says_of_the_median_what_sorting_says(values: list[float], limit: float) -> None:
    array = np.array(values, np.float32)
    assert median_exceeds(array, limit) == (float(np.median(array)) > limit)


def test_the_slopes_are_those_of_sobel() -> None:
    grey = np.asarray(cv2.cvtColor(view(), cv2.COLOR_RGB2GRAY), np.uint8)
    across, along = (cv2.Sobel(grey, cv2.CV_16S, x, y) for x, y in ((1, 0), (0, 1)))
    gradients = cv2.spatialGradient(grey)
    np.testing.assert_array_equal(gradients[0], across)
    np.testing.assert_array_equal(gradients[1], along)
