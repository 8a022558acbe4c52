"""A device that fails while the robot drives."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lsd_ros import settings
from lsd_ros.errors import BackendError, DeviceMemoryError
from lsd_ros.inference.backends import choice
from lsd_ros.inference.backends.cuda import CudaNetwork
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import untrained_weights

IMAGES = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)
FRAMES = np.random.default_rng(0).integers(0, 256, (1, 3, 64, 96, 3), np.uint8)


class FullCard:
    """A card that has room for a while."""

    name = 'torch'
    device = 'cuda (a card)'

    def __init__(self, on_cpu):
        self._on_cpu = on_cpu
        self.full = False

    def disparities(self, images):
        return self._run(self._on_cpu.disparities, images)

    def motions(self, frames):
        return self._run(self._on_cpu.motions, frames)

    def _run(self, network, data):
        if self.full:
            raise DeviceMemoryError('CUDA failed while running: CUDA out of memory')
        return network(data)


@pytest.fixture(scope='module')
def weights():
    return untrained_weights()


@pytest.fixture
def card(weights, monkeypatch):
    """Put a card into this machine."""
    monkeypatch.setattr(choice, 'has_cuda', lambda: True)
    build = choice._build
    plan = choice.Plan(weights, 96, 64, 1, False)
    made = FullCard(build('cpu', 'torch', plan))

    def building(device, name, plan):
        return made if device == 'cuda' else build(device, name, plan)

    monkeypatch.setattr(choice, '_build', building)
    return made


def opened(weights, **values):
    given = settings.build(EngineSettings, {'backend': 'torch', **values})
    return choice.open_backend(given, weights, 96, 64)


@pytest.mark.parametrize('call', ['disparities', 'motions'])
def test_full_card_gives_way_to_the_cpu_and_no_image_is_lost(call, card, weights, caplog):
    backend = opened(weights, device='auto')
    data = {'disparities': IMAGES, 'motions': FRAMES}[call]
    before = getattr(backend, call)(data).copy()
    assert backend.device == 'cuda (a card)'
    card.full = True
    with caplog.at_level(logging.ERROR):
        np.testing.assert_allclose(getattr(backend, call)(data), before, rtol=1e-5)
        getattr(backend, call)(data)
    assert (backend.name, backend.device) == ('torch', 'cpu')
    (record,) = caplog.records
    assert 'cuda (a card) failed, the network runs in torch on cpu' in record.getMessage()
    assert 'out of memory' in record.getMessage()


def test_full_card_that_was_asked_for_by_name_is_an_error_and_is_tried_again(card, weights):
    backend = opened(weights, device='cuda')
    card.full = True
    with pytest.raises(DeviceMemoryError, match='out of memory'):
        backend.disparities(IMAGES)
    card.full = False
    assert backend.disparities(IMAGES).shape[0] == 1


@pytest.mark.parametrize(
    ('error', 'kind'),
    [
        (
            torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB'),
            DeviceMemoryError,
        ),
        (RuntimeError('CUDA error: out of memory\nmore'), DeviceMemoryError),
        (RuntimeError('CUDA error: device-side assert triggered'), BackendError),
    ],
)
def test_full_memory_is_told_from_other_failures_of_cuda(error, kind, monkeypatch):
    def replay():
        raise error

    network = CudaNetwork.__new__(CudaNetwork)
    network._pinned_in = torch.zeros(IMAGES.shape, dtype=torch.uint8)
    network._stream = None
    network._graph = SimpleNamespace(replay=replay)
    with pytest.raises(BackendError) as caught:
        network(IMAGES)
    assert type(caught.value) is kind
    assert 'more' not in str(caught.value)
