"""What a robot that has no torch, or does not want to wait for it, can do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# torch cannot be imported in here, by whatever name of its modules
WITHOUT = """
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'torch':
            raise ImportError('there is no torch here')

if 'without' in sys.argv:
    sys.meta_path.insert(0, Refusal())

import numpy as np
from lsd_ros.errors import BackendError
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.publication.judging import Demand, Judge
from lsd_ros.types import Camera, Frame

settings = EngineSettings(backend=sys.argv[1], precision='full', threads=1)
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


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_networks_that_were_built_once_run_where_torch_cannot_be_imported(
    backend: str, tmp_path: Path
) -> None:
    pytest.importorskip(backend, reason=f'needs {backend}')

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, 'XDG_CACHE_HOME': str(tmp_path), 'PYTHONPATH': str(ROOT)}
        call = [sys.executable, '-c', WITHOUT, backend, *words]
        return subprocess.run(call, env=environment, capture_output=True, text=True, check=False)

    never = said('without')
    assert never.returncode == 1
    assert 'pip install torch' in never.stderr
    built = said()
    assert built.returncode == 0, built.stderr
    again = said('without')
    assert again.returncode == 0, again.stderr
    assert again.stdout == built.stdout
