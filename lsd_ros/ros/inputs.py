"""What the node listens to; the callbacks only store."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from lsd_ros.ros import qos
from lsd_ros.ros.calibration import Calibration
from lsd_ros.ros.connections import Connections
from lsd_ros.ros.mailbox import Mailbox


@dataclass(frozen=True)
class Received:
    """
    An image message as it came.

    :param message: sensor_msgs/Image or CompressedImage
    :param at_s: monotonic time of arrival [s]
    """

    message: Any
    at_s: float


def image_topic(node: Node, transport: str) -> str:
    """
    Return the resolved topic of the images.

    The compressed topic follows a remapped ``image``, as that of image_transport does.
    """
    topic: str = node.resolve_topic_name('image')
    if transport == 'compressed':
        topic = node.resolve_topic_name(f'{topic}/compressed')
    return topic


class Inputs:
    """Subscriptions to the images of a camera and to its calibration."""

    def __init__(
        self,
        node: LifecycleNode,
        transport: str,
        mailbox: Mailbox[Received],
        calibration: Calibration,
    ) -> None:
        """Subscribe, with sensor-data QoS that the user may override."""
        self._mailbox = mailbox
        self._connections = Connections(node)
        kind = Image if transport == 'raw' else CompressedImage
        for topic, type_of, callback in (
            (node.resolve_topic_name('camera_info'), CameraInfo, calibration.offer),
            (image_topic(node, transport), kind, self._on_image),
        ):
            self._connections.subscription(type_of, topic, callback, qos.sensor_data())

    def problems(self) -> list[str]:
        """Return a sentence for every publisher that cannot be understood."""
        return self._connections.problems()

    def close(self) -> None:
        """Unsubscribe."""
        self._connections.close()

    def _on_image(self, message: Any) -> None:
        self._mailbox.put(Received(message, time.monotonic()))
