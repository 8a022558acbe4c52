from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.errors import FrameError
from lsd_ros.evaluation.depth import DepthErrors, depth_errors, summarise

Depth = NDArray[np.float64]


@pytest.fixture
def pair() -> tuple[Depth, Depth]:
    rng = np.random.default_rng(3)
    truth = rng.uniform(1, 100, (37, 124))
    truth[rng.random(truth.shape) < 0.6] = 0
    return rng.uniform(0.2, 30, truth.shape), truth


def _one_by_one(predicted: Depth, truth: Depth, scaled: bool, cropped: bool) -> DepthErrors:
    """Count pixel by pixel, as the paper writes it."""
    height, width = truth.shape
    pairs = []
    for v in range(height):
        for u in range(width):
            if cropped and not (
                math.floor(0.40810811 * height) <= v < math.floor(0.99189189 * height)
                and math.floor(0.03594771 * width) <= u < math.floor(0.96405229 * width)
            ):
                continue
            if 1e-3 < truth[v, u] < 80:
                pairs.append((predicted[v, u], truth[v, u]))
    scale = np.median([t for _, t in pairs]) / np.median([p for p, _ in pairs])
    clamped = [(min(max(p * (scale if scaled else 1), 1e-3), 80.0), t) for p, t in pairs]
    count = len(clamped)

    def mean(values: list[float]) -> float:
        return math.fsum(values) / count

    def within(limit: float) -> float:
        return mean([max(p / t, t / p) < limit for p, t in clamped])

    return DepthErrors(
        mean([abs(p - t) / t for p, t in clamped]),
        mean([(p - t) ** 2 / t for p, t in clamped]),
        math.sqrt(mean([(p - t) ** 2 for p, t in clamped])),
        math.sqrt(mean([(math.log(p) - math.log(t)) ** 2 for p, t in clamped])),
        within(1.25),
        within(1.25**2),
        within(1.25**3),
        scale,
        count,
    )


@pytest.mark.parametrize('scaled', [True, False])
@pytest.mark.parametrize('crop', ['garg', 'none'])
def test_errors_agree_with_counting_pixel_by_pixel(
    pair: tuple[Depth, Depth], scaled: bool, crop: str
) -> None:
    found = depth_errors(*pair, median_scaling=scaled, crop=crop)  # type: ignore[arg-type]
    expected = _one_by_one(*pair, scaled, crop == 'garg')
    assert vars(found) == pytest.approx(vars(expected), rel=1e-12)


def test_a_scaled_truth_is_perfect_with_median_scaling_alone(pair: tuple[Depth, Depth]) -> None:
    truth = pair[1]
    predicted = np.where(truth > 0, truth / 4, np.nan)
    scaled = depth_errors(predicted, truth, median_scaling=True)
    assert scaled.rmse == pytest.approx(0, abs=1e-12)
    assert (scaled.a1, scaled.scale) == (1.0, pytest.approx(4.0))
    assert depth_errors(predicted, truth, median_scaling=False).abs_rel == pytest.approx(0.75)


def test_a_small_prediction_of_a_plane_is_resized_exactly() -> None:
    columns = (np.arange(64) + 0.5) / 64
    truth = np.tile(1 / (0.1 + 0.4 * columns), (32, 1))
    small = np.tile(1 / (0.1 + 0.4 * (np.arange(16) + 0.5) / 16), (8, 1))
    inner = truth.copy()
    inner[:, :2] = inner[:, -2:] = np.nan  # beyond the outermost centres there is no slope
    assert depth_errors(small, inner, median_scaling=False).abs_rel < 1e-12


def test_infinite_predictions_count_as_the_bounds_and_nan_not_at_all() -> None:
    truth = np.array([[10.0, 10.0, 10.0]])
    predicted = np.array([[np.inf, -np.inf, np.nan]])
    errors = depth_errors(predicted, truth, median_scaling=False, min_depth_m=2.0)
    assert errors.pixels == 2
    assert errors.abs_rel == pytest.approx((70 / 10 + 8 / 10) / 2)


def test_a_summary_gives_means_and_the_relative_spread_of_scale(
    pair: tuple[Depth, Depth],
) -> None:
    errors = [depth_errors(pair[0] / factor, pair[1], median_scaling=True) for factor in (1, 2, 3)]
    summary = summarise(errors)
    assert summary.abs_rel == pytest.approx(errors[0].abs_rel)
    assert summary.scale_median == pytest.approx(2 * errors[0].scale)
    assert summary.scale_std == pytest.approx(np.std([0.5, 1.0, 1.5]))
    assert (summary.frames, summary.pixels) == (3, 3 * errors[0].pixels)


@pytest.mark.parametrize(
    ('predicted', 'truth', 'sentence'),
    [
        (np.ones((2, 2)), np.full((2, 2), np.nan), 'no pixel has both'),
        (np.full((2, 2), -3.0), np.ones((2, 2)), '-3.0 m is not positive'),
        (np.ones(4), np.ones((2, 2)), r'\(4,\)'),
        (np.full((2, 2), np.inf), np.ones((2, 2)), 'beyond range'),
    ],
)
def test_what_cannot_be_compared_is_named(predicted: Depth, truth: Depth, sentence: str) -> None:
    with pytest.raises(FrameError, match=sentence):
        depth_errors(predicted, truth, median_scaling=True)


def test_an_empty_summary_is_refused() -> None:
    with pytest.raises(FrameError, match='no frame was compared'):
        summarise([])
