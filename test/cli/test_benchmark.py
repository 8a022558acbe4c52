from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lsd_ros.cli.benchmark.interleaved import Turns, in_turns, ratios
from lsd_ros.cli.benchmark.stage_timing import NETWORK_STAGES, SAFETY_STAGES, Percentiles
from lsd_ros.cli.main import main

STAGES = [
    'check stamp',
    'check image',
    'decode',
    'rectify',
    'resize',
    'inspect',
    'depth network',
    'pose input',
    'pose network',
    'scale',
    'odometry',
    'ground',
    'depth map',
    'check results',
    'messages',
    'cloud',
    'scan',
    'serialise',
    'rest',
]


def test_every_stage_of_every_backend_is_measured(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'benchmark.json'
    call = ['benchmark', '--weights', str(weights), '--set', 'threads=1', '--json', str(file)]
    size = ['--width', '200', '--height', '120', '--frames', '12']
    assert main([*call, *size, '--backends', 'torch']) == 0
    measured = json.loads(file.read_text())
    assert measured['camera_size'] == [200, 120]
    assert measured['memory']['peak_bytes'] >= measured['memory']['resident_bytes'] > 0
    (torch,) = measured['backends'].values()
    assert torch['frames'] == 12
    assert torch['network_size'] == [96, 64]
    stages = torch['stages_ms']
    assert sorted(stages) == sorted(STAGES)
    for times in (*stages.values(), torch['end_to_end_ms']):
        assert 0 < times['p50'] <= times['p95'] <= times['p99']
    # means add up; medians need not
    mean = {name: times['mean'] * times['frames'] / 12 for name, times in stages.items()}
    assert 1 <= stages['ground']['frames'] <= 4
    network = sum(mean[stage] for stage in NETWORK_STAGES)
    assert torch['stages_by'] == 'CPU time'
    whole = torch['cpu_ms']['mean']
    assert torch['network_ms']['mean'] == pytest.approx(network)
    assert network + torch['around_network_ms']['mean'] == pytest.approx(whole)
    assert sum(mean.values()) == pytest.approx(whole), 'no time is in no stage'
    checks = sum(mean[stage] for stage in SAFETY_STAGES)
    assert torch['safety_ms']['mean'] == pytest.approx(checks)
    assert torch['safety_share'] == pytest.approx(checks / whole)
    assert torch['frames_per_s'] == pytest.approx(1e3 / torch['end_to_end_ms']['mean'])
    assert 0 < torch['cpu_ms']['p50'] <= torch['cpu_ms']['p99']
    assert list(measured['ratios']) == ['torch', 'torch, again']
    assert measured['ratios']['torch']['cpu_ratio'] == {'median': 1, 'low': 1, 'high': 1}
    again = measured['ratios']['torch, again']['wall_ratio']
    assert 0 < again['low'] <= again['median'] <= again['high']
    # depth 4 bytes and points 16 bytes a pixel, and the headers
    assert 96 * 64 * 20 <= torch['output_bytes_per_frame'] < 96 * 64 * 20 + 3000
    said = capsys.readouterr().out
    assert all(
        f'\n{stage}  ' in said
        for stage in [*STAGES, 'network', 'safety checks', 'end to end, as time passes']
    )


def test_ratios_are_of_the_same_round() -> None:
    calls: list[str] = []
    turns = in_turns(
        {'a': lambda: calls.append('a'), 'b': lambda: calls.append('b')}, rounds=4, calls=3
    )
    assert [sorted(calls[i : i + 8]) for i in range(0, 32, 8)] == [sorted('aaaabbbb')] * 4
    assert all(len(each.cpu_s) == len(each.wall_s) == 4 for each in turns.values())
    # a machine that becomes ten times slower changes no ratio
    base = np.array([1.0, 1.0, 10.0, 10.0])
    found = ratios({'a': Turns(base, base), 'b': Turns(base * 2, base * [1, 2, 3, 4])})
    assert found['b']['cpu_ratio'] == {'median': 2, 'low': 2, 'high': 2}
    assert found['b']['wall_ratio'] == {'median': 2.5, 'low': 1.75, 'high': 3.25}


def test_percentiles() -> None:
    found = Percentiles.of(list(np.arange(101) / 1e3))
    assert (found.p50, found.p95, found.p99, found.mean) == pytest.approx((50, 95, 99, 50))


def test_a_json_file_that_cannot_be_written_is_one_sentence(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'no' / 'benchmark.json'
    call = ['benchmark', '--weights', str(weights), '--backends', 'torch', '--frames', '1']
    assert main([*call, '--json', str(file)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert f'cannot write --json {file}: the folder {file.parent} does not exist' in said
