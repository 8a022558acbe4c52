"""Several cameras in one process: each robot's eye for itself, whatever becomes of the other."""

from __future__ import annotations

import signal

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from sensor_msgs.msg import CameraInfo, Image

from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.messages import encode
from lsd_ros.messages.decode import stamp_ns
from lsd_ros.settings import build
from lsd_ros.types import Frame

FACTORS = {'front': 2.0, 'rear': 4.0}
SIZES = {'front': (200, 120), 'rear': (160, 96)}
STEPS_NS = {'front': 50_000_000, 'rear': 70_000_000}  # no stamp but 0 is one of both
ENGINE = {'backend': 'torch', 'threads': 1, 'scale.source': 'fixed'}


class Eye:
    """The camera of one namespace, and what the node says of it."""

    def __init__(self, robot, name):
        self.robot, self.name = robot, name
        self.stamp_ns = 1_000_000_000
        self.generator = np.random.default_rng(len(name))
        self.sent = {}
        self.depths = robot.listen(Image, f'/{name}/depth/image_rect')
        self.infos = robot.listen(CameraInfo, f'/{name}/depth/camera_info')

    def look(self):
        """Publish another image, and the camera info that belongs to it."""
        width, height = SIZES[self.name]
        pixels = self.generator.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
        rgb = np.ascontiguousarray(pixels.repeat(8, axis=0).repeat(8, axis=1))
        self.stamp_ns += STEPS_NS[self.name]
        self.sent[self.stamp_ns] = rgb
        types, frame = self.robot.types, f'{self.name}_camera'
        info = encode.camera_info(types, self.robot.camera_of(rgb), self.stamp_ns, frame)
        self.robot.publish(f'/{self.name}/camera_info', info)
        image = encode.raw_image(types, rgb, self.stamp_ns, frame, 'bgr8')
        self.robot.publish(f'/{self.name}/image', image)

    def newer_depth(self):
        """Forget what was received, and wait for more while both cameras run."""
        self.depths.clear()
        self.robot.until(lambda: self.depths, f'depth of {self.name}', self.robot.look)


@pytest.fixture(scope='module')
def robot(start_robot, weights, tmp_path_factory):
    own = tmp_path_factory.mktemp('rear') / 'rear.yaml'
    own.write_text(f'/**:\n  ros__parameters:\n    scale.factor: {FACTORS["rear"]}\n')
    reliable = {
        f'qos_overrides./{name}/image.subscription.reliability': 'reliable' for name in FACTORS
    }
    given = {'weights': weights, 'autostart': True, **ENGINE, 'scale.factor': 2.0, **reliable}
    robot = start_robot(given, 'depth_nodes', *FACTORS, '--params', f'rear={own}')
    robot.eyes = {name: Eye(robot, name) for name in FACTORS}

    def look():
        for eye in robot.eyes.values():
            eye.look()

    robot.look = look
    return robot


def test_1_each_camera_has_its_own_depth_stamps_frame_and_parameters(robot, weights):
    for eye in robot.eyes.values():
        eye.newer_depth()
    for name, eye in robot.eyes.items():
        depth = eye.depths[0]
        assert depth.header.frame_id == f'{name}_camera'
        rgb = eye.sent[stamp_ns(depth.header)]
        given = {**ENGINE, 'weights': str(weights), 'scale.factor': FACTORS[name]}
        engine = Engine.load(build(EngineSettings, given))
        expected = engine.process(Frame(1, 'camera', rgb, robot.camera_of(rgb)), motion=False)
        found = np.frombuffer(depth.data, np.float32).reshape(depth.height, depth.width)
        np.testing.assert_allclose(found, expected.depth, rtol=1e-4)
        robot.until(lambda eye=eye: eye.infos, 'camera info', robot.look)
        assert {info.header.frame_id for info in eye.infos} == {f'{name}_camera'}


def test_2_each_node_speaks_for_itself_and_the_networks_are_built_once(robot):
    ready = [line for line in robot.log.splitlines() if 'network of 96 x 64 runs in' in line]
    assert len(ready) == 2, robot.log
    assert {name for line in ready for name in FACTORS if f'[{name}.depth_node]' in line} == {
        *FACTORS
    }


def test_3_a_camera_that_stops_and_starts_again_does_not_silence_the_other(robot):
    front, rear = robot.eyes['front'], robot.eyes['rear']
    for transition in ('deactivate', 'cleanup', 'configure'):
        assert robot.transition(transition, '/front/depth_node')
        robot.spin(0.1)
        front.depths.clear()
        rear.newer_depth()
        assert not front.depths
    assert robot.transition('activate', '/front/depth_node')
    front.newer_depth()


def test_4_sigterm_ends_it_cleanly(robot):
    assert robot.end(signal.SIGTERM) == 0, robot.log
    assert 'Traceback' not in robot.log
