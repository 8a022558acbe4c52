"""What robot owners ask for, in the running node: mask, rate limit, millimetres, drop-offs."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from sensor_msgs.msg import Image, LaserScan, PointCloud2

from lsd_ros.messages.decode import depth_to_metres, stamp_ns

RATE_HZ = 5.0


@pytest.fixture(scope='module')
def robot(start_robot: Any, weights: Any, tmp_path_factory: Any) -> Any:
    picture = np.full((120, 200), 255, np.uint8)
    picture[90:] = 0
    file = tmp_path_factory.mktemp('mask') / 'mask.png'
    cv2.imwrite(str(file), picture)
    robot = start_robot(
        {
            'weights': weights,
            'backend': 'torch',
            'diagnostics_period_s': 0.2,
            'mount.z_m': 1.0,
            'mask.file': file,
            'mask.polygons': '"0 0, 0.1 0, 0.1 0.1, 0 0.1"',
            'qos_overrides./image.subscription.reliability': 'reliable',
        }
    )
    robot.activate()
    return robot


def test_1_masked_pixels_are_in_no_output(robot: Any, scene: Any) -> None:
    depths, clouds = robot.listen(Image, 'depth/image_rect'), robot.listen(PointCloud2, 'points')
    scans = robot.listen(LaserScan, 'scan')
    robot.until(lambda: depths and clouds and scans, 'results', lambda: robot.view(scene))
    depth = depth_to_metres(depths[-1])
    height, width = depth.shape
    assert np.isnan(depth[int(0.77 * height) :]).all()
    assert np.isnan(depth[: int(0.08 * height), : int(0.08 * width)]).all()
    assert np.isfinite(depth[int(0.2 * height) : int(0.7 * height)]).mean() > 0.9
    points = np.frombuffer(bytes(clouds[-1].data), np.float32).reshape(-1, 4)[:, :3]
    rows = points[:, 1] / points[:, 2]  # below the lower part of the image there is none
    assert rows.max() < (0.78 * 120 - 59.5) / 120
    status = robot.diagnosis(lambda s: True, lambda: robot.view(scene))
    assert float(status.values['mask.share']) == pytest.approx(0.25 + 0.01, abs=0.01)
    robot.ignore('depth/image_rect', 'points', 'scan')


def test_2_millimetres_where_they_are_asked_for(robot: Any, scene: Any) -> None:
    depths = robot.listen(Image, 'depth/image_rect')
    assert not robot.set(depth_encoding='16UC1')
    robot.until(
        lambda: depths and depths[-1].encoding == '16UC1', '16UC1', lambda: robot.view(scene)
    )
    image = depths[-1]
    assert image.step == 2 * image.width
    values = np.frombuffer(bytes(image.data), '<u2').reshape(image.height, image.width)
    metres = depth_to_metres(image)
    assert (values[-5:] == 0).all()  # masked
    assert np.isnan(metres[-5:]).all()
    assert 0.1 <= np.nanmin(metres) <= np.nanmax(metres) <= 65.535
    assert not robot.set(depth_encoding='32FC1')
    depths.clear()
    robot.until(
        lambda: depths and depths[-1].encoding == '32FC1', '32FC1', lambda: robot.view(scene)
    )
    assert 'choose one of' in robot.set(depth_encoding='8UC1')[0]
    robot.ignore('depth/image_rect')


def test_3_rate_is_limited_and_the_newest_image_wins(robot: Any, scene: Any) -> None:
    depths = robot.listen(Image, 'depth/image_rect')
    assert not robot.set(max_rate_hz=RATE_HZ)
    try:
        robot.until(lambda: len(depths) > 2, 'depth', lambda: robot.view(scene))
        before = robot.diagnosis(lambda s: True).values
        depths.clear()
        began, shown = time.monotonic(), []
        while time.monotonic() - began < 3.0:
            robot.view(scene)
            shown.append((robot.stamp_ns, time.monotonic()))
            robot.spin(0.02)
        robot.spin(0.3)
    finally:
        assert not robot.set(max_rate_hz=0.0)
    assert 3 <= len(depths) <= 3.5 * RATE_HZ
    after = robot.diagnosis(lambda s: True).values
    assert int(after['frames.dropped']) > int(before['frames.dropped'])
    stamps = [stamp_ns(depth.header) for depth in depths]
    assert stamps == sorted(stamps)
    gaps = np.diff([dict(shown)[stamp] for stamp in stamps if stamp in dict(shown)])
    assert np.median(gaps) > 0.7 / RATE_HZ
    robot.ignore('depth/image_rect')


def test_4_filter_and_drop_offs_go_on_and_off_while_it_runs(robot: Any, scene: Any) -> None:
    scans, clouds = robot.listen(LaserScan, 'scan'), robot.listen(PointCloud2, 'points')
    for on in (True, False):
        assert not robot.set(temporal__filter=on, drop_off__min_depth_m=0.1 * on)
        scans.clear()
        clouds.clear()
        robot.until(
            lambda: len(scans) > 4 and len(clouds) > 4, 'results', lambda: robot.view(scene)
        )
        assert robot.diagnosis(lambda s: True).values['state'] == 'seeing'
    assert 'Traceback' not in robot.log
    assert 'stage.temporal_filter_ms' in robot.diagnosis(lambda s: True).values
