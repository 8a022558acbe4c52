"""What the engine makes of the deviation that the depth network says."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from lsd_ros import settings
from lsd_ros.errors import FrameError
from lsd_ros.inference.depth_map import uncertainty_map
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.types import Camera, Frame

CAMERA = Camera(width=320, height=96, fx=200, fy=200, cx=159.5, cy=47.5)
IMAGE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (96, 320, 3), np.uint8), (0, 0), 3
)
FRAME = Frame(0, 'camera_optical', IMAGE, CAMERA)
WIDTHS = (4, 4, 8, 8, 8)


def engine_of(*, fit='keep_aspect', factor=1.0, known=True, **values):
    torch.manual_seed(0)
    shape = SmallDepthSettings(encoder_widths=WIDTHS, full_width=4, uncertainty=known)
    plain = untrained_weights()
    weights = dataclasses.replace(
        plain,
        depth=SmallDepthNet(shape).eval(),
        preprocessing=Preprocessing(width=160, height=64, fit=fit),
        card=dataclasses.replace(plain.card, uncertainty_factor=factor),
    )
    given = {'backend': 'torch', 'device': 'cpu', **values}
    return Engine(settings.build(EngineSettings, given), weights, 'test')


def said(engine):
    return engine.process(FRAME, motion=False, uncertainty=True)


def test_metres_of_uncertainty_are_depth_times_relative_deviation_times_factor():
    plain = said(engine_of())
    assert plain.uncertainty.shape == plain.depth.shape
    assert plain.uncertainty.dtype == np.float32
    share = plain.uncertainty / plain.depth
    assert 3e-3 < share.min() < share.max() < 3
    calibrated = said(engine_of(factor=2.5, **{'scale.source': 'fixed', 'scale.factor': 3.0}))
    np.testing.assert_allclose(calibrated.depth, 3 * plain.depth, rtol=1e-4)
    np.testing.assert_allclose(calibrated.uncertainty, 7.5 * plain.uncertainty, rtol=1e-4)


@pytest.mark.parametrize('size', ['network', 'camera'])
@pytest.mark.parametrize('fit', ['keep_aspect', 'crop'])
def test_uncertainty_is_known_where_depth_is_a_number_and_nowhere_else(fit, size):
    low, high = np.quantile(said(engine_of(fit=fit)).depth, (0.2, 0.8))
    limits = {'min_depth_m': float(low), 'max_depth_m': float(high)}
    estimate = said(engine_of(fit=fit, depth_size=size, **limits))
    assert estimate.valid.any()
    assert not estimate.valid.all()
    np.testing.assert_array_equal(np.isfinite(estimate.uncertainty), estimate.valid)
    assert np.isnan(estimate.uncertainty[~estimate.valid]).all()


def test_uncertainty_is_given_only_where_it_is_asked_for_and_known():
    engine = engine_of()
    asked, unasked = said(engine), engine.process(FRAME, motion=False)
    assert unasked.uncertainty is None
    np.testing.assert_array_equal(asked.depth, unasked.depth)
    ignorant = engine_of(known=False)
    assert said(ignorant).uncertainty is None
    assert (engine.info.uncertainty, ignorant.info.uncertainty) == (True, False)


def test_a_deviation_that_is_not_finite_is_refused():
    engine = engine_of(fit='stretch')
    engine._prepared.backend.disparities = lambda images: np.full(
        (1, 2, 32, 80), np.nan, np.float32
    )
    with pytest.raises(FrameError, match='not finite'):
        said(engine)


def test_an_enlarged_deviation_stays_between_its_neighbours():
    small = np.array([[0.1, 0.3]], np.float32)
    depth = np.array([[2, 2, 2, 2], [2, np.inf, -np.inf, np.nan]], np.float32)
    large = uncertainty_map(small, depth, factor=2.0)
    np.testing.assert_allclose(large[0], [0.4, 0.6, 1.0, 1.2], rtol=1e-6)
    np.testing.assert_array_equal(np.isnan(large[1]), [False, True, True, True])
