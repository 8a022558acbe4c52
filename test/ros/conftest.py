"""A robot around the real node: its process, a camera that feeds it, and whoever listens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lsd_ros.types import Camera

WAIT_S = 40.0
# Scenes stand still, weights are untrained, images come faster than stamped, machines are busy.
TOLERANT = {
    'safety.frozen_frames': 0,
    'safety.max_jump_s': 0.0,
    'safety.max_latency_s': 30.0,
    'scale.source': 'fixed',
}
STEP_NS = 50_000_000


@pytest.fixture(scope='session')
def weights(tmp_path_factory):
    """Untrained weights of a small network."""
    torch = pytest.importorskip('torch')
    from lsd_ros.geometry.depth import DisparityRange
    from lsd_ros.models.checkpoint import save_weights
    from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
    from lsd_ros.models.pose_net import PoseNet
    from lsd_ros.models.preprocessing import Preprocessing
    from lsd_ros.models.small_depth_net import SmallDepthNet
    from lsd_ros.models.weights import Weights, WeightsCard

    torch.manual_seed(0)
    path: Path = tmp_path_factory.mktemp('weights') / 'untrained.safetensors'
    made = Weights(
        SmallDepthNet(SmallDepthSettings()).eval(),
        PoseNet(PoseSettings(output_scale=0.5)).eval(),  # so that it sees motion
        Preprocessing(width=96, height=64, fit='stretch'),
        DisparityRange(0.1, 100.0),
        WeightsCard('untrained', trained=False, licence='CC BY-NC 4.0', commercial_use=False),
    )
    save_weights(made, path)
    return path


@pytest.fixture(scope='module')
def start_robot(tmp_path_factory, own_domain) -> Iterator[Callable[..., Robot]]:
    """Start nodes with parameters of one's choice; they end with the module."""
    with ExitStack() as robots:

        def start(parameters: dict[str, Any], *command: str) -> Robot:
            domain = robots.enter_context(own_domain())
            log = tmp_path_factory.mktemp('robot') / 'log'
            robot = robots.enter_context(closing(Robot(log, domain, parameters, *command)))
            robot.until(lambda: 'depth_node' in robot.node.get_node_names(), 'the node is there')
            return robot

        yield start


class Robot:
    """One process of ``depth_node``, or of another command, in a ROS domain of its own."""

    def __init__(self, log: Path, domain: int, parameters: dict[str, Any], *command: str) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        from lsd_ros.ros.message_classes import RclpyTypes

        self._log = log
        self.domain = domain
        given = [f'{name}:={value}' for name, value in {**TOLERANT, **parameters}.items()]
        options = [part for pair in given for part in ('-p', pair)]
        name, *words = command or ('depth_node',)
        self.process = subprocess.Popen(
            [sys.executable, '-m', f'lsd_ros.ros.{name}', *words, '--ros-args', *options],
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
            stdout=log.open('w'),
            stderr=subprocess.STDOUT,
        )
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node('robot', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._listening: dict[str, Any] = {}
        self._publishers: dict[str, Any] = {}
        self.types = RclpyTypes()
        self.stamp_ns = 1_000_000_000
        self.encoding = 'bgr8'
        self.frame_id = 'camera'

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    def until(self, condition: Callable[[], Any], what: str, each: Any = None) -> Any:
        """Spin until something holds, doing something in between."""
        deadline = time.monotonic() + WAIT_S
        while not (result := condition()):
            assert time.monotonic() < deadline, f'waited in vain until {what}; log:\n{self.log}'
            assert self.process.poll() is None, f'the node has ended; log:\n{self.log}'
            if each is not None:
                each()
            self.spin(0.05)
        return result

    def spin(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def call(self, kind: Any, name: str, **fields: Any) -> Any:
        client = self.node.create_client(kind, name)
        self.until(client.service_is_ready, f'{name} is there')
        future = client.call_async(kind.Request(**fields))
        self.until(future.done, f'{name} answers')
        self.node.destroy_client(client)
        return future.result()

    def transition(self, label: str, node: str = '/depth_node') -> bool:
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        wanted = getattr(Transition, f'TRANSITION_{label.upper()}')
        name = f'{node}/change_state'
        return self.call(ChangeState, name, transition=Transition(id=wanted)).success

    def activate(self) -> None:
        assert self.transition('configure'), self.log
        assert self.transition('activate'), self.log

    def state(self) -> str:
        from lifecycle_msgs.srv import GetState

        return self.call(GetState, '/depth_node/get_state').current_state.label

    def set(self, **values: Any) -> list[str]:
        """Set parameters one by one, ``__`` for a dot; return why, for each that is refused."""
        from rcl_interfaces.srv import SetParameters
        from rclpy.parameter import Parameter

        given = [Parameter(n.replace('__', '.'), value=v) for n, v in values.items()]
        messages = [parameter.to_parameter_msg() for parameter in given]
        answer = self.call(SetParameters, '/depth_node/set_parameters', parameters=messages)
        return [result.reason for result in answer.results if not result.successful]

    def listen(self, kind: Any, topic: str, qos: Any = 10) -> list[Any]:
        """Subscribe, and return the list that fills."""
        received: list[Any] = []
        subscription = self.node.create_subscription(kind, topic, received.append, qos)
        self._listening[topic] = subscription
        self.until(lambda: self.node.count_publishers(topic), f'somebody publishes {topic}')
        return received

    def ignore(self, *topics: str) -> None:
        for topic in topics or list(self._listening):
            self.node.destroy_subscription(self._listening.pop(topic))

    def publish(self, topic: str, message: Any) -> None:
        if topic not in self._publishers:
            self._publishers[topic] = self.node.create_publisher(type(message), topic, 5)
        self._publishers[topic].publish(message)

    def camera_info(self, camera: Camera, frame_id: str | None = None, focal: float = 1.0) -> None:
        from lsd_ros.messages import encode

        info = encode.camera_info(self.types, camera, self.stamp_ns, frame_id or self.frame_id)
        info.k[0] *= focal
        self.publish('/camera_info', info)

    def image(self, rgb: Any, *, compressed: bool = False, padding: int = 0) -> None:
        """Publish an image with the next stamp."""
        from lsd_ros.messages import encode

        self.stamp_ns += STEP_NS
        if compressed:
            made = encode.compressed_image(self.types, rgb, self.stamp_ns, self.frame_id, 'png')
            self.publish('/image/compressed', made)
            return
        made = encode.raw_image(self.types, rgb, self.stamp_ns, self.frame_id, self.encoding)
        if padding:
            rows = np.frombuffer(made.data, np.uint8).reshape(made.height, made.step)
            made.data = np.pad(rows, ((0, 0), (0, padding)), constant_values=255).tobytes()
            made.step += padding
        self.publish('/image', made)

    @staticmethod
    def camera_of(rgb: Any) -> Camera:
        """Return a camera for images of this size."""
        height, width = rgb.shape[:2]
        return Camera(width, height, 0.6 * width, 0.6 * width, width / 2 - 0.5, height / 2 - 0.5)

    def view(self, rgb: Any, **kwargs: Any) -> None:
        """Publish an image and the camera info that belongs to it."""
        self.camera_info(self.camera_of(rgb))
        self.image(rgb, **kwargs)

    def diagnosis(self, says: Callable[[Any], Any], each: Any = None) -> Any:
        """Wait for a diagnostic that says something, and return it."""
        from diagnostic_msgs.msg import DiagnosticArray

        if '/diagnostics' not in self._listening:
            self.diagnostics = self.listen(DiagnosticArray, '/diagnostics')
        self.diagnostics.clear()

        def found() -> Any:
            return next(filter(says, map(_read_status, self.diagnostics)), None)

        try:
            return self.until(found, 'diagnostics say so', each)
        except AssertionError as error:
            raise AssertionError(f'{error}\n{[*map(_read_status, self.diagnostics)]}') from error


def _read_status(message: Any) -> SimpleNamespace:
    (status,) = message.status
    return SimpleNamespace(
        level=status.level[0],
        message=status.message,
        name=status.name,
        stamp=message.header.stamp,
        values={pair.key: pair.value for pair in status.values},
    )


@pytest.fixture
def scene() -> np.ndarray[Any, Any]:
    """An image that is neither flat nor symmetric."""
    import cv2

    noise = np.random.default_rng(1).integers(0, 256, (12, 20, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (200, 120), interpolation=cv2.INTER_CUBIC), np.uint8)
