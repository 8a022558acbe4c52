from __future__ import annotations

import math

import numpy as np
import pytest

from lsd_ros.ros.statistics import REMEMBERED, InputQuality, Outcome, Statistics
from lsd_ros.types import Frame, Scale

METRIC = Scale(1.0, True, 'fixed')


class Clock:
    now_ns = 100 * 10**9

    def __call__(self):
        return self.now_ns

    def go(self, seconds):
        self.now_ns += round(seconds * 1e9)


def test_rates_are_those_since_the_report_before():
    clock = Clock()
    statistics = Statistics(clock)
    for _ in range(10):
        statistics.estimated(Outcome.PUBLISHED, 0.01, 0.02, {}, METRIC)
    clock.go(2.0)
    first = statistics.report(received=20, dropped=10)
    clock.go(1.0)
    second = statistics.report(received=21, dropped=10)
    assert (first.rate_hz, first.input_rate_hz) == (5.0, 10.0)
    assert (second.rate_hz, second.input_rate_hz) == (0.0, 1.0)
    assert second.counts[Outcome.PUBLISHED] == 10


@pytest.mark.parametrize(('start_s', 'step_s'), [(100.0, 0.0), (100.0, -50.0), (0.0, 1.7e9)])
def test_rates_are_unknown_until_the_clock_goes_on_from_a_time_that_it_showed(start_s, step_s):
    clock = Clock()
    clock.now_ns = round(start_s * 1e9)
    statistics = Statistics(clock)
    clock.go(step_s)
    assert math.isnan(statistics.report(received=5, dropped=0).input_rate_hz)
    clock.go(2.0)
    assert statistics.report(received=25, dropped=0).input_rate_hz == 10.0


def test_percentiles_are_those_of_the_newest_frames():
    statistics = Statistics(Clock())
    for milliseconds in [1e6] * 50 + list(range(REMEMBERED)):
        statistics.estimated(
            Outcome.PUBLISHED, milliseconds / 1e3, 1.0, {'network': 0.004}, METRIC
        )
    report = statistics.report(received=0, dropped=0)
    assert report.latency is not None
    last = REMEMBERED - 1
    assert report.latency.p50_ms == pytest.approx(0.5 * last)
    assert report.latency.p95_ms == pytest.approx(0.95 * last)
    assert report.latency.p99_ms == pytest.approx(0.99 * last)
    assert report.stages_ms == {'network': pytest.approx(4.0)}


def test_brightness_is_near_the_mean_of_the_image():
    image = np.random.default_rng(0).integers(0, 256, (375, 1242, 3), np.uint8)
    quality = InputQuality.of(Frame(1, 'camera', image), 'bgr8')
    assert quality.brightness == pytest.approx(image.mean(), abs=5)
    assert (quality.width, quality.height) == (1242, 375)
