from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.inference.body_mask import BodyMask
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.mask_settings import MaskSettings
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.types import Camera, Distortion, Frame

HOOD = '0 1, 0.25 0.75, 0.75 0.75, 1 1'


def test_polygons_are_in_shares_of_the_image() -> None:
    mask = BodyMask(MaskSettings(polygons='0 0.5, 1 0.5, 1 1, 0 1; 0 0, 0.1 0, 0.1 0.2, 0 0.2'))
    drawn = mask.of(100, 60)
    assert drawn is not None
    assert drawn[31:].all()
    assert drawn[:11, :9].all()
    assert not drawn[13:29].any()
    assert not drawn[:29, 12:].any()
    assert mask.share == pytest.approx(0.52, abs=0.01)


def test_black_of_a_picture_is_masked_at_every_size(tmp_path: Path) -> None:
    picture = np.full((120, 200), 255, np.uint8)
    picture[90:, 40:160] = 0
    cv2.imwrite(str(tmp_path / 'mask.png'), picture)
    mask = BodyMask(MaskSettings(file=str(tmp_path / 'mask.png')))
    for scale in (1, 2, 0.5):
        drawn = mask.of(round(200 * scale), round(120 * scale))
        assert drawn is not None
        assert drawn.mean() == pytest.approx(120 * 30 / (120 * 200), abs=0.015)


def test_nothing_asked_for_is_nothing_masked() -> None:
    assert BodyMask(MaskSettings()).of(640, 480) is None


@pytest.mark.parametrize(
    ('wanted', 'sentence'),
    [
        ({'polygons': '0 0, 1 1'}, 'a polygon takes three corners'),
        ({'polygons': '0 0, 1 1, 3 1'}, 'between 0 and 1'),
        ({'polygons': '0 0, 1 1, x'}, 'write corners as "x y"'),
        ({'file': 'none.png'}, "mask.file is 'none.png', which is no picture"),
        ({'polygons': '0 0, 1 0, 1 1, 0 1'}, 'cover 100% of the image'),
    ],
)
def test_mask_that_cannot_be_is_one_sentence(wanted: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        BodyMask(MaskSettings(**wanted))


@pytest.mark.parametrize('size', ['network', 'camera'])
@pytest.mark.parametrize('lens', [False, True])
def test_masked_pixels_have_no_depth_and_all_others_do(size: str, lens: bool) -> None:
    camera = Camera(320, 96, 200, 200, 159.5, 47.5)
    if lens:
        rows = (1, 0, 0, 0, 1, 0, 0, 0, 1)
        bent = Distortion('plumb_bob', (-0.05, 0, 0, 0), rows, (200, 200, 159.5, 47.5))
        camera = dataclasses.replace(camera, distortion=bent)
    weights = dataclasses.replace(
        untrained_weights(), preprocessing=Preprocessing(width=160, height=64)
    )
    values = {'backend': 'torch', 'device': 'cpu', 'depth_size': size, 'mask.polygons': HOOD}
    wanted = settings.build(EngineSettings, {**values, 'distortion': 'undistort'})
    engine = Engine(wanted, weights, 'test')
    noise = np.random.default_rng(0).integers(0, 256, (96, 320, 3), np.uint8)
    plain = Engine(dataclasses.replace(wanted, mask=MaskSettings()), weights, 'test')
    frame = Frame(1, 'camera', noise, camera)
    depth, whole = engine.process(frame).depth, plain.process(frame).depth
    assert depth is not None
    assert whole is not None
    height, width = depth.shape
    masked = np.isnan(depth)
    assert masked[int(height * 0.85) :, int(width * 0.3) : int(width * 0.7)].all()
    upper = depth[: int(height * 0.7)]
    np.testing.assert_array_equal(upper, whole[: int(height * 0.7)])
    assert engine.info.masked == pytest.approx(0.1875, abs=0.01)
