from __future__ import annotations

import pytest

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.scale.source import Observation
from lsd_ros.inference.scale.source_factory import scale_source
from lsd_ros.models.weights import WeightsCard
from lsd_ros.types import Camera

RELATIVE = WeightsCard('mine', trained=True)
METRIC = WeightsCard('mine', trained=True, metric=True, metres_per_unit=5.0)


def first_scale(card, **values):
    source = scale_source(ScaleSettings(**values), card, OdometryHistory())
    return source, source.update(Observation(0))


def test_stated_scales_are_metric_at_once_with_the_stated_deviation():
    _, fixed = first_scale(RELATIVE, source='fixed', factor=3.0, deviation=0.02)
    assert (fixed.factor, fixed.metric, fixed.source, fixed.deviation) == (3, True, 'fixed', 0.02)
    _, known = first_scale(METRIC)
    assert (known.factor, known.metric, known.source) == (5, True, 'checkpoint')
    assert known.deviation == ScaleSettings().deviation


def test_weights_that_are_not_metric_say_what_can_be_done():
    _, scale = first_scale(RELATIVE)
    assert (scale.factor, scale.metric) == (1.0, False)
    assert scale.problem == (
        "the weights 'mine' are not metric: set scale.source to camera_height or odometry, or to "
        'fixed with the scale.factor that you measured'
    )


def test_metres_of_one_focal_length_are_longer_by_as_much_as_the_camera_s_own():
    card = WeightsCard('mine', trained=True, metric=True, metres_per_unit=5.0, focal_px=200.0)
    source, unknown = first_scale(card)
    assert (unknown.metric, unknown.source) == (False, 'checkpoint')
    assert 'no image had a camera yet: publish camera info' in unknown.problem
    # the geometric mean of both focal lengths, 320 x 125, is 200, and 640 x 250 is twice that
    for fx, fy, factor in ((320.0, 125.0, 5.0), (640.0, 250.0, 10.0)):
        scale = source.update(Observation(1, camera=Camera(416, 128, fx, fy, 207.5, 63.5)))
        assert (scale.factor, scale.metric, scale.problem) == (pytest.approx(factor), True, '')
        assert scale.deviation == ScaleSettings().deviation
    assert source.update(Observation(2)).factor == pytest.approx(10)
    source.reset()
    assert not source.update(Observation(3)).metric


@pytest.mark.parametrize(
    ('name', 'needs'),
    [
        ('checkpoint', (False, False)),
        ('fixed', (False, False)),
        ('camera_height', (True, False)),
        ('odometry', (False, True)),
    ],
)
def test_every_source_says_its_name_what_it_needs_and_why_it_is_not_metric(name, needs):
    source, scale = first_scale(RELATIVE, source=name)
    assert (source.needs_depth, source.needs_motion) == needs
    assert scale.source == name
    assert scale.metric == (not scale.problem)


@pytest.mark.parametrize(
    ('given', 'names'),
    [
        ({'scale.deviation': 0.2}, ('scale.deviation', 'scale.max_deviation')),
        (
            {'scale.source': 'odometry', 'scale.reference_deviation': 0.3},
            ('scale.reference_deviation', 'scale.max_deviation'),
        ),
    ],
)
def test_a_source_that_could_never_be_sure_enough_is_refused_with_both_names(given, names):
    with pytest.raises(SettingError) as caught:
        settings.build(EngineSettings, given)
    assert all(name in str(caught.value) for name in names)
    with pytest.raises(SettingError, match='choose one of'):
        ScaleSettings(source='lidar')
