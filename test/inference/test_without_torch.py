"""What a robot that has no torch, or does not want to wait for it, can do."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lsd_ros.cli.main import main
from lsd_ros.errors import BackendError
from lsd_ros.inference.backends import exported_graphs
from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.backends.exported_graphs import (
    graph_key,
    graphs_bytes,
    judged_key,
    judged_without_torch,
)
from lsd_ros.inference.backends.inference_network import InferenceNetwork, depth_network
from lsd_ros.inference.rewrite import depth_inference
from lsd_ros.models.checkpoint import load_weights, save_weights, untrained_weights
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.shipped import weights_file
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.stored_weights import sealed
from lsd_ros.models.weights import Weights

ROOT = Path(__file__).resolve().parents[2]
# torch cannot be imported in here, by whatever name of its modules
WITHOUT = """
import importlib.abc
import importlib.machinery
import sys

class Refusal(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] != 'torch':
            return None
        if 'without' in sys.argv:
            raise ImportError('there is no torch here')
        return importlib.machinery.ModuleSpec(name, self)

    def exec_module(self, module):
        raise OSError('libcublas.so: cannot open shared object file')

if 'without' in sys.argv or 'broken' in sys.argv:
    sys.meta_path.insert(0, Refusal())

import numpy as np
from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.choice import has_native_half
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.publication.judging import Demand, Judge
from lsd_ros.types import Camera, Frame

precision = 'auto' if 'measured' in sys.argv else 'full'
settings = EngineSettings(weights=sys.argv[2], backend=sys.argv[1], precision=precision, threads=1)
try:
    engine = Engine.load(settings)
except BackendError as error:
    sys.exit(f'refused: {error}')
image = np.arange(375 * 1242 * 3, dtype=np.uint32).reshape(375, 1242, 3).astype(np.uint8)
camera = Camera(1242, 375, 720.0, 720.0, 620.5, 187.0)
for number in range(3):
    frame = Frame(number * 10**8 + 1, 'camera', image, camera)
    estimate = Judge(engine, None).judge(frame.stamp_ns, 0.0, lambda look: frame, Demand(),
                                         lambda frame_id: None).estimate
assert ('torch' in sys.modules) == (not {'without', 'broken'} & set(sys.argv))
if 'measured' in sys.argv:
    assert 'is the fastest here' in engine.info.reason or not has_native_half('cpu')
print(repr(float(estimate.depth.mean())), repr(float(estimate.motion.current_from_previous.sum())))
"""


def said(
    cache: Path, backend: str, *words: str, weights: Path | str = ''
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, 'XDG_CACHE_HOME': str(cache), 'PYTHONPATH': str(ROOT)}
    call = [sys.executable, '-c', WITHOUT, backend, str(weights), *words]
    return subprocess.run(call, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_networks_that_were_built_once_run_where_torch_cannot_be_imported(
    backend: str, tmp_path: Path
) -> None:
    pytest.importorskip(backend, reason=f'needs {backend}')
    for kind in ('without', 'broken'):
        never = said(tmp_path, backend, kind)
        assert never.returncode == 1
        assert 'Traceback' not in never.stderr
        assert 'pip install torch' in never.stderr
    built = said(tmp_path, backend)
    assert built.returncode == 0, built.stderr
    again = said(tmp_path, backend, 'without')
    assert again.returncode == 0, again.stderr
    assert again.stdout == built.stdout


def test_what_was_measured_with_torch_is_chosen_without_it(tmp_path: Path) -> None:
    pytest.importorskip('openvino', reason='needs openvino')
    built = said(tmp_path, 'auto', 'measured')
    assert built.returncode == 0, built.stderr
    again = said(tmp_path, 'auto', 'measured', 'without')
    assert again.returncode == 0, again.stderr
    assert again.stdout == built.stdout


@pytest.mark.parametrize('backend', ['torch', 'auto'])
def test_a_torch_that_cannot_be_loaded_is_a_sentence(backend: str, tmp_path: Path) -> None:
    refused = said(tmp_path, backend, 'broken')
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith('refused: ')
    assert 'pip install torch' in refused.stderr
    assert 'Traceback' not in refused.stderr


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the weights that come with the package, and export their graphs beside them."""
    for library in ('onnx', 'onnxruntime'):
        pytest.importorskip(library, reason=f'needs {library}')
    weights = tmp_path_factory.mktemp('exported') / 'robot.safetensors'
    shutil.copy(weights_file(''), weights)
    assert main(['export', '--format', 'graphs', '--weights', str(weights)]) == 0
    assert weights.with_suffix('.graphs').is_file()
    return weights


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_exported_graphs_give_the_depth_of_torch_where_there_is_none(
    backend: str, exported: Path, tmp_path: Path
) -> None:
    pytest.importorskip(backend, reason=f'needs {backend}')
    wanted = said(tmp_path / 'with', backend, weights=exported)
    assert wanted.returncode == 0, wanted.stderr
    for kind in ('without', 'broken'):
        found = said(tmp_path / kind, backend, kind, weights=exported)
        assert found.returncode == 0, found.stderr
        numbers = [[float(word) for word in each.stdout.split()] for each in (found, wanted)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-5)


def test_backends_are_measured_without_torch_by_what_it_said_at_the_export(
    exported: Path, tmp_path: Path
) -> None:
    pytest.importorskip('openvino', reason='needs openvino')
    found = said(tmp_path, 'auto', 'measured', 'without', weights=exported)
    assert found.returncode == 0, found.stderr


def test_graphs_that_do_not_fit_or_are_damaged_are_a_sentence(
    exported: Path, tmp_path: Path
) -> None:
    pytest.importorskip('openvino', reason='needs openvino')
    weights, graphs = tmp_path / 'other.safetensors', tmp_path / 'other.graphs'
    save_weights(untrained_weights(), weights)
    shutil.copy(exported.with_suffix('.graphs'), graphs)
    other = said(tmp_path, 'openvino', 'without', weights=weights)
    assert 'are of other weights, or of another version of lsd_ros' in other.stderr
    data = bytearray(graphs.read_bytes())
    data[-1] ^= 1
    for damaged in (data, data[: len(data) // 2], b'ONNX'):
        graphs.write_bytes(damaged)
        refused = said(tmp_path, 'openvino', 'without', weights=weights)
        assert refused.returncode == 1
        assert f'refused: the graphs {graphs} are damaged' in refused.stderr
        assert 'Traceback' not in refused.stderr
    auto = said(tmp_path, 'auto', 'without', weights=weights)
    assert auto.stderr.splitlines()[-1].count('are damaged') == 1  # two backends say the same
    graphs.unlink()
    missing = said(tmp_path, 'openvino', 'without', weights=weights)
    assert f'copy what it writes to {graphs}' in missing.stderr
    assert 'pip install torch' in missing.stderr


@pytest.fixture
def unsure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weights:
    """Save weights that know their uncertainty; graphs are taken as where torch is missing."""
    torch.manual_seed(0)
    network = SmallDepthNet(SmallDepthSettings(uncertainty=True)).eval()
    path = tmp_path / 'unsure.safetensors'
    save_weights(dataclasses.replace(untrained_weights(), depth=network), path)

    def missing() -> None:
        raise BackendError('torch cannot be loaded')

    monkeypatch.setattr(exported_graphs, 'load_torch', missing)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return load_weights(path)


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_exported_graphs_know_the_uncertainty_that_torch_says(
    backend: str, unsure: Weights
) -> None:
    for library in ('onnx', 'onnxruntime', backend):
        pytest.importorskip(library, reason=f'needs {library}')
    assert main(['export', '--format', 'graphs', '--weights', str(unsure.path)]) == 0
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 160, 3), np.uint8)
    with torch.inference_mode():
        wanted = depth_inference(unsure)(torch.from_numpy(images)).numpy()
    assert wanted.shape == (1, 2, 32, 80)
    network = dataclasses.replace(
        depth_network(unsure), build=lambda: pytest.fail('it is built, and not read')
    )
    plan = Plan(unsure, 160, 64, threads=1, half=False)
    runner = importlib.import_module(f'lsd_ros.inference.backends.{backend}').runner
    found = runner(network, plan.image_shapes, plan)(images)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_graphs_that_are_no_onnx_are_to_be_exported_again(backend: str, unsure: Weights) -> None:
    pytest.importorskip(backend, reason=f'needs {backend}')
    network = depth_network(unsure)
    assert network.graphs is not None
    network.graphs.write_bytes(graphs_bytes({graph_key(network): b'no ONNX'}, {}, 'a test'))
    plan = Plan(unsure, 160, 64, threads=1, half=False)
    runner = importlib.import_module(f'lsd_ros.inference.backends.{backend}').runner
    with pytest.raises(BackendError, match=r'unsure\.graphs are damaged: .* write them again'):
        runner(network, plan.image_shapes, plan)


def test_what_torch_said_is_not_read_at_another_shape(tmp_path: Path) -> None:
    graphs, values = tmp_path / 'robot.graphs', np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    network = InferenceNetwork(lambda: pytest.fail('it is not built'), 'robot', graphs)
    data = graphs_bytes({}, {judged_key(network, (32, 64)): values}, 'a test')
    graphs.write_bytes(data)
    found = judged_without_torch(network, (32, 64))
    assert found is not None
    np.testing.assert_array_equal(found, values)
    graphs.write_bytes(
        sealed(data.replace(b'[1, 2, 3]', b'[1, 2, 4]').replace(b'[1,2,3]', b'[1,2,4]'))[0]
    )
    assert judged_without_torch(network, (32, 64)) is None


def test_a_stored_network_that_onnx_runtime_cannot_load_is_exported_anew(tmp_path: Path) -> None:
    pytest.importorskip('onnxruntime', reason='needs onnxruntime')
    built = said(tmp_path, 'onnxruntime')
    assert built.returncode == 0, built.stderr
    stored = list((tmp_path / 'lsd_ros' / 'compiled').iterdir())
    assert len(stored) == 2
    for path in stored:
        path.write_bytes(hashlib.sha256(b'garbage').digest() + b'garbage')
    again = said(tmp_path, 'onnxruntime')
    assert again.returncode == 0, again.stderr
    assert again.stdout == built.stdout
