from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.errors import BackendError, PreparingError
from lsd_ros.inference.beside import Beside, is_at_work
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.preparing import PreparedNetworks
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.types import Camera, Frame

WAIT_S = 20.0


class Builder:
    """Builds when it is told to, and remembers what for."""

    def __init__(self) -> None:
        self.built: list[tuple[int, int]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: Exception | None = None

    def __call__(self, width: int, height: int) -> Any:
        assert self.go_on.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        self.built.append((width, height))
        return SimpleNamespace(name='test', device='cpu', size=(width, height))


def fitted(networks: PreparedNetworks, size: tuple[int, int]) -> None:
    """Ask until they are ready."""
    for _ in range(1000):
        try:
            networks.fit(size, 'images of 640 x 480')
        except PreparingError:
            threading.Event().wait(0.02)
        else:
            return
    pytest.fail('the networks never became ready')


def test_other_size_is_built_beside_and_said_to_be_so() -> None:
    build = Builder()
    networks = PreparedNetworks(build, (416, 128), beside=True)
    first = networks.backend
    build.go_on.clear()
    with pytest.raises(PreparingError, match=r'256 x 192 are being built for images of 640 x 480'):
        networks.fit((256, 192), 'images of 640 x 480')
    networks.fit((416, 128), 'images of 1242 x 375')  # what is there goes on
    assert networks.backend is first
    assert is_at_work()
    build.go_on.set()
    fitted(networks, (256, 192))
    assert networks.size == networks.backend.size == (256, 192)  # type: ignore[attr-defined]
    assert build.built == [(416, 128), (256, 192)]


def test_camera_that_goes_to_and_fro_builds_once() -> None:
    build = Builder()
    networks = PreparedNetworks(build, (416, 128), beside=True)
    for size in [(256, 192), (416, 128)] * 3:
        fitted(networks, size)
    assert build.built == [(416, 128), (256, 192)]


def test_size_that_changes_again_while_one_is_built_is_built_after_it() -> None:
    build = Builder()
    networks = PreparedNetworks(build, (416, 128), beside=True)
    build.go_on.clear()
    for size in [(256, 192), (320, 320)]:
        with pytest.raises(PreparingError):
            networks.fit(size, 'images')
    build.go_on.set()
    fitted(networks, (320, 320))
    assert networks.backend.size == (320, 320)  # type: ignore[attr-defined]


def test_what_cannot_be_built_is_said_and_tried_again() -> None:
    build = Builder()
    networks = PreparedNetworks(build, (416, 128), beside=True)
    build.error = BackendError('it is full')
    with pytest.raises(BackendError, match='it is full'):
        fitted(networks, (256, 192))
    build.error = None
    fitted(networks, (256, 192))


def test_without_beside_it_is_waited_for() -> None:
    networks = PreparedNetworks(Builder(), (416, 128), beside=False)
    networks.fit((256, 192), 'images')
    assert networks.size == (256, 192)


def test_error_of_a_thread_belongs_to_whoever_asks() -> None:
    def fail() -> int:
        raise ValueError('no')

    beside = Beside(fail)
    assert beside.wait(WAIT_S)
    with pytest.raises(ValueError, match='no'):
        beside.result()


def test_engine_goes_on_with_the_size_that_it_has() -> None:
    wanted = settings.build(EngineSettings, {'backend': 'torch', 'device': 'cpu'})
    engine = Engine(wanted, untrained_weights(), 'test', beside=True)

    def frame(width: int, height: int, number: int) -> Frame:
        image = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
        camera = Camera(width, height, width, width, width / 2, height / 2)
        return Frame(number * 10**8, 'camera', image, camera)

    assert engine.process(frame(416, 128, 0)).depth is not None
    with pytest.raises(PreparingError, match='images of 640 x 480'):
        engine.process(frame(640, 480, 1))
    assert engine.process(frame(416, 128, 2)).depth is not None
    for number in range(3, 1000):
        try:
            estimate = engine.process(frame(640, 480, number))
        except PreparingError:
            threading.Event().wait(0.02)
        else:
            break
    assert estimate.depth is not None
    assert engine.info.network_size == (estimate.depth.shape[1], estimate.depth.shape[0])
