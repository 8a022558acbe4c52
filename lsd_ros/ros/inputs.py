"""What the node listens to; the callbacks only store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nav_msgs.msg import Odometry
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from lsd_ros.errors import LsdError
from lsd_ros.messages import decode
from lsd_ros.ros import qos
from lsd_ros.ros.calibration import Calibration
from lsd_ros.ros.connections import Connections
from lsd_ros.ros.mailbox import Mailbox
from lsd_ros.ros.repeats import Repeats
from lsd_ros.types import BasePose

ODOMETRY_QUEUE = 50  # half a second of fast wheels, while an image is being decoded

log = logging.getLogger(__name__)


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


class OdometryInput:
    """
    What another odometry says, listened to only while a setting needs it.

    A message that cannot be used is said and left out; there will be another one soon.
    """

    def __init__(
        self, node: LifecycleNode, base_frame: str, store: Callable[[BasePose], None]
    ) -> None:
        """
        Listen to nothing yet.

        :param base_frame: frame that the odometry must be of
        :param store: takes what was said; called on the thread of the callbacks
        """
        self._node = node
        self._base_frame = base_frame
        self._store = store
        self._repeats = Repeats()
        self._connections: Connections | None = None
        self._problem: str | None = None
        self.received = 0
        self.topic = node.resolve_topic_name('odometry_in')

    @property
    def listening(self) -> bool:
        """Return whether it is subscribed."""
        return self._connections is not None

    def listen(self, needed: bool) -> None:
        """Subscribe or unsubscribe, where that is a change."""
        if needed == self.listening:
            return
        if self._connections is not None:
            self.close()
            return
        self._connections = Connections(self._node)
        profile = qos.best_effort(ODOMETRY_QUEUE)
        self._connections.subscription(Odometry, 'odometry_in', self._on_odometry, profile)

    def problems(self) -> list[str]:
        """Return what is wrong with the newest message, and who cannot be understood."""
        if self._connections is None:
            return []
        return [*([self._problem] if self._problem else []), *self._connections.problems()]

    def close(self) -> None:
        """Unsubscribe."""
        if self._connections is not None:
            self._connections.close()
        self._connections = self._problem = None

    def _on_odometry(self, message: Any) -> None:
        self.received += 1
        try:
            self._store(decode.odometry(message, self._base_frame))
        except LsdError as error:
            self._problem = f'a message on {self.topic} is left out: {error}'
            if self._repeats.is_due(self._problem):
                log.warning(self._problem)
            return
        self._problem = None
