"""A node beside the main one, on a thread of its own, for what must not keep images waiting."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

LISTEN_S = 0.2


class SideNode:
    """
    A node in the namespace of another one, and the thread that serves it.

    :param beside: the main node
    :param name: what its name is followed by
    :param topics: absolute names that are remapped as they are for the main node
    """

    def __init__(self, beside: Node, name: str, topics: Sequence[str] = ()) -> None:
        remaps = [
            word
            for topic in topics
            for word in ('-r', f'{topic}:={beside.resolve_topic_name(topic)}')
        ]
        self.node = Node(
            f'{beside.get_name()}_{name}',
            namespace=beside.get_namespace(),
            context=beside.context,
            use_global_arguments=False,  # __node:= would make it a second main node
            cli_args=['--ros-args', *remaps] if remaps else None,
            start_parameter_services=False,
            enable_rosout=False,
        )
        self._executor = SingleThreadedExecutor(context=beside.context)
        self._executor.add_node(self.node)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f'lsd_ros_{name}', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, and destroy the node."""
        self._ended.set()
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()

    def _serve(self) -> None:
        while not self._ended.is_set():
            # libraries destroy their subscriptions on threads of their own while we wait for them
            with contextlib.suppress(InvalidHandle):
                self._executor.spin_once(timeout_sec=LISTEN_S)
