"""The measurement of the real node, with real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs rclpy')

from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.benchmark import faults as benchmark_faults
from lsd_ros.cli.benchmark import live as benchmark_live
from lsd_ros.cli.main import main
from lsd_ros.messages import encode
from lsd_ros.safety.faults import Fault
from lsd_ros.synthetic.drive import SyntheticDrive


def test_the_running_node_is_measured(
    bag: Path,
    weights: Path,
    tmp_path: Path,
    ros_domain: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / 'live.json'
    call = ['benchmark', '--live', str(bag), '--weights', str(weights), '--json', str(file)]
    options = ['--set', 'threads=1', '--set', 'backend=torch', '--subscribe', 'points', 'odom']
    assert main([*call, *options, '--frames', '30', '--rate-factor', '1.5', '--reliable']) == 0
    found = json.loads(file.read_text())
    frames = found['frames']
    assert frames['played'] == frames['lost'] + frames['received'] > 40  # 30, and the warm-up
    outcomes = ('dropped', 'published', 'withheld', 'idle', 'refused', 'failed', 'disabled')
    assert frames['received'] == sum(frames[outcome] for outcome in outcomes)
    assert (frames['refused'], frames['failed']) == (0, 0)
    assert set(found['topics']) == {'/points', '/odom'}
    points = found['topics']['/points']
    assert 0 < points['measured'] < points['count'] <= frames['published']
    assert 0 < points['latency_ms']['p50'] <= points['latency_ms']['p99'] < 10_000
    assert found['source'] == {
        'name': 'drive',
        'width': 120,
        'height': 80,
        'encoding': 'bgr8',
        'rate_hz': pytest.approx(15.0),
    }
    assert found['seconds'] == pytest.approx(2.0)
    assert found['reliable'] is True
    assert found['diagnostics']['values']['backend'] == 'torch'
    assert found['stages_ms']['depth_network'] > 0
    assert {'waiting', 'odometry', 'publish', 'rest'} <= set(found['stages_ms'])
    assert found['stages_ms']['publish'] > 0
    assert found['processes']['node']['cpu_share'] > 0
    assert found['processes']['node']['resident_bytes']['end'] > 50e6
    environment = found['middleware']['environment']
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    said = capfd.readouterr().out
    assert f'{frames["played"]}  ' in said
    assert all(word in said for word in ('images reliably', '/points', 'depth_network', 'player'))


def test_time_from_fault_to_silence_is_measured(
    weights: Path,
    tmp_path: Path,
    ros_domain: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(benchmark_faults, 'ROUNDS', 1)
    monkeypatch.setattr(benchmark_faults, 'DRAWN_FRAMES', 4)
    dark = tuple(row for row in benchmark_faults.FAULTS if row[0] is Fault.DARK)
    monkeypatch.setattr(benchmark_faults, 'FAULTS', dark)
    file = tmp_path / 'faults.json'
    call = ['benchmark', '--live', '--faults', '--weights', str(weights), '--backend', 'torch']
    assert main([*call, '--width', '128', '--height', '96', '--json', str(file)]) == 0
    found = json.loads(file.read_text())['faults']['dark']
    assert found['spoken'] == 0
    assert found['silent_ms'][0] < 2000  # of faulty images
    for name in ('lost_ms', 'said_ms', 'again_ms'):
        assert 0 < found[name][0] < 10_000
    assert '\ndark  ' in capfd.readouterr().out


def test_lost_is_what_was_played_and_not_received() -> None:
    # the middleware tells the node of next to nothing
    found = benchmark_live.counted_frames(299, {'received': 290, 'dropped': 2, 'lost': 0})
    assert found == {
        'played': 299,
        'lost': 9,
        'lost_as_the_node_was_told': 0,
        'received': 290,
        'dropped': 2,
    }


def test_a_bag_without_calibration_is_refused(
    drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = tmp_path / 'bag'
    frame = drive.sample(0).frame
    with BagWriter(bag) as writer:
        image = encode.raw_image(writer.types, frame.image, frame.stamp_ns, 'camera', 'bgr8')
        writer.add('/camera', image, frame.stamp_ns)
    assert main(['benchmark', '--live', str(bag)]) == 1
    assert f'{bag} has no camera info for /camera' in capsys.readouterr().err


def test_what_is_about_the_running_node_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['benchmark', '--reliable', '--frames', '1']) == 1
    assert '--reliable is about the running node' in capsys.readouterr().err
