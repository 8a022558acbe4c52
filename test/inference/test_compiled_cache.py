from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.backends.compiled_cache import KEPT, CompiledCache, cache_key
from lsd_ros.inference.backends.inference_network import depth_network
from lsd_ros.models.checkpoint import untrained_weights


def test_what_was_stored_is_loaded(tmp_path: Path) -> None:
    cache = CompiledCache(tmp_path / 'new')
    assert cache.load('key') is None
    cache.store('key', b'content')
    assert cache.load('key') == b'content'
    assert [file.name for file in (tmp_path / 'new').iterdir()] == ['key']


def test_damaged_file_is_nothing(tmp_path: Path) -> None:
    cache = CompiledCache(tmp_path)
    cache.store('key', b'content')
    data = bytearray((tmp_path / 'key').read_bytes())
    data[-1] ^= 1
    (tmp_path / 'key').write_bytes(data)
    assert cache.load('key') is None
    (tmp_path / 'key').write_bytes(data[:10])
    assert cache.load('key') is None


def test_files_that_were_not_used_longest_go(tmp_path: Path) -> None:
    cache = CompiledCache(tmp_path)
    for number in range(KEPT):
        cache.store(f'{number}', b'content')
        os.utime(tmp_path / f'{number}', (number, number))
    assert cache.load('0') == b'content'  # which is use
    cache.store('new', b'content')
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {'new', '0', *(f'{number}' for number in range(2, KEPT))}


def test_folder_that_cannot_be_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('no folder')
    cache = CompiledCache(tmp_path / 'file')
    cache.store('key', b'content')
    assert cache.load('key') is None


def test_other_weights_or_another_shape_have_another_key() -> None:
    one, other = untrained_weights(seed=0), untrained_weights(seed=1)
    keys = {
        cache_key(depth_network(weights), shape)
        for weights in (one, other)
        for shape in ((1, 64, 96, 3), (1, 96, 64, 3))
    }
    assert len(keys) == 4
    assert cache_key(depth_network(one), (1, 64, 96, 3)) in keys


def test_compiled_network_from_the_disk_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('openvino', reason='needs openvino')
    from lsd_ros.inference.backends import openvino

    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    plan = Plan(untrained_weights(), 96, 64, threads=1, half=False)
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)
    said = openvino.OpenVinoBackend(plan).disparities(images).copy()
    assert len(list((tmp_path / 'lsd_ros' / 'compiled').iterdir())) == 2  # depth and pose
    monkeypatch.setattr(openvino, 'converted', lambda *_: pytest.fail('it was compiled again'))
    np.testing.assert_array_equal(openvino.OpenVinoBackend(plan).disparities(images), said)
