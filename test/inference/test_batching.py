"""Several cameras on one set of networks: each gets its own answer, whoever else asks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.batching import BatchingBackend
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.shared_networks import SharedNetworks
from lsd_ros.types import Camera, Frame

ENOUGH_S = 20


class Doubling:
    """A backend whose answers tell what it was asked, and that counts how."""

    name, device = 'doubling', 'cpu'

    def __init__(self):
        self.batches = []
        self.threads_inside = 0
        self.entered = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.out = np.empty(0)

    def disparities(self, images):
        return self._run('depth', 2 * images[:, None, :, :, 0].astype(np.float32))

    def motions(self, frames):
        return self._run('pose', frames[:, :2, 0, :6, 0].astype(np.float32))

    def _run(self, network, out):
        self.threads_inside += 1
        assert self.threads_inside == 1, 'two threads in one network'
        self.entered.set()
        assert self.may_go_on.wait(ENOUGH_S)
        self.batches.append((network, len(out)))
        self.out.fill(np.nan)  # as a backend that writes over its own
        self.out = out
        self.threads_inside -= 1
        if (out == 2 * 255).any():
            raise BackendError('white is too bright')
        return out


def image(value):
    return np.full((1, 4, 6, 3), value, np.uint8)


def waiting(front, number):
    """Wait until so many cameras wait for the networks."""
    deadline = threading.Event()
    for _ in range(1000):
        if len(front._waiting) == number:
            return
        deadline.wait(ENOUGH_S / 1000)
    raise AssertionError(f'{len(front._waiting)} wait, not {number}')


def test_many_threads_get_what_they_asked_for_in_the_order_they_asked():
    backend = Doubling()
    front = BatchingBackend(backend, 4)
    frames = np.arange(3 * 4 * 6 * 3, dtype=np.uint8).reshape(1, 3, 4, 6, 3)

    def camera(number):
        for value in range(number, 250, 8):
            depth = front.disparities(image(value))
            motion = front.motions(frames + np.uint8(number))
            assert (depth == 2 * value).all()
            np.testing.assert_array_equal(motion, (frames + np.uint8(number))[:, :2, 0, :6, 0])

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(camera, number) for number in range(8)]:
            done.result(ENOUGH_S)
    assert max(size for _, size in backend.batches) <= 4
    assert sum(size for _, size in backend.batches) == 2 * sum(
        len(range(number, 250, 8)) for number in range(8)
    )


def test_what_waits_goes_together_and_a_single_camera_waits_for_nobody():
    backend = Doubling()
    front = BatchingBackend(backend, 3)
    front.disparities(image(1))
    assert backend.batches == [('depth', 1)]
    backend.entered.clear()
    backend.may_go_on.clear()
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(front.disparities, image(2))
        assert backend.entered.wait(ENOUGH_S)
        others = []
        for number in range(4):
            others.append(pool.submit(front.disparities, image(10 + number)))
            waiting(front, number + 1)
        frames = np.zeros((1, 3, 4, 6, 3), np.uint8)
        pose = pool.submit(front.motions, frames)
        waiting(front, 5)
        backend.may_go_on.set()
        assert (first.result(ENOUGH_S) == 4).all()
        for number, other in enumerate(others):
            assert (other.result(ENOUGH_S) == 20 + 2 * number).all()
        pose.result(ENOUGH_S)
    assert backend.batches[1:] == [('depth', 1), ('depth', 3), ('depth', 1), ('pose', 1)]


def test_a_failing_camera_fails_alone():
    backend = Doubling()
    front = BatchingBackend(backend, 4)
    backend.may_go_on.clear()
    with ThreadPoolExecutor(4) as pool:
        held = pool.submit(front.disparities, image(0))
        assert backend.entered.wait(ENOUGH_S)
        wanted = [pool.submit(front.disparities, image(value)) for value in (3, 255, 5)]
        waiting(front, 3)
        backend.may_go_on.set()
        held.result(ENOUGH_S)
        with pytest.raises(BackendError, match='too bright'):
            wanted[1].result(ENOUGH_S)
        assert (wanted[0].result(ENOUGH_S) == 6).all()
        assert (wanted[2].result(ENOUGH_S) == 10).all()
    assert (front.disparities(image(7)) == 14).all()


def test_engines_that_share_say_what_engines_alone_say():
    given = settings.build(EngineSettings, {'device': 'cpu', 'backend': 'torch', 'threads': 1})
    camera = Camera(208, 64, 120.0, 120.0, 103.5, 31.5)
    generator = np.random.default_rng(0)
    drives = generator.integers(0, 256, (3, 4, 64, 208, 3), np.uint8)
    shared = SharedNetworks(3)
    engines = [shared.engine(given) for _ in drives]
    assert len({id(engine._prepared.backend) for engine in engines}) == 1
    assert len({id(engine._weights) for engine in engines}) == 1

    def drive(engine, images):
        frames = (
            Frame(index * 50_000_000, 'camera', pixels, camera)
            for index, pixels in enumerate(images)
        )
        return [engine.process(frame) for frame in frames]

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(drive, engines, drives))
    for images, found in zip(drives, together, strict=True):
        for one, other in zip(drive(Engine.load(given), images), found, strict=True):
            np.testing.assert_array_equal(one.depth, other.depth)
            assert (one.motion is None) == (other.motion is None)
            if one.motion is not None:
                np.testing.assert_array_equal(one.odom_from_camera, other.odom_from_camera)


def test_other_settings_and_sizes_have_networks_of_their_own_and_unused_ones_are_freed():
    given = {'device': 'cpu', 'backend': 'torch', 'threads': 1}
    shared = SharedNetworks(2)
    one = shared.engine(settings.build(EngineSettings, given))
    other = shared.engine(settings.build(EngineSettings, {**given, 'precision': 'half'}))
    assert one._prepared.backend is not other._prepared.backend
    assert one._weights is other._weights
    assert len(shared._backends) == 2
    other.process(Frame(1, 'camera', np.zeros((64, 64, 3), np.uint8)), depth=False)
    assert other.info.network_size != one.info.network_size
    other.close()
    assert list(shared._backends.values()) == [one._prepared.backend]
    one.close()
    assert not shared._backends
