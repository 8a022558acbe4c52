"""Cameras and clients that are not as one thinks: slow ones, 12 bits, sets by the thousand."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, PointCloud2

from lsd_ros.messages import encode
from lsd_ros.models.checkpoint import change_card

SETS = 1000
BATCH = 8  # a service keeps no more waiting


@pytest.fixture(scope='module')
def robot(start_robot: Any, weights: Any, tmp_path_factory: Any) -> Any:
    # nothing else is to be said about them
    trained = shutil.copy(weights, tmp_path_factory.mktemp('weights') / 'trained.safetensors')
    change_card(trained, trained=True, licence='', commercial_use=True)
    robot = start_robot(
        {
            'weights': trained,
            'safety.max_age_s': 0.0,
            'safety.image_timeout_s': 20.0,
            'mount.z_m': 1.0,
            'backend': 'torch',
            'diagnostics_period_s': 0.2,
            'qos_overrides./image.subscription.reliability': 'reliable',
        }
    )
    robot.activate()
    return robot


def test_1_camera_slower_than_the_diagnostics_is_not_called_idle(robot: Any, scene: Any) -> None:
    clouds = robot.listen(PointCloud2, 'points')
    robot.until(lambda: clouds, 'a cloud', lambda: robot.view(scene))
    robot.diagnosis(lambda s: float(s.values['rate_hz']) == 0 and s.message == 'running')
    robot.diagnostics.clear()
    for _ in range(3):
        robot.view(scene)
        robot.spin(0.7)
    said = [message.status[0].message for message in robot.diagnostics]
    assert len(said) > 5
    assert set(said) == {'running'}
    robot.ignore('points')
    robot.diagnosis(lambda s: 'idle: nobody subscribes' in s.message)


def test_2_12_bit_camera_in_mono16_is_not_called_dark(robot: Any, scene: Any) -> None:
    depths = robot.listen(Image, 'depth/image_rect')
    wide = scene[..., 0].astype('<u2') * 16

    def show() -> None:
        robot.stamp_ns += 50_000_000
        robot.camera_info(robot.camera_of(scene))
        message = encode.raw_image(robot.types, scene, robot.stamp_ns, 'camera', 'rgb8')
        message.encoding, message.step = 'mono16', 2 * scene.shape[1]
        message.data = wide.tobytes()
        robot.publish('/image', message)

    robot.until(lambda: depths, 'depth', show)
    status = robot.diagnosis(lambda s: s.values['state'] == 'seeing', show)
    assert float(status.values['input.brightness']) == pytest.approx(scene[..., 0].mean(), abs=4)
    assert not robot.set(image__bit_depth=16)
    robot.diagnosis(lambda s: s.values['state.faults'] == 'dark', show)
    assert not robot.set(image__bit_depth=0)
    assert 'at least 8' in robot.set(image__bit_depth=3)[0]


def test_3_a_thousand_sets_of_parameters_do_not_starve_the_results(robot: Any, scene: Any) -> None:
    depths = robot.listen(Image, 'depth/image_rect')
    robot.until(lambda: len(depths) > 3, 'depth', lambda: robot.view(scene))
    client = robot.node.create_client(SetParameters, '/depth_node/set_parameters')
    robot.until(client.service_is_ready, 'the service is there')
    depths.clear()
    for batch in range(SETS // BATCH):
        answers = []
        for number in range(BATCH):
            value = 1.0 + (batch * BATCH + number) / SETS
            parameter = Parameter('scan.max_height_m', value=value).to_parameter_msg()
            answers.append(client.call_async(SetParameters.Request(parameters=[parameter])))
        robot.view(scene)
        robot.until(lambda those=answers: all(each.done() for each in those), 'all are answered')
        assert all(answer.result().results[0].successful for answer in answers)
    robot.spin(0.5)
    assert len(depths) >= 3  # of those that came meanwhile
    assert robot.diagnosis(lambda s: True).values['state'] == 'seeing'
