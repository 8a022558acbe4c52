"""What the node listens to; the callbacks only store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from lsd_ros.ros import qos
from lsd_ros.ros.calibration import Calibration
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
        self, node: Node, transport: str, mailbox: Mailbox[Received], calibration: Calibration
    ) -> None:
        """Subscribe, with sensor-data QoS that the user may override."""
        self._node = node
        self._mailbox = mailbox
        self._subscriptions: list[Subscription[Any]] = []
        kind = Image if transport == 'raw' else CompressedImage
        self._subscribe(CameraInfo, node.resolve_topic_name('camera_info'), calibration.offer)
        self._subscribe(kind, image_topic(node, transport), self._on_image)

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _subscribe(self, kind: type[Any], topic: str, callback: Callable[[Any], None]) -> None:
        with qos.explained(topic):
            subscription = self._node.create_subscription(
                kind,
                topic,
                callback,
                qos.sensor_data(),
                qos_overriding_options=qos.overridable(),
            )
        self._subscriptions.append(subscription)

    def _on_image(self, message: Any) -> None:
        self._mailbox.put(Received(message, time.monotonic()))
