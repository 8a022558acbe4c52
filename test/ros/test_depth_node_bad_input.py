"""What the node does with images that it cannot use: it says why, and goes on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from builtin_interfaces.msg import Time
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

from lsd_ros.messages import encode
from lsd_ros.messages.decode import stamp_ns


@pytest.fixture(scope='module')
def robot(start_robot, weights):
    robot = start_robot(
        {'weights': weights, 'backend': 'torch', 'diagnostics_period_s': 0.2, 'autostart': True}
    )
    robot.until(lambda: robot.state() == 'active', 'it has started itself')
    return robot


@pytest.fixture(scope='module')
def depths(robot):
    """Everything that comes out; this subscription stays."""
    return robot.listen(Image, 'depth/image_rect')


def recovers(robot, depths, scene):
    depths.clear()
    robot.until(lambda: depths, 'depth again', lambda: robot.view(scene))
    robot.spin(0.2)
    depths.clear()
    return True


def test_1_no_camera_info_yet(robot, depths, scene):
    status = robot.diagnosis(
        lambda s: 'no camera info on /camera_info yet' in s.message, lambda: robot.image(scene)
    )
    assert status.level == 2
    assert int(status.values['frames.refused']) > 0
    assert depths == []
    assert robot.log.count('blind: no camera info on /camera_info yet') == 1
    assert recovers(robot, depths, scene)


def test_no_images(robot, depths):
    status = robot.diagnosis(lambda s: 'no images on /image' in s.message)
    assert (status.level, status.values['input_rate_hz']) == (2, '0.00')


def test_uncalibrated_camera(robot, depths, scene):
    def uncalibrated():
        robot.camera_info(robot.camera_of(scene), focal=0.0)
        robot.spin(0.05)
        robot.image(scene)

    status = robot.diagnosis(lambda s: 'uncalibrated (K[0] is 0)' in s.message, uncalibrated)
    assert status.level == 2
    assert depths == []
    assert recovers(robot, depths, scene)


def test_a_rectification_that_mirrors(robot, depths, scene):
    def mirrored():
        info = encode.camera_info(
            robot.types, robot.camera_of(scene), robot.stamp_ns, robot.frame_id
        )
        info.d, info.r[8] = [-0.1, 0.0, 0.0, 0.0, 0.0], -1.0
        robot.publish('/camera_info', info)
        robot.spin(0.05)
        robot.image(scene)

    status = robot.diagnosis(lambda s: 'is no rotation' in s.message, mirrored)
    assert status.level == 2
    assert depths == []
    assert robot.log.count('R (1, 0, 0, 0, 1, 0, 0, 0, -1) is no rotation') == 1
    assert recovers(robot, depths, scene)


def test_camera_info_of_another_frame(robot, depths, scene):
    def foreign():
        robot.camera_info(robot.camera_of(scene), frame_id='other')
        robot.spin(0.05)
        robot.image(scene)

    robot.diagnosis(
        lambda s: "of frame 'other' and the image of frame 'camera'" in s.message, foreign
    )
    assert depths == []
    assert recovers(robot, depths, scene)


def test_size_that_changes_in_mid_stream(robot, depths, scene):
    larger = np.ascontiguousarray(np.kron(scene, np.ones((2, 2, 1), np.uint8)))
    robot.diagnosis(
        lambda s: 'is of 200 x 120 and the image of 400 x 240' in s.message,
        lambda: robot.image(larger),
    )
    assert depths == []
    assert recovers(robot, depths, larger)
    assert recovers(robot, depths, scene)


def test_unknown_encoding(robot, depths, scene):
    def unknown():
        robot.stamp_ns += 50_000_000
        message = encode.raw_image(robot.types, scene, robot.stamp_ns, 'camera')
        message.encoding = 'hsv8'
        robot.publish('/image', message)

    robot.diagnosis(lambda s: "'hsv8'" in s.message, unknown)
    assert depths == []
    assert recovers(robot, depths, scene)


def test_truncated_image(robot, depths, scene):
    def truncated():
        robot.stamp_ns += 50_000_000
        message = encode.raw_image(robot.types, scene, robot.stamp_ns, 'camera')
        message.data = message.data[:1000]
        robot.publish('/image', message)

    status = robot.diagnosis(lambda s: int(s.values['frames.refused']), truncated)
    assert status.values['frames.failed'] == '0'
    assert depths == []
    assert recovers(robot, depths, scene)


def test_time_that_runs_backwards_keeps_the_stamps_of_the_images(robot, depths, scene):
    robot.stamp_ns -= 500_000_000
    start = robot.stamp_ns
    robot.until(lambda: depths, 'depth of the past', lambda: robot.view(scene))
    assert start < stamp_ns(depths[0].header) <= robot.stamp_ns


def test_diagnostics_have_the_time_of_the_simulation_where_there_is_one(robot):
    assert not robot.set(use_sim_time=True)
    try:
        robot.diagnosis(
            lambda s: s.stamp.sec == 1234,
            lambda: robot.publish('/clock', Clock(clock=Time(sec=1234))),
        )
    finally:
        assert not robot.set(use_sim_time=False)


def test_images_that_the_middleware_loses_are_counted_with_a_remedy(robot):
    publisher = robot.node.create_publisher(Image, '/image', qos_profile_sensor_data)
    large = Image(height=1080, width=1920, step=1920 * 3, encoding='bgr8')
    large.data.frombytes(bytes(1920 * 1080 * 3))

    def burst():
        for _ in range(10):
            publisher.publish(large)

    status = robot.diagnosis(lambda s: 'were lost on their way' in s.message, burst)
    robot.node.destroy_publisher(publisher)
    assert int(status.values['frames.lost']) > 0
    assert 'set FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA for the camera driver' in status.message
    assert 'qos_overrides./image.subscription.reliability set to reliable' in status.message


def test_images_that_come_too_fast_are_dropped_and_the_log_says_what_to_set(robot, scene):
    def burst():
        for _ in range(6):
            robot.view(scene)

    said = 'were dropped for newer ones: this computer is slower than the camera; set max_rate_hz'
    robot.until(lambda: said in robot.log, 'the remedy', burst)
    for _ in range(5):
        burst()
    assert robot.log.count(said) == 1


def test_the_log_has_sentences_and_no_tracebacks(robot):
    assert 'Traceback' not in robot.log
    assert robot.process.poll() is None
