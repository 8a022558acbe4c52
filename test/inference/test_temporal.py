from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.temporal import TemporalFilter
from lsd_ros.inference.temporal_settings import TemporalSettings
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.types import Camera, Frame

CAMERA = Camera(80, 60, 60.0, 60.0, 39.5, 29.5)
ON = TemporalSettings(filter=True)
STILL = np.eye(4)


def flat(depth: float) -> Any:
    return np.full((60, 80), 1 / depth, np.float32)


def forward(metres: float) -> Any:
    """Return current_from_previous of a camera that goes ahead."""
    motion = np.eye(4)
    motion[2, 3] = -metres
    return motion


def test_noise_of_a_camera_that_stands_is_averaged() -> None:
    rng = np.random.default_rng(0)
    steady = TemporalFilter()
    raw, out = [], []
    for _ in range(40):
        raw.append(flat(5.0) * rng.normal(1, 0.03, (60, 80)).astype(np.float32))
        out.append(steady.steadied(raw[-1], CAMERA, STILL, ON))
    jitter = [np.abs(np.diff(np.array(each[10:]), axis=0)).mean() for each in (raw, out)]
    assert jitter[1] < 0.5 * jitter[0]
    assert np.mean(out[10:]) == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize('step', [0.1, 0.5])
def test_wall_that_comes_nearer_is_where_it_is(step: float) -> None:
    steady = TemporalFilter()
    for number in range(8):
        truth = flat(6.0 - step * number)
        out = steady.steadied(truth, CAMERA, forward(step), ON)
        np.testing.assert_allclose(out[5:-5, 5:-5], truth[5:-5, 5:-5], rtol=1e-4)


def test_turn_moves_what_was_seen() -> None:
    steady = TemporalFilter()
    angle = np.radians(2.0)
    turn = np.eye(4)
    turn[:3, :3] = [
        [np.cos(angle), 0, -np.sin(angle)],
        [0, 1, 0],
        [np.sin(angle), 0, np.cos(angle)],
    ]
    x = (np.arange(80) - CAMERA.cx) / CAMERA.fx

    def wall(number: int) -> Any:  # z = 5 + 0.4 x before the turns
        normal = np.linalg.matrix_power(turn[:3, :3], number) @ [-0.4, 0, 1]
        rays = np.stack([x, np.zeros(80), np.ones(80)])
        return np.tile((normal @ rays / 5).astype(np.float32), (60, 1))

    for number in range(4):
        out = steady.steadied(wall(number), CAMERA, turn, ON)
        np.testing.assert_allclose(out, wall(number), rtol=5e-3)


def test_obstacle_is_there_at_once_and_gone_with_the_second_frame() -> None:
    steady = TemporalFilter()
    empty = flat(8.0)
    filled = empty.copy()
    filled[20:40, 30:50] = 1 / 2.0
    for _ in range(3):
        steady.steadied(empty, CAMERA, STILL, ON)
    np.testing.assert_array_equal(steady.steadied(filled, CAMERA, STILL, ON), filled)
    once = steady.steadied(empty, CAMERA, STILL, ON)
    np.testing.assert_allclose(once[22:38, 32:48], 0.5)  # one frame may be wrong
    np.testing.assert_allclose(steady.steadied(empty, CAMERA, STILL, ON), empty)


def test_flicker_of_one_frame_is_gone() -> None:
    steady = TemporalFilter()
    filled = flat(8.0)
    filled[20:40, 30:50] = 1 / 2.0
    for _ in range(3):
        steady.steadied(filled, CAMERA, STILL, ON)
    np.testing.assert_allclose(steady.steadied(flat(8.0), CAMERA, STILL, ON)[22:38, 32:48], 0.5)
    np.testing.assert_allclose(steady.steadied(filled, CAMERA, STILL, ON), filled)


def test_without_motion_or_with_another_camera_nothing_is_compared() -> None:
    steady = TemporalFilter()
    steady.steadied(flat(2.0), CAMERA, STILL, ON)
    np.testing.assert_array_equal(steady.steadied(flat(8.0), CAMERA, None, ON), flat(8.0))
    other = dataclasses.replace(CAMERA, fx=50.0)
    np.testing.assert_array_equal(steady.steadied(flat(2.0), other, STILL, ON), flat(2.0))
    steady.forget()
    np.testing.assert_array_equal(steady.steadied(flat(8.0), other, STILL, ON), flat(8.0))


def test_engine_steadies_depth_whether_or_not_anybody_wants_motion() -> None:
    weights = dataclasses.replace(
        untrained_weights(), preprocessing=Preprocessing(width=160, height=64)
    )
    camera = Camera(320, 128, 200, 200, 159.5, 63.5)
    rng = np.random.default_rng(0)
    base = np.kron(rng.integers(20, 230, (16, 40, 3)), np.ones((8, 8, 1))).astype(int)

    def jitter(on: bool) -> float:
        values = {'backend': 'torch', 'device': 'cpu', 'temporal.filter': on}
        engine = Engine(settings.build(EngineSettings, values), weights, 'test')
        noise = np.random.default_rng(1)
        depths = []
        for number in range(12):
            pixels = np.clip(base + noise.normal(0, 10, base.shape), 0, 255).astype(np.uint8)
            estimate = engine.process(Frame(number * 10**8, 'c', pixels, camera), motion=False)
            assert estimate.depth is not None
            assert estimate.motion is None
            assert ('temporal filter' in estimate.stages_s) == on
            depths.append(np.log(estimate.depth))
        return float(np.abs(np.diff(np.array(depths[4:]), axis=0)).mean())

    assert jitter(True) < 0.8 * jitter(False)
