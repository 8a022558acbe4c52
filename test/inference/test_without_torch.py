"""What a robot that has no torch, or does not want to wait for it, can do."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.publication.judging import Demand, Judge
from lsd_ros.types import Camera, Frame

precision = 'auto' if 'measured' in sys.argv else 'full'
settings = EngineSettings(backend=sys.argv[1], precision=precision, threads=1)
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
assert ('torch' in sys.modules) == ('without' not in sys.argv)
print(repr(float(estimate.depth.mean())), repr(float(estimate.motion.current_from_previous.sum())))
"""


def said(cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, 'XDG_CACHE_HOME': str(cache), 'PYTHONPATH': str(ROOT)}
    call = [sys.executable, '-c', WITHOUT, *words]
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
