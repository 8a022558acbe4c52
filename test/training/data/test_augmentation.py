"""Colours of augmented images: how far each goes, and that darkness is shown as often as light."""

import numpy as np
import pytest

from lsd_ros.training.data.augmentation import (
    AugmentationSettings,
    Colours,
    Filter,
    random_colours,
    random_filter,
    random_shade,
    shaded,
)

STILL = {'brightness': 0.0, 'contrast': 0.0, 'saturation': 0.0, 'hue': 0.0, 'tint': 0.0}


def _drawn(count: int, **given: float) -> list[Colours]:
    rng = np.random.default_rng(0)
    wanted = AugmentationSettings(jitter=1.0, **{**STILL, **given})
    drawn = [random_colours(rng, wanted) for _ in range(count)]
    return [colours for colours in drawn if colours is not None]


def test_gamma_goes_as_far_to_the_dark_as_to_the_light() -> None:
    gammas = np.array([colours.gamma for colours in _drawn(2000, gamma=1.5)])
    assert gammas.min() == pytest.approx(1 / 2.5, rel=0.02)
    assert gammas.max() == pytest.approx(2.5, rel=0.02)
    assert np.mean(gammas > 1) == pytest.approx(0.5, abs=0.05)


def test_gamma_darkens_and_leaves_black_and_white() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 1, 3))
    dark = Colours(np.eye(3), gamma=2.0).apply(ramp, 128.0)
    assert dark[0, 0, 0] == 0
    assert dark[128, 0, 0] == 64
    assert dark[255, 0, 0] == 255


def test_without_gamma_there_is_none() -> None:
    assert {colours.gamma for colours in _drawn(5, gamma=0.0)} == {1.0}


def test_shadows_take_no_more_light_than_asked_for_and_differ() -> None:
    rng = np.random.default_rng(0)
    lights = [random_shade(rng, (104, 32), 0.8) for _ in range(40)]
    assert all(light.shape == (32, 104) for light in lights)
    assert min(float(light.min()) for light in lights) == pytest.approx(0.2, abs=0.05)
    assert max(float(light.max()) for light in lights) <= 1.0
    edges = [float(np.abs(np.diff(light, axis=1)).max()) for light in lights]
    assert min(edges) < 0.05 < 0.2 < max(edges)  # soft and hard ones


def test_shadows_darken_where_they_fall() -> None:
    image = np.full((4, 6, 3), 200, np.uint8)
    light = np.ones((4, 6), np.float32)
    light[:, 3:] = 0.5
    assert np.array_equal(shaded(image, light)[0, :, 0], [200, 200, 200, 100, 100, 100])


def _textured() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 180, (32, 64, 3)).astype(np.uint8)


def test_a_filter_without_a_share_changes_nothing() -> None:
    image = _textured()
    kernel = np.ones((3, 3), np.float32)
    assert np.array_equal(Filter(kernel, 0.0).apply(image), image)


def test_a_filter_changes_texture_and_keeps_brightness_and_contrast() -> None:
    image, rng = _textured(), np.random.default_rng(1)
    kernel = rng.standard_normal((5, 5)).astype(np.float32)
    whole = Filter(kernel, 1.0).apply(image)
    assert whole.mean() == pytest.approx(image.mean(), abs=2)
    assert whole.std() == pytest.approx(image.std(), rel=0.1)
    assert abs(np.corrcoef(whole.ravel(), image.ravel())[0, 1]) < 0.6


def test_filters_are_of_several_sizes_and_shares() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_filter(rng, 0.7) for _ in range(200)]
    assert {len(one.kernel) for one in drawn} == {1, 3, 5, 7}
    assert 0 <= min(one.share for one in drawn) < 0.05
    assert 0.65 < max(one.share for one in drawn) <= 0.7
    assert np.array_equal(Filter(np.zeros((3, 3), np.float32), 1.0).apply(_textured()).std(), 0)
