"""A ROS process from its start to its clean end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from lsd_ros.errors import RosError
from lsd_ros.ros.log_forwarding import RosLogHandler


@dataclass(frozen=True)
class Session:
    """
    A running ROS process.

    :param node: its one node
    :param stop: set once the process is asked to end
    """

    node: Node
    stop: threading.Event


@contextlib.contextmanager
def session(name: str, arguments: Sequence[str] = ()) -> Iterator[Session]:
    """
    Run a node whose work is ended, not cut off, by SIGINT and SIGTERM.

    :param name: of the node
    :param arguments: command line; what follows ``--ros-args`` is for ROS
    :raises RosError: that is not understood
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        rclpy.init(args=list(arguments), signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise RosError(f'ROS arguments are not understood: {error}') from error
    try:
        node = rclpy.create_node(name)
        with RosLogHandler(node.get_logger()):
            yield Session(node, stop)
        node.destroy_node()
    finally:
        rclpy.shutdown()
