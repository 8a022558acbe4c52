from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsd_ros.inference.scale.filter import FactorFilter, Measurement
from lsd_ros.inference.scale.scale_settings import ScaleSettings

SETTINGS = ScaleSettings(source='odometry', reference_deviation=0.0)


def fed(logs, deviation=0.05, seconds=0.1):
    """Return a filter after these measurements, and what it said after each of them."""
    measured = FactorFilter(SETTINGS)
    said = []
    for log in logs:
        measured.wait(seconds)
        measured.measure(Measurement(log, deviation))
        said.append((measured.settled, measured.log_factor, measured.deviation))
    return measured, said


@settings(deadline=None)
@given(
    logs=st.lists(st.floats(-7, 7), max_size=60),
    deviation=st.floats(0, 2),
    seconds=st.floats(0, 5),
    shift=st.floats(-3, 3),
)
def test_any_measurements_give_a_positive_factor_in_whatever_unit(logs, deviation, seconds, shift):
    measured, said = fed(logs, deviation, seconds)
    assert math.isfinite(measured.factor)
    assert measured.factor > 0
    assert measured.deviation >= 0
    assert measured.settled == math.isfinite(measured.deviation)
    _, shifted = fed([log + shift for log in logs], deviation, seconds)
    for (settled, log, spread), (settled_too, log_too, spread_too) in zip(
        said, shifted, strict=True
    ):
        assert settled == settled_too
        if settled:
            assert log + shift == pytest.approx(log_too, abs=1e-6)
            assert spread == pytest.approx(spread_too, rel=1e-4)


def test_what_scatters_without_end_never_settles():
    rng = np.random.default_rng(0)
    _, said = fed(rng.uniform(-2, 2, 300))
    assert not any(settled for settled, _, _ in said)


def test_a_factor_that_runs_away_is_not_followed_but_given_up():
    run = [0.0] * 40 + list(np.linspace(0, 0.9, 12)) + [0.9] * 40
    _, said = fed(run + 0.03 * np.random.default_rng(0).standard_normal(len(run)))
    metric = [settled and deviation < 0.15 for settled, _, deviation in said]
    assert all(metric[10:40])
    assert all(metric[80:])
    assert not any(metric[50:60])
    # while it counts, it is never far off for long
    errors = [abs(log - true) for (_, log, _), true in zip(said, run, strict=True)]
    assert max(np.array(errors)[metric]) < 0.6
    assert sum(np.array(errors)[metric] > 0.2) <= 6


@pytest.mark.parametrize('rate_hz', [5, 10, 30])
def test_the_deviation_covers_the_error_of_a_factor_that_wanders(rate_hz):
    ratios = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        steps = SETTINGS.process_noise / math.sqrt(rate_hz) * rng.standard_normal(6 * rate_hz)
        truth = np.cumsum(steps)
        # errors of a network are alike for a tenth of a second
        kept = math.exp(-10 / rate_hz)
        errors = [0.06 * rng.standard_normal()]
        for _ in truth[1:]:
            errors.append(kept * errors[-1] + 0.06 * math.sqrt(1 - kept**2) * rng.normal())
        _, said = fed(truth + errors, deviation=0.05, seconds=1 / rate_hz)
        ratios += [
            (log - true) / deviation
            for (settled, log, deviation), true in zip(said, truth, strict=True)
            if settled
        ]
    assert np.mean(np.abs(ratios) < 2) > 0.9
    assert 0.4 < np.mean(np.square(ratios)) < 1.5
