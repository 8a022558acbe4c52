"""Commands on a robot that has no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsd_ros.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
# neither library can be found in here
WITHOUT = """
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('torch', 'safetensors'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)

sys.meta_path.insert(0, Refusal())
from lsd_ros.cli.main import main
sys.exit(main())
"""


def called(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    call = [sys.executable, '-c', WITHOUT, *words]
    return subprocess.run(call, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize('call', [('export', '--out', 'none.onnx'), ('inspect', 'street')])
def test_what_needs_torch_says_so_in_a_sentence(call: tuple[str, ...]) -> None:
    refused = called(*call)
    assert refused.returncode == 1
    (sentence,) = refused.stderr.splitlines()
    assert sentence.startswith(f'lsd_ros {call[0]}: this needs torch and safetensors')
    assert 'pip install torch safetensors' in sentence


@pytest.mark.parametrize('name', ['.', 'nowhere/none.safetensors'])
def test_graphs_beside_weights_that_are_no_file_are_refused_with_a_sentence(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['export', '--format', 'graphs', '--weights', name]) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f'lsd_ros export: weights {name} ')


def test_commands_of_a_robot_start_without_it() -> None:
    modules = ('replay', 'doctor', 'benchmark', 'demo', 'mask', 'extract')
    load = '; '.join(f'import lsd_ros.cli.{name}.action' for name in modules)
    text = WITHOUT.rpartition('from lsd_ros')[0] + load
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    run = subprocess.run([sys.executable, '-c', text], env=environment, check=False)
    assert run.returncode == 0
