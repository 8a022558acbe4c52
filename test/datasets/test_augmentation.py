"""Colours of augmented images: how far each goes, and that darkness is shown as often as light."""

import numpy as np
import pytest

from lsd_ros.datasets.augmentation import (
    AugmentationSettings,
    Colours,
    random_colours,
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
