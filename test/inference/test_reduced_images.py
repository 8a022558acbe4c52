"""A JPEG that is read smaller says what the whole one says."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.errors import FrameError
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.messages.decode import frame_from_message
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.safety.image import image_findings, sharpness
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion, Frame

Pixels = NDArray[Any]
HEIGHT, WIDTH = 541, 963  # which neither 2 nor 4 nor 8 divides
CAMERA = Camera(WIDTH, HEIGHT, 600.0, 610.0, 470.3, 280.9)
LENS = Distortion(
    'plumb_bob', (-0.3, 0.1, 0.001, 0.0, 0.0), IDENTITY_ROTATION, (560.0, 570.0, 481.0, 270.0)
)
BENT = dataclasses.replace(CAMERA, distortion=LENS)
SMALL = Preprocessing(width=192, height=96)  # a fifth of the image


def scene(seed: int = 0) -> Pixels:
    """Draw boxes of all sizes, as sharp as a lens makes them."""
    rng = np.random.default_rng(seed)
    image = np.full((HEIGHT, WIDTH, 3), 140, np.uint8)
    for left, top, width, height, *colour in rng.integers(
        (-40, -40, 6, 6, 10, 10, 10), (WIDTH, HEIGHT, 200, 120, 240, 240, 240), (200, 7)
    ).tolist():
        cv2.rectangle(image, (left, top), (left + width, top + height), colour, -1)
    noise = rng.normal(0, 2, image.shape)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def message(image: Pixels, quality: int = 95, stamp_s: int = 1) -> Any:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    data = cv2.imencode('.jpg', np.ascontiguousarray(image[..., ::-1]), options)[1]
    header = SimpleNamespace(stamp=SimpleNamespace(sec=stamp_s, nanosec=0), frame_id='eye')
    return SimpleNamespace(format='jpeg', data=data.ravel(), header=header)


def engine_of(preprocessing: Preprocessing = SMALL, **values: Any) -> Engine:
    values = {'backend': 'torch', 'device': 'cpu', 'threads': 1, **values}
    weights = dataclasses.replace(untrained_weights(), preprocessing=preprocessing)
    return Engine(settings.build(EngineSettings, values), weights, 'test')


def both(image: Pixels, camera: Camera | None, engine: Engine) -> tuple[Frame, Frame]:
    """Return the frame as it is read whole, and as the engine lets it be read."""
    return (
        frame_from_message(message(image), camera),
        frame_from_message(message(image), camera, turned=True, factor_of=engine.reduction),
    )


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize('factor', [2, 4, 8])
@pytest.mark.parametrize('fit', ['stretch', 'crop', 'keep_aspect'])
def test_a_point_is_where_the_camera_of_the_network_input_projects_it(
    fit: str, factor: int
) -> None:
    """Within a fiftieth of a pixel; half a pixel of the whole image would be twice as much."""
    preprocessing = Preprocessing(fit=fit, width=192, height=96)
    for point in (np.array([5.0, 2.6, 12.0]), np.array([-4.0, -1.7, 12.0])):
        u, v = (CAMERA.matrix @ point)[:2] / point[2]
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        dot = 255 * np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (2 * 14.0**2))
        image = np.repeat(dot[..., None], 3, axis=2).round().astype(np.uint8)
        frame = frame_from_message(message(image, 100), CAMERA, factor_of=lambda *_: factor)
        assert frame.factor == factor
        assert frame.image.shape[:2] == (-(-HEIGHT // factor), -(-WIDTH // factor))
        small, camera = preprocessing.prepare(
            frame.image, frame.camera, whole=frame.size, factor=factor
        )
        assert camera is not None
        weights = small[..., 1].astype(float)
        rows, columns = np.mgrid[: camera.height, : camera.width]
        seen = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
        expected = (camera.matrix @ point)[:2] / point[2]
        half = 0.5 * min(camera.width / WIDTH, camera.height / HEIGHT)
        assert half > 0.04
        np.testing.assert_allclose(seen, expected, atol=0.02)


@pytest.mark.parametrize('camera', [CAMERA, BENT], ids=['straight', 'bent'])
def test_the_network_sees_the_same(camera: Camera) -> None:
    engine = engine_of(
        distortion='undistort', **{'mask.polygons': '0.3 0.8, 0.7 0.8, 0.7 1, 0.3 1'}
    )
    frames = both(scene(), camera, engine)
    assert [frame.factor for frame in frames] == [1, 2]
    whole, reduced = (engine.process(frame) for frame in frames)
    assert whole.image is not None
    assert reduced.image is not None
    assert whole.depth is not None
    assert reduced.depth is not None
    moved = engine.process(dataclasses.replace(frames[0], image=np.roll(frames[0].image, 1, 1)))
    assert moved.image is not None
    apart = difference(reduced.image, whole.image)
    assert apart < 0.6
    # by half a pixel of what was read: it would be seen
    assert difference(moved.image, whole.image) > 2 * apart
    assert reduced.camera == whole.camera
    np.testing.assert_array_equal(np.isnan(reduced.depth), np.isnan(whole.depth))
    assert np.isnan(whole.depth).any()
    np.testing.assert_allclose(reduced.depth, whole.depth, rtol=0.01)


def test_images_are_read_smaller_where_enough_is_left() -> None:
    engine = engine_of()
    assert [engine.reduction(w, h) for w, h in ((250, 126), (700, 350), (1400, 700))] == [1, 2, 4]
    assert engine.reduction(4000, 60) == 1
    assert engine.reduction(3840, 2160) == 8
    assert engine_of(depth_size='camera').reduction(3840, 2160) == 1
    shipped = engine_of(Preprocessing())
    sizes = (1242, 375), (1280, 720), (1920, 1080), (3840, 2160)
    assert [shipped.reduction(*size) for size in sizes] == [1, 2, 2, 4]


def test_depth_of_the_size_of_the_camera_image_is_not_made_of_less() -> None:
    engine = engine_of(depth_size='camera')
    frame = frame_from_message(message(scene()), CAMERA, factor_of=lambda *_: 2)
    with pytest.raises(FrameError, match="read smaller, by 2, and depth_size is 'camera'"):
        engine.process(frame)


@pytest.mark.parametrize('made', ['good', 'dark', 'white', 'blurred'])
def test_the_checks_of_the_image_say_the_same(made: str) -> None:
    image = scene(3)
    if made == 'dark':
        image = image // 30
    elif made == 'white':
        image = np.clip(image.astype(int) + 200, 0, 255).astype(np.uint8)
    elif made == 'blurred':
        image = cv2.GaussianBlur(image, (0, 0), 30)
    engine = engine_of()
    seen: list[Pixels] = []
    for frame in both(image, CAMERA, engine):
        engine.process(frame, inspect=seen.append)
    whole, reduced = ([f.fault for f in image_findings(s, SafetySettings())] for s in seen)
    assert whole == reduced
    assert bool(whole) == (made != 'good')
    if made in ('good', 'blurred'):
        sharp = [
            sharpness(np.asarray(cv2.cvtColor(s, cv2.COLOR_RGB2GRAY), np.uint8)) for s in seen
        ]
        assert sharp[0] is not None
        assert sharp[1] == pytest.approx(sharp[0], rel=0.1)
