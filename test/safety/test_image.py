import cv2
import numpy as np
import pytest

from lsd_ros.safety.faults import Fault, UnfitError
from lsd_ros.safety.image import FrozenCheck, image_findings, sharpness
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import Frame, Reduction

SETTINGS = SafetySettings()
RNG = np.random.default_rng(0)


def noisy(pixels, sigma=1.0):
    return np.clip(pixels + RNG.normal(0, sigma, pixels.shape), 0, 255).round().astype(np.uint8)


def street():
    """Boxes of all sizes and greys on a bright ground, as sharp as a lens makes them."""
    image = np.full((128, 416, 3), 150, np.uint8)
    for _ in range(60):
        left, top = RNG.integers(0, 400), RNG.integers(0, 110)
        width, height = RNG.integers(4, 80), RNG.integers(4, 60)
        colour = RNG.integers(10, 230, 3).tolist()
        cv2.rectangle(image, (left, top), (left + width, top + height), colour, -1)
    return noisy(cv2.GaussianBlur(image, (0, 0), 0.6), 2.0)


def moved(image, pixels):
    kernel = np.zeros((pixels, pixels), np.float32)
    kernel[pixels // 2] = 1 / pixels
    return cv2.filter2D(image, -1, kernel)


def faults(image, settings=SETTINGS):
    return [finding.fault for finding in image_findings(image, settings)]


@pytest.mark.parametrize('_', range(5))
def test_good_image_has_no_fault(_):
    assert faults(street()) == []


def test_image_without_light_is_dark_and_one_with_a_lamp_is_not():
    night = noisy(np.full((128, 416, 3), 6.0), 3.0)
    assert faults(night) == [Fault.DARK]
    night[20:60, 100:200] = 180
    assert faults(night) == []


def test_image_that_is_mostly_white_is_saturated_and_one_under_a_white_sky_is_not():
    glare = street()
    glare[:90] = 255
    assert faults(glare) == [Fault.SATURATED]
    sky = street()
    sky[:60] = 255
    assert faults(sky) == []


@pytest.mark.parametrize('sigma', [3, 4, 6, 10])
def test_image_out_of_focus_is_blurred(sigma):
    assert faults(noisy(cv2.GaussianBlur(street(), (0, 0), sigma))) == [Fault.BLURRED]


@pytest.mark.parametrize('pixels', [5, 11])
def test_motion_blurs_one_direction_only_and_is_no_fault(pixels):
    assert faults(moved(street(), pixels)) == []


@pytest.mark.parametrize('limit', [0.1, 0.2, 0.3, 0.5, 0.9])
@pytest.mark.parametrize('turned', [False, True])
def test_a_direction_is_left_out_only_where_it_changes_nothing(limit, turned):
    for pixels, sigma in ((1, 0.0), (5, 0.0), (11, 0.0), (1, 2.0), (1, 4.0)):
        image = moved(street(), pixels)
        image = cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        grey = np.ascontiguousarray(grey.T) if turned else grey
        whole, hasty = sharpness(grey), sharpness(grey, limit)
        assert (hasty < limit) == (whole < limit)
        if whole < limit:  # what is said of a blurred image
            assert hasty == whole


@pytest.mark.parametrize('noise', [0.0, 2.0])
def test_plain_wall_is_no_fault(noise):
    shade = np.linspace(90, 160, 416)[None, :, None] * np.ones((128, 1, 3))
    assert faults(noisy(shade, noise)) == []


@pytest.mark.parametrize(
    ('image', 'limit'),
    [
        (np.zeros((64, 96, 3), np.uint8), {'dark_level': 0}),
        (np.full((64, 96, 3), 255, np.uint8), {'saturated_share': 1}),
        (noisy(cv2.GaussianBlur(street(), (0, 0), 5)), {'min_sharpness': 0}),
    ],
)
def test_each_check_can_be_switched_off(image, limit):
    assert faults(image) != []
    assert faults(image, SafetySettings(**limit)) == []


@pytest.mark.parametrize('shape', [(1, 1, 3), (4, 400, 3), (400, 4, 3)])
def test_image_of_any_size_is_judged(shape):
    assert faults(np.full(shape, 100, np.uint8)) == []


def looked_at(check, image, settings=SETTINGS):
    """Return the faults, or None where the image is good."""
    try:
        check.check(Frame(1, 'eye', image), settings)
    except UnfitError as error:
        return [finding.fault for finding in error.findings]
    return None


def test_repeated_image_is_withheld_at_once_and_a_fault_when_it_goes_on():
    check, image, settings = FrozenCheck(), street(), SafetySettings(frozen_frames=3)
    seen = [looked_at(check, image.copy(), settings) for _ in range(6)]
    assert seen == [None, [], [], [Fault.FROZEN], [Fault.FROZEN], [Fault.FROZEN]]
    changed = image.copy()
    changed[77, 300, 1] += 1  # the smallest change there is
    assert looked_at(check, changed, settings) is None
    assert looked_at(check, changed, settings) == []


def test_a_covered_lens_is_dark_before_it_is_frozen():
    check, settings = FrozenCheck(), SafetySettings(frozen_frames=2)
    black = np.zeros((64, 96, 3), np.uint8)
    seen = [looked_at(check, black.copy(), settings) for _ in range(4)]
    assert seen == [None, [], [Fault.DARK, Fault.FROZEN], [Fault.DARK, Fault.FROZEN]]


def test_images_may_stand_still_where_they_are_said_to():
    check, image, settings = FrozenCheck(), street(), SafetySettings(frozen_frames=0)
    assert [looked_at(check, image, settings) for _ in range(5)] == [None] * 5


def reduced(image):
    """Return a frame whose image was read at half its size."""
    height, width = image.shape[:2]
    half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return Frame(1, 'eye', half, None, Reduction(width, height, 2, lambda: image))


def test_what_a_smaller_image_leaves_out_is_no_repetition():
    check, settings = FrozenCheck(), SafetySettings(frozen_frames=1)
    image = street()
    changed = image.copy()
    changed[40, 60:62, 1] = image[40, 61:59:-1, 1]  # the mean of both stays
    assert image[40, 60, 1] != image[40, 61, 1]
    first, second = reduced(image), reduced(changed)
    np.testing.assert_array_equal(first.image, second.image)
    check.check(first, settings)
    check.check(second, settings)
    with pytest.raises(UnfitError):
        check.check(reduced(changed.copy()), settings)
