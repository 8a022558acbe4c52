"""A ROS process from its start to its clean end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import rclpy
from rclpy.node import Node

from lsd_ros.ros import process
from lsd_ros.ros.log_forwarding import RosLogHandler

DRAIN_S = 0.2


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
def session(name: str, ros_arguments: Sequence[str] = ()) -> Iterator[Session]:
    """
    Run a node whose work is ended, not cut off, by SIGINT and SIGTERM.

    :param name: of the node
    :param ros_arguments: what follows ``--ros-args`` on a command line
    :raises RosError: these are not understood
    """
    stop = process.stop_on_signals()
    with process.ros(['--ros-args', *ros_arguments]):
        node = rclpy.create_node(name)
        with RosLogHandler(node.get_logger()):
            yield Session(node, stop)
        with process.ending():
            node.destroy_node()


def spin(running: Session) -> None:
    """Listen until the process is asked to end, and then to what has already arrived."""
    while not running.stop.is_set():
        rclpy.spin_once(running.node, timeout_sec=0.1)
    end = time.monotonic() + DRAIN_S
    while time.monotonic() < end:
        rclpy.spin_once(running.node, timeout_sec=0.01)


def split_arguments(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """
    Split a command line; ``remove_ros_args`` of rclpy would also take our own ``a:=b``.

    :return: the arguments of the program, and those between ``--ros-args`` and ``--``
    """
    own: list[str] = []
    ros: list[str] = []
    current = own
    for word in argv:
        if word == '--ros-args':
            current = ros
        elif word == '--' and current is ros:
            current = own
        else:
            current.append(word)
    return own, ros
