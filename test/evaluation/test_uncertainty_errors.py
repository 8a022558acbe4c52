from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.errors import FrameError
from lsd_ros.evaluation.uncertainty import summarise_uncertainty, uncertainty_errors

Maps = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
EVERYWHERE = np.ones((100, 100), bool)


@pytest.fixture
def calibrated() -> Maps:
    """Return depth with normally distributed errors, their deviation, and the truth."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(2, 50, EVERYWHERE.shape)
    deviation = truth * rng.uniform(0.01, 0.2, truth.shape)
    return truth + deviation * rng.standard_normal(truth.shape), deviation, truth


def test_a_calibrated_uncertainty_covers_68_and_95_percent(calibrated: Maps) -> None:
    predicted, deviation, truth = calibrated
    # predicted in other units, which the scale undoes
    errors = uncertainty_errors(predicted / 5, deviation / 5, truth, EVERYWHERE, scale=5.0)
    for found, right in ((errors.coverage_1, 0.6827), (errors.coverage_2, 0.9545)):
        assert abs(found - right) < 4 * math.sqrt(right * (1 - right) / truth.size)
    assert summarise_uncertainty([errors]).factor == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize('wrong', [0.25, 3.0])
def test_the_factor_makes_the_coverage_of_one_deviation_right(
    calibrated: Maps, wrong: float
) -> None:
    predicted, deviation, truth = calibrated
    errors = uncertainty_errors(predicted, wrong * deviation, truth, EVERYWHERE, scale=1.0)
    factor = summarise_uncertainty([errors]).factor
    assert factor == pytest.approx(1 / wrong, rel=0.03)
    again = uncertainty_errors(predicted, factor * wrong * deviation, truth, EVERYWHERE, scale=1.0)
    assert again.coverage_1 == pytest.approx(0.6827, abs=2e-3)


def test_frames_count_alike_whatever_their_number_of_pixels(calibrated: Maps) -> None:
    predicted, deviation, truth = calibrated
    one_row = np.zeros_like(EVERYWHERE)
    one_row[0] = True
    whole = uncertainty_errors(predicted, deviation, truth, EVERYWHERE, scale=1.0)
    row = uncertainty_errors(predicted, deviation / 4, truth, one_row, scale=1.0)
    summary = summarise_uncertainty([whole, row])
    assert summary.coverage_1 == pytest.approx((whole.coverage_1 + row.coverage_1) / 2)
    ratios = np.concatenate([whole.ratios, row.ratios])
    assert np.mean(ratios < summary.factor) == pytest.approx(0.6827, abs=2e-3)


def test_sparsification_tells_a_good_order_from_a_bad_one() -> None:
    """Errors of 0 .. 1 in the order of the pixels: all three areas are known."""
    truth = np.ones((1, 1000))
    error = np.linspace(0, 1, 1000)[None]
    known = np.ones(truth.shape, bool)

    def areas(relative: NDArray[np.float64]) -> tuple[float, float]:
        predicted = truth + error
        errors = uncertainty_errors(predicted, relative * predicted, truth, known, scale=1.0)
        return errors.ause, errors.aurg

    # shares s = 1, 0.95 .. 0.05 are kept: by error the mean of what remains is s / 2
    oracle, at_random = 0.525 / 2, 0.5
    right, reversed_ = areas(error + 0.1), areas(1.1 - error)
    assert right == pytest.approx((0, at_random - oracle), abs=2e-3)
    assert reversed_ == pytest.approx((1 - 2 * oracle, oracle - at_random), abs=2e-3)


def test_only_pixels_with_depth_uncertainty_and_truth_count(calibrated: Maps) -> None:
    predicted, deviation, truth = calibrated
    predicted[:40], deviation[:40] = np.inf, np.nan
    deviation[40:50] = np.nan
    known = EVERYWHERE.copy()
    known[50:60] = False
    predicted[50:60] = 1e6
    errors = uncertainty_errors(predicted, deviation, truth, known, scale=1.0)
    assert errors.coverage_1 == pytest.approx(0.6827, abs=0.03)
    with pytest.raises(FrameError, match='no pixel has a depth, an uncertainty and a truth'):
        uncertainty_errors(predicted, deviation, truth, ~EVERYWHERE, scale=1.0)
    with pytest.raises(FrameError, match='must have one shape'):
        uncertainty_errors(predicted, deviation[1:], truth, known, scale=1.0)
