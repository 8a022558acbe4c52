"""The executable ``depth_node``: start the node, and end it cleanly when it is told to."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

from lsd_ros.errors import RosError
from lsd_ros.ros import environment

if TYPE_CHECKING:
    from lsd_ros.ros.node import DepthNode

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOOK_FOR_SIGNALS_S = 0.2


def main(args: list[str] | None = None) -> None:
    """
    Run the node until SIGINT or SIGTERM.

    :param args: command line without the name of the program; None: that of the process
    :raises SystemExit: ROS is not there, or cannot start, with a sentence
    """
    told_to_stop = _stop_on_signals()
    environment.prepare()
    try:
        environment.require_rclpy()
    except RosError as error:
        sys.exit(str(error))
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    try:
        # Our own handlers: those of rclpy would close the middleware under a frame in flight.
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        sys.exit(f'depth_node cannot start: {error}')
    try:
        from lsd_ros.ros.node import DepthNode

        _run(DepthNode(), told_to_stop)
    finally:
        rclpy.try_shutdown()


def _stop_on_signals() -> threading.Event:
    """Note the first signal; the second one ends the process as it would without us."""
    told_to_stop = threading.Event()

    def note(number: int, _: FrameType | None) -> None:
        told_to_stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in SIGNALS:
        signal.signal(number, note)
    return told_to_stop


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
        executor.shutdown()
        node.destroy_node()


if __name__ == '__main__':
    main()
