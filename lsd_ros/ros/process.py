"""A process of ROS: told to stop by signals, started with its arguments, ended cleanly."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from lsd_ros.errors import RosError
from lsd_ros.ros import environment

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stop_on_signals() -> threading.Event:
    """Note the first signal; the second one ends the process as it would without us."""
    told_to_stop = threading.Event()

    def note(number: int, _: FrameType | None) -> None:
        told_to_stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in SIGNALS:
        signal.signal(number, note)
    return told_to_stop


@contextlib.contextmanager
def ros(arguments: list[str] | None) -> Iterator[None]:
    """
    Start ROS in this process, and end it.

    :param arguments: command line without the name of the program; None: that of the process
    :raises RosError: ROS is not there, or the arguments are not understood
    """
    environment.prepare()
    environment.require_rclpy()
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    try:
        # Our own handlers: those of rclpy would close the middleware under a frame in flight.
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise RosError(f'ROS cannot start with these arguments: {error}') from error
    try:
        yield
    finally:
        rclpy.try_shutdown()
