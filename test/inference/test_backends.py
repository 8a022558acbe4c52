import dataclasses
import importlib.util
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lsd_ros import settings
from lsd_ros.errors import BackendError
from lsd_ros.inference.backends import choice, measured_choice, registry
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.small_depth_net import SmallDepthNet

CPU = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(name) is None, reason=f'{name} is not installed'
        ),
    )
    for name in registry.CPU_BACKENDS
]
GENERATOR = np.random.default_rng(0)
IMAGE = GENERATOR.integers(0, 256, (64, 96, 3), np.uint8)
FRAMES = GENERATOR.integers(0, 256, (3, 64, 96, 3), np.uint8)


@pytest.fixture(scope='module')
def weights():
    """Return weights whose depth network gives all that one can give."""
    torch.manual_seed(0)
    network = SmallDepthNet(SmallDepthSettings(uncertainty=True)).eval()
    return dataclasses.replace(untrained_weights(), depth=network)


@pytest.fixture(scope='module')
def truth(weights):
    normalise = Normalise(weights.preprocessing)
    with torch.inference_mode():
        disparity = weights.depth.read(normalise(torch.from_numpy(IMAGE)[None]))[0].numpy()
        planes = torch.cat(list(normalise(torch.from_numpy(FRAMES))))[None]
        return disparity, weights.pose(planes)[0].numpy()


def opened(weights, batch=1, **values):
    given = settings.build(EngineSettings, values)
    return choice.open_backend(given, weights, 96, 64, batch=batch)


@pytest.mark.parametrize('name', CPU)
def test_every_backend_is_equal_to_the_trained_network(name, weights, truth):
    backend = opened(weights, backend=name, device='cpu')
    assert (backend.name, backend.device) == (name, 'cpu')
    disparity, motions = truth
    assert disparity.shape == (2, 32, 48)
    assert disparity.std(axis=(1, 2)).min() > 1e-3, 'a map without contrast would prove nothing'
    np.testing.assert_allclose(backend.disparities(IMAGE[None])[0], disparity, rtol=1e-4)
    np.testing.assert_allclose(backend.motions(FRAMES[None])[0], motions, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize('name', CPU)
def test_a_batch_gives_what_its_images_give_alone(name, weights):
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (3, 64, 96, 3), np.uint8)
    frames = generator.integers(0, 256, (3, 3, 64, 96, 3), np.uint8)
    alone = opened(weights, backend=name, device='cpu')
    together = opened(weights, batch=3, backend=name, device='cpu')
    for size in (2, 1, 3):
        disparities = np.stack([alone.disparities(one[None])[0].copy() for one in images[:size]])
        np.testing.assert_allclose(together.disparities(images[:size]), disparities, rtol=1e-5)
        motions = np.stack([alone.motions(one[None])[0].copy() for one in frames[:size]])
        np.testing.assert_allclose(together.motions(frames[:size]), motions, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize('name', ['openvino', 'torch'])
def test_half_precision_is_near(name, weights, truth):
    pytest.importorskip(name)
    backend = opened(weights, backend=name, device='cpu', precision='half')
    (disparity,) = backend.disparities(IMAGE[None])
    assert disparity.dtype == np.float32
    np.testing.assert_allclose(disparity, truth[0], rtol=0.05)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='torch sees no CUDA device')
@pytest.mark.parametrize(('precision', 'tolerance'), [('full', 1e-2), ('half', 5e-2)])
def test_cuda_is_near_and_repeats_itself(precision, tolerance, weights, truth):
    backend = opened(weights, batch=2, device='cuda', precision=precision)
    first = backend.disparities(IMAGE[None]).copy()
    both = backend.disparities(np.stack([255 - IMAGE, IMAGE]))
    np.testing.assert_allclose(both[1:], first, rtol=tolerance)
    np.testing.assert_array_equal(backend.disparities(IMAGE[None]), first)
    np.testing.assert_allclose(first[0], truth[0], rtol=tolerance)
    motions = backend.motions(FRAMES[None])[0]
    np.testing.assert_allclose(motions, truth[1], rtol=tolerance, atol=1e-4)


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a CUDA device')
def test_cuda_that_is_not_there_is_refused_when_asked_for_by_name(weights):
    with pytest.raises(BackendError, match="no CUDA device: .* set device to 'cpu'"):
        opened(weights, device='cuda')


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a CUDA device')
@pytest.mark.parametrize('device', ['auto', 'cuda'])
def test_kernels_for_a_card_that_is_not_there_are_refused(device, weights):
    with pytest.raises(BackendError, match="CUDA.*: .*set (backend|device) to '(auto|cpu)'"):
        opened(weights, device=device, backend='triton')


def test_on_a_card_the_fastest_that_is_right_is_taken(weights, truth, monkeypatch):
    built, build = [], choice._build

    def on_the_cpu(device, name, plan):
        built.append((device, name, plan.half))
        made = build('cpu', 'torch', dataclasses.replace(plan, half=False))
        made.name = name
        return made

    monkeypatch.setattr(choice, 'has_cuda', lambda: True)
    monkeypatch.setattr(choice, '_is_installed', lambda name: True)
    monkeypatch.setattr(choice, '_build', on_the_cpu)
    monkeypatch.setattr(measured_choice, '_card', lambda: 'a card')
    monkeypatch.setattr(
        measured_choice,
        '_times',
        lambda backends, _: {each: 1 + (each.name != 'triton') for each in backends},
    )
    backend = opened(dataclasses.replace(weights, sha256='of a file'), device='cuda')
    assert backend.name == 'triton'
    assert 'triton in half precision is the fastest here, time of the depth' in backend.reason
    torches, kernels = (
        [('cuda', 'torch', half) for half in (True, False)],
        ('cuda', 'triton', True),
    )
    assert built == [torches[0], kernels, torches[1], kernels]


def test_what_fails_to_build_is_passed_over_with_its_reason(weights, monkeypatch, caplog):
    monkeypatch.setattr(choice, 'has_cuda', lambda: True)
    build = choice._build

    def failing(device, name, plan):
        if device == 'cuda':
            raise BackendError('CUDA cannot run the network: out of memory')
        return build(device, name, plan)

    monkeypatch.setattr(choice, '_build', failing)
    with caplog.at_level(logging.WARNING):
        assert opened(weights, device='auto').device == 'cpu'
    assert 'out of memory' in caplog.text


def test_the_fastest_installed_backend_is_the_default(weights, monkeypatch):
    installed = importlib.util.find_spec
    monkeypatch.setattr(
        choice.importlib.util,
        'find_spec',
        lambda name: None if name in ('openvino', 'onnxruntime') else installed(name),
    )
    assert opened(weights, device='cpu').name == 'torch'


def test_onnx_runtime_does_not_pretend_to_half_precision(weights):
    with pytest.raises(BackendError, match="precision is 'half'"):
        opened(weights, backend='onnxruntime', precision='half')


@pytest.mark.parametrize(('name', 'threads'), [('torch', 3), ('openvino', 1)])
def test_threads_are_bounded_and_those_of_torch_do_not_stand_in_the_way(name, threads, weights):
    pytest.importorskip(name)
    before = torch.get_num_threads()
    try:
        opened(weights, backend=name, device='cpu', threads=3)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


SIGNAL_AFTER_THE_END = """
import gc, os, signal, sys
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings

signal.signal(signal.SIGUSR1, lambda *_: print('handled'))
engine = Engine.load(EngineSettings(backend=sys.argv[1], device='cpu'))
engine.close()
del engine
gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
"""


@pytest.mark.parametrize('name', CPU)
def test_a_process_takes_signals_after_its_engine_is_gone(name):
    command = [sys.executable, '-c', SIGNAL_AFTER_THE_END, name]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, 'handled\n'), run.stderr


def test_openvino_converts_without_its_telemetry(tmp_path: Path) -> None:
    pytest.importorskip('openvino', reason='needs openvino')
    code = """
import multiprocessing, torch
from lsd_ros.inference.backends.openvino import converted
multiprocessing.Process = None  # what the telemetry forks with
class Half(torch.nn.Module):
    def forward(self, image):
        return image.float() / 2
converted(Half().eval(), (1, 4, 4, 3))
"""
    environment = {**os.environ, 'HOME': str(tmp_path)}
    done = subprocess.run(
        [sys.executable, '-c', code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [*tmp_path.rglob('*ga_cid')] == []
