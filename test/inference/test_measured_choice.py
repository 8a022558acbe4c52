import dataclasses
import logging

import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.errors import BackendError
from lsd_ros.inference.backends import choice, measured_choice
from lsd_ros.inference.backends.base import NetworkPair, Plan
from lsd_ros.inference.backends.measured_choice import Candidate, ranked, stored_images
from lsd_ros.inference.backends.torch_cpu import TorchCpuBackend
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import untrained_weights

SIZE = 96, 64
A, B, C = (Candidate('cpu', name, False) for name in 'abc')


@pytest.fixture
def weights(request):
    # of a file: another one for each test, so that nothing is known of it
    return dataclasses.replace(untrained_weights(), sha256=request.node.name)


@pytest.fixture
def times(monkeypatch):
    """Let candidates take what the test says, whatever the machine is busy with."""
    said = {A: 1.0, B: 1.0, C: 1.0}
    monkeypatch.setattr(
        measured_choice, '_times', lambda backends, _: {each: said[each] for each in backends}
    )
    return said


@pytest.fixture
def built(weights):
    """Build candidates that are the real network, and note how often."""
    real = TorchCpuBackend(Plan(weights, *SIZE, 1, False))
    count = []

    def build(candidate):
        count.append(candidate)
        return real

    build.count = count
    return build


def test_the_fastest_is_taken_and_the_reason_is_said_once(weights, times, built, caplog):
    times[B] = 0.5
    with caplog.at_level(logging.INFO):
        found = ranked([A, B, C], built, weights, SIZE, 1)
    assert found.candidates == [B, A, C]
    (record,) = caplog.records
    assert record.getMessage() == found.reason
    assert (
        'b in full precision is the fastest here, CPU time of the depth network: b' in found.reason
    )


def test_what_is_hardly_faster_is_not_taken(weights, times, built):
    times[B] = 0.97
    assert ranked([A, B], built, weights, SIZE, 1).candidates[0] == A


def test_what_was_measured_is_remembered_for_this_file_and_these_threads(weights, times, built):
    first = ranked([A, B], built, weights, SIZE, 1)
    times[B] = 0.1
    assert ranked([A, B], built, weights, SIZE, 1) == first
    assert built.count == [A, B], 'nothing is built to remember'
    assert ranked([A, B], built, weights, SIZE, 2).candidates[0] == B
    other = dataclasses.replace(weights, sha256=weights.sha256 + ' other')
    assert ranked([A, B], built, other, SIZE, 1).candidates[0] == B


@pytest.mark.parametrize('wrong', [0.97, float('nan')])
def test_a_wrong_one_is_never_taken_however_fast(wrong, weights, times, built, caplog):
    def building(candidate):
        backend = built(candidate)
        if candidate == A:
            return backend
        return NetworkPair(
            lambda images: backend.disparities(images) * np.float32(wrong), None, half=False
        )

    times[B] = 0.1
    assert ranked([A, B], building, weights, SIZE, 1).candidates == [A]
    assert 'b in full precision on cpu is not used: its depth is off by' in caplog.text


def test_nothing_right_is_one_sentence(weights, times):
    def failing(candidate):
        raise BackendError('no')

    with pytest.raises(BackendError, match='set backend to one by name'):
        ranked([A, B], failing, weights, SIZE, 1)


def test_what_says_what_is_right_of_another_shape_is_no_depth_to_judge_by(
    weights, times, built, monkeypatch, caplog
):
    monkeypatch.setattr(
        measured_choice, 'torch_says', lambda images, _: np.ones((len(images), 7, 9), np.float32)
    )
    with pytest.raises(BackendError, match='set backend to one by name'):
        ranked([A, B], built, weights, SIZE, 1)
    assert 'and what is right of (2, 7, 9)' in caplog.text


def test_stored_images_have_contrast():
    images = stored_images(*SIZE)
    assert images.shape == (2, 64, 96, 3)
    assert images.std(axis=(1, 2, 3)).min() > 30


def test_an_open_choice_is_measured_and_says_why(weights):
    given = settings.build(EngineSettings, {'device': 'cpu'})
    pytest.importorskip('openvino')
    pytest.importorskip('onnxruntime')
    backend = choice.open_backend(given, weights, *SIZE)
    assert f'{backend.name} in {backend.precision} precision is the fastest here' in backend.reason
    asked = settings.build(EngineSettings, {'device': 'cpu', 'backend': 'torch'})
    full = dataclasses.replace(asked, precision='full')
    assert choice.open_backend(full, weights, *SIZE).reason == ''
