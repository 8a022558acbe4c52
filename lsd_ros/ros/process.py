"""A process of ROS: told to stop by signals, started with its arguments, ended cleanly."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from lsd_ros.errors import RosError
from lsd_ros.ros import environment

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_S = 10.0


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
        with ending():
            rclpy.try_shutdown()


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """
    Take down nodes and middleware, which must not keep the process for ever.

    Fast DDS was seen to hang there, rarely. By then everything is published and written, so the
    process ends after ten seconds, says on stderr where it stood, and has exit code 1.
    """
    faulthandler.dump_traceback_later(PATIENCE_S, exit=True)  # works while the GIL is held, too
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def rest_opencv() -> None:
    """
    Let OpenCV work on the thread that calls it.

    Its own threads spin while they wait, and what they do for images at the size of the network is
    less than that.
    """
    import cv2

    cv2.setNumThreads(1)


def leave_builders(failed: bool = False) -> None:
    """
    End the process at once where networks are still being built: nothing can cut that off.

    Everything else has been given back by then. An interpreter that ends under a compiler at work
    was seen to crash.

    :param failed: whether to let the caller end it, with an exit code of its own
    """
    from lsd_ros.inference.beside import is_at_work

    if failed or not is_at_work():
        return
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
