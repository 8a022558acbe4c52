"""Networks that are being built: the node says so, and answers signals at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from sensor_msgs.msg import Image, PointCloud2

from lsd_ros.models.checkpoint import save_weights, untrained_weights

ERROR = 2
AT_ONCE_S = 8.0  # of a busy machine; compiling takes longer there


@pytest.fixture(scope='module')
def of_any_aspect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights whose network takes the aspect of the image."""
    pytest.importorskip('openvino', reason='needs openvino, which takes long to compile')
    path = tmp_path_factory.mktemp('weights') / 'untrained.safetensors'
    save_weights(untrained_weights(), path)
    return path


def noise(width: int, height: int) -> Any:
    blocks = np.random.default_rng().integers(20, 230, (height // 10, width // 10, 3), np.uint8)
    return np.kron(blocks, np.ones((10, 10, 1), np.uint8))


def test_new_aspect_is_said_to_be_prepared_for_and_a_signal_meanwhile_ends_the_node(
    start_robot: Any, of_any_aspect: Path
) -> None:
    robot = start_robot(
        {
            'weights': of_any_aspect,
            'backend': 'openvino',
            'diagnostics_period_s': 0.1,
            'qos_overrides./image.subscription.reliability': 'reliable',
        }
    )
    robot.activate()
    depths, clouds = robot.listen(Image, 'depth/image_rect'), robot.listen(PointCloud2, 'points')
    robot.until(lambda: depths and clouds, 'obstacles', lambda: robot.view(noise(420, 130)))
    robot.spin(0.3)
    size = depths[-1].width, depths[-1].height
    depths.clear()
    clouds.clear()
    status = robot.diagnosis(
        lambda s: s.values['state.faults'] == 'preparing', lambda: robot.view(noise(320, 240))
    )
    assert not depths
    assert not clouds
    assert status.level == ERROR
    assert 'are being built for images of 320 x 240' in status.message
    robot.until(lambda: depths and clouds, 'obstacles', lambda: robot.view(noise(320, 240)))
    assert (depths[-1].width, depths[-1].height) != size
    sees = lambda s: s.values['state'] == 'seeing'  # noqa: E731
    seen = robot.diagnosis(sees, lambda: robot.view(noise(320, 240)))
    assert int(seen.values['faults.preparing']) > 0
    assert int(seen.values['frames.failed']) == 0
    robot.diagnosis(
        lambda s: s.values['state.faults'] == 'preparing', lambda: robot.view(noise(240, 240))
    )
    began = time.monotonic()
    assert robot.end(signal.SIGINT) == 0
    assert time.monotonic() - began < AT_ONCE_S
    assert 'Traceback' not in robot.log


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('after_s', [1.0, 2.5])
def test_signal_while_the_node_is_configured_ends_it_cleanly(
    ros_domain: int, of_any_aspect: Path, tmp_path: Path, number: int, after_s: float
) -> None:
    given = {'weights': of_any_aspect, 'backend': 'openvino', 'autostart': True}
    options = [part for name, value in given.items() for part in ('-p', f'{name}:={value}')]
    with (tmp_path / 'log').open('w') as log:
        node = subprocess.Popen(
            [sys.executable, '-m', 'lsd_ros.ros.depth_node', '--ros-args', *options],
            env={**os.environ, 'XDG_CACHE_HOME': str(tmp_path)},  # with nothing in it
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        time.sleep(after_s)
        node.send_signal(number)
        assert node.wait(AT_ONCE_S) == 0
    assert 'Traceback' not in (tmp_path / 'log').read_text()
