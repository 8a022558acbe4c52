"""The executable ``depth_node``: start the node, and end it cleanly when it is told to."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from lsd_ros.errors import RosError
from lsd_ros.ros import process

if TYPE_CHECKING:
    from lsd_ros.ros.node import DepthNode

LOOK_FOR_SIGNALS_S = 0.2


def main(args: list[str] | None = None) -> None:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line without the name of the program; None: that of the process
    :raises SystemExit: ROS is not there, or cannot start, with a sentence
    """
    told_to_stop = process.stop_on_signals()
    try:
        with process.ros(args):
            from lsd_ros.ros.node import DepthNode

            process.rest_opencv()
            _run(DepthNode(told_to_stop), told_to_stop)
    except RosError as error:
        sys.exit(f'depth_node: {error}')
    process.leave_builders()


def _run(node: DepthNode, told_to_stop: threading.Event) -> None:
    from rclpy.executors import SingleThreadedExecutor

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        if node.parameters.autostart:
            node.start()
        while not told_to_stop.is_set():
            executor.spin_once(timeout_sec=LOOK_FOR_SIGNALS_S)
    finally:
        with process.ending():
            executor.shutdown()
            node.destroy_node()


if __name__ == '__main__':
    main()
