"""The real node on a bag, live: node, player and recorder as processes of a ROS domain."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lsd_ros.cli.outputs import CAMERA_INFO, DEPTH, DIAGNOSTICS, ODOMETRY, POINTS
from lsd_ros.datasets.synthetic_bag import IMAGE_TOPIC, INFO_TOPIC
from lsd_ros.errors import RosError

RECORDED = (DEPTH, CAMERA_INFO, POINTS, ODOMETRY, DIAGNOSTICS)
PACKAGES = 'rclpy, rosgraph_msgs.msg, sensor_msgs.msg, nav_msgs.msg, diagnostic_msgs.msg'
# Best effort, the default for cameras, loses every second large image on a busy machine.
RELIABLE = f'qos_overrides.{IMAGE_TOPIC}.subscription.reliability:=reliable'
START_S = 120.0  # the node loads and compiles its network in this time
LAST_FRAME_S = 1.5  # for what is under way when the bag is over, and the last diagnostics
END_S = 15.0
PATIENCE_S = 3.0
HIGHEST_DOMAIN = 101  # above, the ports of a domain run into those that Linux hands out


@dataclass(frozen=True)
class Played:
    """
    What was played to the node.

    :param images: number of images published
    :param delay_ns: time of the system clock at which an image was due, less its stamp
    """

    images: int
    delay_ns: int


def ros_problem() -> str | None:
    """Return why there is no ROS here to run the node with; None where there is."""
    command = [sys.executable, '-c', f'import {PACKAGES}']
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if not tried.returncode:
        return None
    return (tried.stderr.strip().splitlines() or [f'exit code {tried.returncode}'])[-1]


def run_node(bag: Path, out: Path, weights: str, seconds: float) -> Played:
    """
    Play a bag to the node in real time, and record what it says.

    :param bag: with the topics of a synthetic bag
    :param out: bag to write
    :param weights: path; empty: those that come with the package
    :param seconds: how long the bag is
    :raises RosError: one of the processes failed; its log is on stderr by then
    """
    with tempfile.TemporaryDirectory(prefix='lsd_ros_demo.') as folder:
        report = Path(folder, 'report.json')
        remaps = ['-r', f'image:={IMAGE_TOPIC}', '-r', f'camera_info:={INFO_TOPIC}']
        parameters = ['autostart:=true', RELIABLE, *([f'weights:={weights}'] if weights else [])]
        given = [word for parameter in parameters for word in ('-p', parameter)]
        images = [IMAGE_TOPIC, INFO_TOPIC]
        play = [str(bag), '--topics', *images, '--wait-for-subscribers', *images]
        with contextlib.ExitStack() as stack:
            start = _Starter(Path(folder), stack)
            recorder = start('bag_recorder', str(out), *RECORDED)
            node = start('depth_node', '--ros-args', *given, *remaps)
            _until(lambda: _is_ready(node, recorder), START_S, node, recorder)
            player = start('bag_player', *play, '--report', str(report))
            _until(lambda: player.has_ended, START_S + seconds, node, recorder, player)
            time.sleep(LAST_FRAME_S)
            recorder.end()
            node.end()
        played = json.loads(report.read_text())
    return Played(played['messages'][IMAGE_TOPIC], played['delay_ns'])


class _Child:
    """A process of this package that logs into a file."""

    def __init__(self, name: str, arguments: list[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._log = log
        with log.open('w') as file:
            self._process = subprocess.Popen(
                [sys.executable, '-m', f'lsd_ros.ros.{name}', *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=env,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors='replace')

    @property
    def has_ended(self) -> bool:
        """
        Return whether the process has come to a good end.

        :raises RosError: it has come to a bad one
        """
        code = self._process.poll()
        if code:
            raise self.failed(f'ended with exit code {code}')
        return code is not None

    def end(self) -> None:
        """
        Ask the process to end, and wait for it.

        :raises RosError: it does not end, or not well
        """
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            raise self.failed(f'does not end within {END_S:.0f} s') from None
        _ = self.has_ended

    def put_down(self) -> None:
        """End the process, whatever it does."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def failed(self, what: str) -> RosError:
        """Show the log on stderr, and return what happened as an error."""
        print(self.log, file=sys.stderr, end='', flush=True)
        lines = self.log.strip().splitlines()
        return RosError(f'{self.name} {what}: {lines[-1] if lines else "it said nothing"}')


class _Starter:
    """Starts processes in one ROS domain of this machine; none outlives the stack."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._env = {
            **os.environ,
            'ROS_DOMAIN_ID': str(random.randint(1, HIGHEST_DOMAIN)),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'RCUTILS_COLORIZED_OUTPUT': '0',
        }

    def __call__(self, name: str, *arguments: str) -> _Child:
        child = _Child(name, list(arguments), self._folder / f'{name}.log', self._env)
        self._stack.callback(child.put_down)
        return child


def _is_ready(node: _Child, recorder: _Child) -> bool:
    """Return whether the recorder has found everything; the node says so when it is configured."""
    if '[ERROR]' in node.log:
        raise node.failed('could not be started')
    return all(f'subscribed to {topic}\n' in recorder.log for topic in RECORDED)


def _until(condition: Callable[[], bool], seconds: float, *children: _Child) -> None:
    """Wait for a condition while processes run; the last one alone may end."""
    deadline = time.monotonic() + seconds
    while not condition():
        for child in children:
            if child.has_ended and not condition():
                raise child.failed('ended too early')
        if time.monotonic() > deadline:
            raise children[0].failed(f'came to nothing within {seconds:.0f} s')
        time.sleep(0.05)
