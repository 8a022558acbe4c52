from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

TOY = Path(__file__).with_name('toy_run.py')


@pytest.fixture(scope='session')
def toy() -> ModuleType:
    spec = importlib.util.spec_from_file_location('toy_run', TOY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules['toy_run'] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _as_many_threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Streets:
    """Folders of sequences: streets to learn from, and streets that are held out."""

    train: Path
    held_out: Path


@pytest.fixture(scope='session')
def streets(tmp_path_factory: pytest.TempPathFactory) -> Streets:
    """Drive straight on: the first seconds of each street are a bend."""
    folder = tmp_path_factory.mktemp('streets')
    camera = Camera(128, 96, 80.0, 80.0, 63.5, 47.5)
    for seed in range(3):
        drive = SyntheticDrive('street', seed, camera, 20, rate_hz=15.0, start_s=2.5)
        write_sequence(folder / 'train' / f'street{seed}', drive)
    for seed in (100, 101):
        drive = SyntheticDrive('street', seed, camera, 4, rate_hz=1.0, start_s=2.5)
        write_sequence(folder / 'held_out' / f'street{seed}', drive)
    return Streets(folder / 'train', folder / 'held_out')
