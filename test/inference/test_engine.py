import dataclasses
import logging

import cv2
import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.errors import CameraError, FrameError, WeightsError
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.weights import WeightsCard
from lsd_ros.types import BasePose, Camera, Distortion, Frame

CAMERA = Camera(width=320, height=96, fx=200, fy=200, cx=159.5, cy=47.5)
LENS = Distortion(
    'plumb_bob', (-0.3, 0.1, 0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1), (180, 180, 159.5, 47.5)
)
BENT = dataclasses.replace(CAMERA, distortion=LENS)


def image(seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (96, 320, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def frame(number, camera=CAMERA, pixels=None):
    pixels = image(number) if pixels is None else pixels
    return Frame(number * 100_000_000, 'camera_optical', pixels, camera)


def engine_of(weights=None, **values):
    values = {'backend': 'torch', 'device': 'cpu', **values}
    weights = weights or untrained_weights()
    return Engine(settings.build(EngineSettings, values), weights, 'test')


def small_weights(**preprocessing):
    return dataclasses.replace(
        untrained_weights(), preprocessing=Preprocessing(width=160, height=64, **preprocessing)
    )


@pytest.fixture(scope='module')
def engine():
    return engine_of(small_weights())


def test_an_estimate_belongs_to_its_frame(engine):
    estimate = engine.process(frame(1))
    assert (estimate.stamp_ns, estimate.frame_id) == (100_000_000, 'camera_optical')
    assert estimate.depth.shape == (64, 192)
    assert estimate.depth.dtype == np.float32
    assert estimate.image.shape == (64, 192, 3)
    assert (estimate.camera.width, estimate.camera.height) == (192, 64)
    assert estimate.camera.fx == pytest.approx(200 * 192 / 320)
    assert estimate.valid.all()
    assert set(estimate.stages_s) >= {'resize', 'depth network', 'depth map', 'pose network'}


def test_depth_is_the_inverse_of_what_the_network_says(engine):
    estimate = engine.process(frame(1))
    inverse = 0.01 + (10 - 0.01) * cv2.resize(estimate.disparity, (192, 64))
    np.testing.assert_allclose(estimate.depth, 1 / inverse, rtol=1e-4)


@pytest.mark.parametrize('size', ['network', 'camera'])
def test_a_view_on_bgr_says_what_its_copy_says(size):
    engine = engine_of(small_weights(), depth_size=size)
    bgr = np.ascontiguousarray(image(1)[..., ::-1])
    turned = engine.process(frame(1, pixels=bgr[..., ::-1]))
    copied = engine.process(frame(2, pixels=image(1)))
    np.testing.assert_array_equal(turned.image, copied.image)
    np.testing.assert_array_equal(turned.depth, copied.depth)


def test_an_old_estimate_does_not_change_with_the_next_frame():
    engine = engine_of(small_weights())
    first = engine.process(frame(0))
    depth, disparity = first.depth.copy(), first.disparity.copy()
    engine.process(frame(1))
    second = engine.process(frame(2))
    pose = second.odom_from_camera.copy()
    engine.process(frame(3))
    np.testing.assert_array_equal(first.depth, depth)
    np.testing.assert_array_equal(first.disparity, disparity)
    np.testing.assert_array_equal(second.odom_from_camera, pose)


def test_odometry_says_that_it_is_lost_until_three_frames_have_come_and_the_scale_is_metric():
    engine = engine_of(small_weights(), **{'scale.source': 'fixed', 'scale.factor': 2.0})
    first, _, third, *_ = [engine.process(frame(i), depth=False) for i in range(4)]
    assert first.motion is None
    assert first.odom_covariance.max() == LOST_VARIANCE
    assert third.odom_covariance.max() < 1
    unknown = engine_of(small_weights())
    lost = [unknown.process(frame(i), depth=False) for i in range(4)][-1]
    assert lost.motion is not None
    assert lost.odom_covariance.max() == LOST_VARIANCE
    np.testing.assert_array_equal(lost.odom_from_camera[:3, 3], 0)


def test_only_what_is_wanted_is_computed():
    engine = engine_of(small_weights())
    only_motion = [engine.process(frame(i, camera=None), depth=False) for i in range(3)][-1]
    assert only_motion.depth is None
    assert 'depth network' not in only_motion.stages_s
    assert only_motion.motion is not None
    only_depth = engine.process(frame(3), motion=False)
    assert only_depth.depth is not None
    assert only_depth.motion is None
    assert 'pose network' not in only_depth.stages_s


def test_inspector_sees_the_image_and_what_it_refuses_has_never_been():
    engine, untouched = engine_of(small_weights()), engine_of(small_weights())
    seen = []

    def refuse(pixels):
        seen.append(pixels)
        raise FrameError('it shows nothing')

    for number in range(3):
        engine.process(frame(number), inspect=seen.append)
        untouched.process(frame(number))
    with pytest.raises(FrameError, match='it shows nothing'):
        engine.process(frame(3), inspect=refuse)
    assert [pixels.shape for pixels in seen] == [(64, 192, 3)] * 4
    pose = engine.process(frame(4)).odom_from_camera
    np.testing.assert_array_equal(pose, untouched.process(frame(4)).odom_from_camera)


def test_inspector_sees_no_rim_of_undistortion_and_nothing_enlarged():
    seen = []
    bright = np.full((96, 320, 3), 200, np.uint8)
    bent = engine_of(small_weights(), distortion='undistort')
    assert np.isnan(bent.process(frame(1, BENT, bright), inspect=seen.append).depth).any()
    tiny = Camera(width=60, height=20, fx=40, fy=40, cx=29.5, cy=9.5)
    engine_of(small_weights()).process(frame(1, tiny, bright[:20, :60]), inspect=seen.append)
    assert seen[0].min() == 200
    assert seen[1].shape == (20, 60, 3)


@pytest.mark.parametrize('fit', ['stretch', 'keep_aspect'])
def test_depth_of_camera_size_fits_the_camera_image(fit):
    engine = engine_of(small_weights(fit=fit), depth_size='camera')
    estimate = engine.process(frame(0))
    assert estimate.camera == CAMERA
    assert estimate.depth.shape == (96, 320)
    np.testing.assert_array_equal(estimate.image, image(0))
    assert estimate.valid.all()


def test_what_a_cropping_network_does_not_see_is_invalid():
    estimate = engine_of(small_weights(fit='crop'), depth_size='camera').process(frame(0))
    seen = estimate.valid
    assert seen[:, 40:280].all()
    assert not seen[:, :40].any()
    assert not seen[:, 280:].any()


def test_scale_comes_from_the_settings_or_the_weights(engine):
    relative = engine.process(frame(0))
    assert (relative.scale.metric, relative.scale.source) == (False, 'checkpoint')
    fixed = engine_of(small_weights(), **{'scale.source': 'fixed', 'scale.factor': 3.0})
    scaled = fixed.process(frame(0))
    assert (scaled.scale.metric, scaled.scale.factor) == (True, 3.0)
    np.testing.assert_allclose(scaled.depth, 3 * relative.depth, rtol=1e-4)
    card = WeightsCard('metric', trained=True, metric=True, metres_per_unit=5.0)
    metric = engine_of(dataclasses.replace(small_weights(), card=card)).process(frame(0))
    assert metric.scale.metric
    np.testing.assert_allclose(metric.depth, 5 * relative.depth, rtol=1e-4)


def test_settings_can_change_while_running():
    engine = engine_of(small_weights())
    before = engine.process(frame(0)).depth
    changed = {'backend': 'torch', 'scale.source': 'fixed', 'scale.factor': 2.0}
    engine.apply(settings.build(EngineSettings, changed))
    np.testing.assert_allclose(engine.process(frame(0)).depth, 2 * before, rtol=1e-4)


def test_a_new_image_size_gets_a_network_of_its_aspect():
    engine = engine_of(small_weights())
    engine.process(frame(0))
    camera = Camera(width=120, height=160, fx=100, fy=100, cx=60, cy=80)
    estimate = engine.process(frame(1, camera, np.zeros((160, 120, 3), np.uint8)))
    assert estimate.depth.shape == (128, 96)
    assert engine.info.network_size == (96, 128)


def test_distortion_is_refused_undone_or_taken_as_undone():
    with pytest.raises(CameraError, match="plumb_bob distortion .* set distortion to 'undistort'"):
        engine_of(small_weights()).process(frame(0, BENT))
    undone = engine_of(small_weights(), distortion='undistort', depth_size='camera')
    estimate = undone.process(frame(0, BENT))
    assert (estimate.camera.fx, estimate.camera.distortion) == (180, None)
    assert np.abs(estimate.image.astype(int) - image(0)).mean() > 1
    taken = engine_of(small_weights(), distortion='rectified', depth_size='camera')
    estimate = taken.process(frame(0, BENT))
    assert estimate.camera.fx == 180
    np.testing.assert_array_equal(estimate.image, image(0))


@pytest.mark.parametrize('size', ['network', 'camera'])
def test_what_the_lens_has_not_seen_is_invalid(size):
    wide = dataclasses.replace(
        BENT, distortion=dataclasses.replace(LENS, rectified=(90, 90, 159.5, 47.5))
    )
    engine = engine_of(small_weights(), distortion='undistort', depth_size=size)
    estimate = engine.process(frame(0, wide))
    height, width = estimate.depth.shape
    assert not estimate.valid[0].any()
    assert estimate.valid[height // 2, width // 2]


def test_depth_without_a_camera_is_refused(engine):
    with pytest.raises(CameraError, match='depth needs a camera: publish camera info'):
        engine.process(frame(0, camera=None))


def test_a_network_that_gives_no_numbers_is_noticed():
    weights = untrained_weights()
    weights.depth.heads[1].conv.bias.data.fill_(float('nan'))
    with pytest.raises(FrameError, match='not finite'):
        engine_of(weights).process(frame(0))


def test_shipped_weights_load_and_say_what_they_are():
    engine = Engine.load(EngineSettings(backend='torch', device='cpu'))
    assert engine.info.weights.endswith('street.safetensors')
    assert (engine.info.backend, engine.info.device) == ('torch', 'cpu')
    engine.close()


def test_metres_of_the_weights_follow_the_focal_length_of_the_camera_at_network_size():
    card = WeightsCard('mine', trained=True, metric=True, metres_per_unit=5.0, focal_px=60.0)
    weights = dataclasses.replace(small_weights(), card=card)
    engine = engine_of(weights, max_depth_m=1e4)
    near, far = (
        engine.process(frame(1, dataclasses.replace(CAMERA, fx=focal, fy=focal)), motion=False)
        for focal in (100.0, 200.0)
    )
    assert near.camera.fx == pytest.approx(60.0)  # 320 x 96 is 192 x 64 for the network
    assert near.camera.fy == pytest.approx(66.7, abs=0.1)
    factor = 5.0 * np.sqrt(60.0 * 200 / 3) / 60.0
    assert (near.scale.metric, near.scale.factor) == (True, pytest.approx(factor))
    np.testing.assert_allclose(far.depth, 2 * near.depth, rtol=1e-5)
    moving = engine.process(frame(2, camera=None), depth=False)
    assert (moving.scale.metric, moving.scale.factor) == (True, pytest.approx(2 * factor))


def test_missing_weights_are_named(tmp_path):
    path = str(tmp_path / 'none.safetensors')
    with pytest.raises(WeightsError, match='none.safetensors do not exist'):
        Engine.load(EngineSettings(weights=path))


def test_the_same_frames_give_the_same_numbers():
    depths = DisparityRange(0.1, 100)
    assert untrained_weights().depths == depths
    runs = []
    for _ in range(2):
        engine = engine_of(small_weights())
        runs.append([engine.process(frame(i)) for i in range(4)])
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first.depth, second.depth)
    np.testing.assert_array_equal(runs[0][-1].odom_from_camera, runs[1][-1].odom_from_camera)


def test_another_odometry_is_fused_where_the_camera_has_a_place():
    chosen = {'odometry.fuse': True, 'scale.source': 'fixed'}
    engine = engine_of(small_weights(), **chosen)
    for number in range(6):
        engine.odometry_in.add(BasePose(number * 100_000_000, np.eye(4)))
        estimate = engine.process(frame(number), depth=False, base_from_camera=np.eye(4))
    assert engine.info.fusion == {'fused': 5}
    assert estimate.odom_covariance.max() < 1


@pytest.mark.parametrize('name', ['street', 'indoors'])
def test_it_is_said_which_weights_are_taken_and_what_they_are_for(name, caplog):
    caplog.set_level(logging.INFO, 'lsd_ros')
    Engine.load(EngineSettings(weights=name, backend='torch')).close()
    kind = {'street': 'for streets', 'indoors': 'for rooms and corridors'}[name]
    assert f'weights {name}: {kind}' in caplog.text
