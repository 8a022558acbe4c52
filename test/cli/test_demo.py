from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.demo import live as demo_live
from lsd_ros.cli.demo.action import Run
from lsd_ros.cli.demo.score import depth_scores, read_drive, resampled, trajectory_score
from lsd_ros.cli.main import main
from lsd_ros.cli.output_messages import CAMERA_INFO, DEPTH, ODOMETRY, POINTS
from lsd_ros.errors import RosError
from lsd_ros.inference.engine_settings import EngineSettings, MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.messages import encode
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.types import Camera, Cloud, Estimate, Scale

SMALL = ['--place', 'corridor', '--width', '104', '--height', '64', '--frames', '12']
BASE_FROM_CAMERA = base_from_optical(MountSettings())


def demo(out: Path, weights: Path) -> int:
    return main(['demo', '--out', str(out), '--weights', str(weights), *SMALL])


def check_output(out: Path) -> dict:
    """Check that everything is there and fits; return the report."""
    report = json.loads((out / 'report.json').read_text())
    assert report['frames_in'] == 12
    assert report['frames_in'] == report['frames_out'] + report['dropped']
    assert 0 < report['time_ms']['p50'] <= report['time_ms']['p99']
    for errors in report['depth'].values():
        assert errors['abs_rel'] > 0
    picture = cv2.imread(str(out / 'picture.png'))
    assert picture.shape[1] > 1500
    with BagReader(out / 'output') as bag:
        counts = {topic.name: topic.count for topic in bag.topics()}
    assert counts[POINTS] == report['frames_out'] > 0
    with BagReader(out / 'input') as bag:
        assert {topic.count for topic in bag.topics()} == {12}
    return report


def test_the_real_node_runs_where_there_is_ros(
    weights: Path, tmp_path: Path, ros_domain: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert demo(tmp_path / 'demo', weights) == 0
    said = capfd.readouterr().out
    report = check_output(tmp_path / 'demo')
    assert report['live'] is True
    assert report['node']['received'] >= report['frames_out']
    assert 'depth_node over ROS 2' in said
    assert f'12 in, {report["frames_out"]} out, {report["dropped"]} dropped' in said
    assert 'camera stamp to received cloud' in said
    assert 'UNTRAINED' in said


def test_the_engine_runs_where_there_is_no_ros(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = tmp_path / 'path' / 'rclpy'
    broken.mkdir(parents=True)
    (broken / '__init__.py').write_text("raise ImportError('librcl.so is missing')")
    monkeypatch.setenv('PYTHONPATH', str(broken.parent))
    (tmp_path / 'demo').mkdir()  # an older demo is replaced
    (tmp_path / 'demo' / 'report.json').write_text('{"made_by": "lsd_ros demo"}')
    assert demo(tmp_path / 'demo', weights) == 0
    said = capsys.readouterr().out
    report = check_output(tmp_path / 'demo')
    assert report['live'] is False
    assert report['frames_out'] == 12
    assert 'there is no ROS 2 here (ImportError: librcl.so is missing)' in said


def test_what_is_no_demo_is_left_alone(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'report.json').write_text('{}')
    assert demo(tmp_path, weights) == 1
    assert 'is not of an older demo and is left alone' in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ['report.json']


def test_a_node_that_cannot_start_says_why(
    bag: Path, tmp_path: Path, ros_domain: int, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = EngineSettings(weights=str(tmp_path / 'none.safetensors'))
    with pytest.raises(RosError, match=r'depth_node could not be started: .*none\.safetensors'):
        demo_live.run_node(bag, tmp_path / 'out', wanted, 1.0)
    assert 'none.safetensors do not exist' in capfd.readouterr().err
    assert not list(tmp_path.glob('.*'))  # of the recorder, which was told to end


def results_of(drive: SyntheticDrive, path: Path, scale: float) -> None:
    """Write the truth as if it were estimated, in other units."""
    camera_from_base = np.linalg.inv(BASE_FROM_CAMERA)
    with BagWriter(path) as bag:
        for sample in drive:
            frame, stamp = sample.frame, sample.frame.stamp_ns
            depth = np.asarray(sample.depth / np.float32(scale), np.float32)
            metric = Scale(1, True, 'x')
            estimate = Estimate(
                stamp, 'camera', metric, frame.camera, depth=depth, image=frame.image
            )
            first = drive.trajectory.world_from_camera[0]
            pose = np.linalg.inv(first) @ sample.world_from_camera
            pose[:3, 3] /= scale
            base = BASE_FROM_CAMERA @ pose @ camera_from_base
            zeros = np.zeros((6, 6))
            covariance = zeros
            if frame.stamp_ns == drive.stamps_ns[2]:  # lost: the pose is to be left out
                base, covariance = np.eye(4), LOST_VARIANCE * np.eye(6)
            cloud = Cloud(stamp, 'camera', np.zeros((1, 1, 3), np.float32), True)
            made = {
                DEPTH: encode.depth_image(bag.types, estimate),
                CAMERA_INFO: encode.camera_info(bag.types, drive.camera, stamp, 'camera'),
                POINTS: encode.point_cloud(bag.types, cloud),
                ODOMETRY: encode.odometry(
                    bag.types, stamp, 'odom', 'base_link', base, covariance, np.zeros(6), zeros
                ),
            }
            for topic, message in made.items():
                bag.add(topic, message, stamp + 40_000_000)


def test_the_truth_has_no_error_but_for_its_scale(
    drive: SyntheticDrive, bag: Path, tmp_path: Path
) -> None:
    results_of(drive, tmp_path / 'results', scale=2.0)
    results = read_drive(bag, tmp_path / 'results')
    depth, view = depth_scores(bag, drive.camera, results, int(drive.stamps_ns[3]))
    assert depth['median_scaled']['abs_rel'] == pytest.approx(0, abs=1e-6)
    assert depth['raw']['abs_rel'] == pytest.approx(0.5)
    assert depth['raw']['scale_median'] == pytest.approx(2.0)
    assert depth['raw']['frames'] == 12
    truths = [sample.depth[np.isfinite(sample.depth)] for sample in drive]
    flat = [np.mean(np.abs(np.median(truth) - truth) / truth) for truth in truths]
    assert depth['constant']['abs_rel'] == pytest.approx(np.mean(flat), rel=1e-4)
    assert view is not None
    np.testing.assert_array_equal(view.image, drive.sample(3).frame.image)
    np.testing.assert_array_equal(view.truth, drive.sample(3).depth)
    score, laid = trajectory_score(results, BASE_FROM_CAMERA)
    assert score['ate_m'] == pytest.approx(0, abs=1e-5)
    assert score['scale'] == pytest.approx(2.0)
    assert laid is not None
    told = np.delete(drive.trajectory.world_from_camera, 2, axis=0)
    np.testing.assert_allclose(laid.world_from_camera, told, atol=1e-4)
    seconds = np.delete(drive.stamps_ns, 2) / 1e9
    left = [np.polyfit(seconds, axis, 1, full=True)[1].sum() for axis in told[:, :3, 3].T]
    assert score['straight_ate_m'] == pytest.approx(np.sqrt(sum(left) / 11), rel=1e-3)
    live = Run(12, live=True, delay_ns=15_000_000)
    assert live.times_ms(results.received_ns) == pytest.approx([25.0] * 12)


def test_depth_is_seen_by_a_camera_of_another_size_and_window() -> None:
    camera = Camera(40, 30, 20.0, 20.0, 19.5, 14.5)
    depth = np.arange(1200, dtype=np.float32).reshape(30, 40)
    window = camera.cropped(4, 2, 16, 12)
    np.testing.assert_array_equal(resampled(depth, camera, window), depth[2:14, 4:20])
    halved = resampled(depth, camera, camera.resized(20, 15))
    assert halved.shape == (15, 20)
    for row, column in ((0, 0), (7, 11), (14, 19)):
        near = depth[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert halved[row, column] in near
