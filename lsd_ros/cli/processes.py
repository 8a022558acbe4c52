"""The executables of this package as processes of one ROS domain."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lsd_ros.cli.printing import say
from lsd_ros.errors import RosError

PACKAGES = 'rclpy, rosgraph_msgs.msg, sensor_msgs.msg, nav_msgs.msg, diagnostic_msgs.msg'
DISCOVERY_RANGE = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
THIS_MACHINE = 'LOCALHOST'
START_S = 120.0  # the node loads and compiles its network in this time
END_S = 15.0
HUNG = 'Timeout (0:00:10)!'  # faulthandler's word, see lsd_ros.ros.process.ending
PATIENCE_S = 3.0
LOGGER = logging.getLogger(__name__)
HIGHEST_DOMAIN = 101  # above, the ports of a domain run into those that Linux hands out


def ros_problem() -> str | None:
    """Return why there is no ROS here to run the node with; None where there is."""
    command = [sys.executable, '-c', f'import {PACKAGES}']
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if not tried.returncode:
        return None
    return (tried.stderr.strip().splitlines() or [f'exit code {tried.returncode}'])[-1]


class Child:
    """A process of this package that logs into a file."""

    def __init__(self, name: str, arguments: list[str], log: Path, env: Mapping[str, str]) -> None:
        """Start it."""
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
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Return what the process has said so far."""
        return self._log.read_text(errors='replace')

    @property
    def exit_code(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.poll()

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
        if HUNG in self.log:  # its work was done by then
            LOGGER.warning('%s hung while it took the middleware down: %s', self.name, self.log)
            return
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
        say(self.log.rstrip('\n'), file=sys.stderr)
        lines = self.log.strip().splitlines()
        return RosError(f'{self.name} {what}: {lines[-1] if lines else "it said nothing"}')


class Starter:
    """
    Starts processes in one ROS domain; none outlives the stack.

    :param folder: where their logs go
    :param discovery_range: who may see them
    """

    def __init__(
        self,
        folder: Path,
        stack: contextlib.ExitStack,
        discovery_range: str = THIS_MACHINE,
    ) -> None:
        self._folder = folder
        self._stack = stack
        self._env = {
            **os.environ,
            'ROS_DOMAIN_ID': str(random.randint(1, HIGHEST_DOMAIN)),
            DISCOVERY_RANGE: discovery_range,
            'RCUTILS_COLORIZED_OUTPUT': '0',
        }

    def __call__(self, name: str, *arguments: str) -> Child:
        """Start an executable of :mod:`lsd_ros.ros`."""
        child = Child(name, list(arguments), self._folder / f'{name}.log', self._env)
        self._stack.callback(child.put_down)
        return child


def is_ready(node: Child, listener: Child, topics: Sequence[str]) -> bool:
    """
    Return whether a listener has found all topics; the node has them once it is configured.

    :raises RosError: the node says that it cannot be configured
    """
    if '[ERROR]' in node.log:
        raise node.failed('could not be started')
    return all(f'subscribed to {topic}\n' in listener.log for topic in topics)


def until(condition: Callable[[], bool], seconds: float, *children: Child) -> None:
    """
    Wait for a condition while processes run; the last one alone may end.

    :raises RosError: another one ended, or the time is over
    """
    deadline = time.monotonic() + seconds
    while not condition():
        for child in children:
            if child.has_ended and not condition():
                raise child.failed('ended too early')
        if time.monotonic() > deadline:
            raise children[0].failed(f'came to nothing within {seconds:.0f} s')
        time.sleep(0.05)
