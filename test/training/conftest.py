from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

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
