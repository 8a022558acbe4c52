"""The executable ``depth_nodes``: several cameras in one process, with networks between them."""

from __future__ import annotations

import argparse
import functools
import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsd_ros.errors import RosError
from lsd_ros.ros import environment, process

if TYPE_CHECKING:
    from lsd_ros.ros.node import DepthNode

LOOK_FOR_SIGNALS_S = 0.2
EXAMPLES = """\
examples:
  depth_nodes front rear --ros-args -p autostart:=true -r /rear/image:=/usb_cam/image_raw
  depth_nodes robot/left robot/right --params robot/left=left.yaml
"""

log = logging.getLogger(__name__)


class Camera(threading.Thread):
    """
    The thread of one node.

    It has an executor of its own, so that a camera that is being configured, or fails, does not
    keep the others waiting.
    """

    def __init__(self, node: DepthNode, told_to_stop: threading.Event) -> None:
        """Make the thread; ``start`` it."""
        name = node.get_fully_qualified_name()
        # A daemon: an impatient second Ctrl-C must be able to end the process.
        super().__init__(name=name, daemon=True)
        self._node = node
        self._told_to_stop = told_to_stop
        self.failed = False

    def run(self) -> None:
        """Serve the node until it is told to stop, and give it back."""
        from rclpy.executors import SingleThreadedExecutor

        from lsd_ros.ros.log_forwarding import speaking_for

        executor = SingleThreadedExecutor()
        executor.add_node(self._node)
        with speaking_for(self._node.get_logger().name):
            try:
                if self._node.parameters.autostart:
                    self._node.start()
                while not self._told_to_stop.is_set():
                    executor.spin_once(timeout_sec=LOOK_FOR_SIGNALS_S)
            except Exception:  # the other cameras must outlive a bug in this one
                log.exception('%s has ended by itself', self.name)
                self.failed = True
            finally:
                executor.shutdown()
                self._node.destroy_node()


def main(argv: Sequence[str] | None = None) -> None:
    """
    Run a node for each camera until SIGINT or SIGTERM.

    :param argv: command line without the name of the program; None: that of the process
    :raises SystemExit: ROS is not there, or cannot start, with a sentence
    """
    told_to_stop = process.stop_on_signals()
    environment.prepare()
    try:
        environment.require_rclpy()
        failed = _run(list(sys.argv[1:] if argv is None else argv), told_to_stop)
    except RosError as error:
        sys.exit(f'depth_nodes: {error}')
    process.leave_builders(bool(failed))
    if failed:
        sys.exit(
            'depth_nodes: ' + ', '.join(failed) + ' ended by itself: its last message says why'
        )


def _run(argv: list[str], told_to_stop: threading.Event) -> list[str]:
    """Run the nodes; return the names of those that ended by themselves."""
    from lsd_ros.ros.session import split_arguments

    own, ros = split_arguments(argv)
    given = _parser().parse_args(own)
    with process.ros(['--ros-args', *ros]):
        process.rest_opencv()
        cameras = [
            Camera(node, told_to_stop)
            for node in _nodes(given.cameras, dict(given.params), told_to_stop)
        ]
        for camera in cameras:
            camera.start()
        while not told_to_stop.is_set() and any(camera.is_alive() for camera in cameras):
            told_to_stop.wait(LOOK_FOR_SIGNALS_S)
        with process.ending():
            for camera in cameras:
                camera.join()
    return [camera.name for camera in cameras if camera.failed]


def _nodes(
    cameras: Sequence[str], files: dict[str, Path], told_to_stop: threading.Event
) -> list[DepthNode]:
    """Make a node in the namespace of each camera; all load their engines from one place."""
    from rclpy.exceptions import NameValidationException

    from lsd_ros.inference.shared_networks import SharedNetworks  # brings torch: seconds
    from lsd_ros.ros.node import DepthNode

    if strangers := sorted(set(files) - set(cameras)):
        raise RosError(
            f'--params names {", ".join(strangers)}: the cameras are {", ".join(cameras)}'
        )
    load_engine = functools.partial(SharedNetworks(len(cameras)).engine, beside=True)
    nodes = []
    for camera in cameras:
        own = ['--ros-args', '--params-file', str(files[camera])] if camera in files else []
        try:
            node = DepthNode(told_to_stop, load_engine=load_engine, namespace=camera, cli_args=own)
        except (RuntimeError, NameValidationException) as error:
            raise RosError(f'there can be no node for the camera {camera!r}: {error}') from error
        nodes.append(node)
    names = [node.get_fully_qualified_name() for node in nodes]
    if len(set(names)) < len(names):
        raise RosError(
            f'the cameras {" ".join(cameras)} give the nodes {" ".join(names)}: each needs a name '
            'of its own, and __ns cannot be remapped for all at once; name the cameras with their '
            'namespaces, for example robot/front'
        )
    return nodes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='depth_nodes',
        description='Run a depth_node for each of several cameras in one process. They share the '
        'weights and the networks, which take what waits as one batch; everything else is each '
        "camera's own.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('cameras', nargs='+', metavar='CAMERA', help='namespace of the node of a camera')
    add(
        '--params',
        action='append',
        type=_assignment,
        default=[],
        metavar='CAMERA=FILE',
        help='parameters of one camera, on top of those that are given to all; may be repeated',
    )
    return parser


def _assignment(text: str) -> tuple[str, Path]:
    camera, equals, file = text.partition('=')
    if not (camera and equals and file):
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form CAMERA=FILE')
    return camera, Path(file)


if __name__ == '__main__':
    main()
