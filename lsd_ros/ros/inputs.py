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
from lsd_ros.ros.receiver import PastExecutor

MOST_LOST = 0.1  # share of the images that may be lost without a word
TRANSPORT_REMEDY = (
    'set FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA for the camera driver and for this node, send '
    'compressed images'
)


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
        self._topic = image_topic(node, transport)
        self._lost = 0
        self._reported = 0, 0
        group = PastExecutor()
        camera_info = self._connections.subscription(
            CameraInfo, 'camera_info', calibration.offer, qos.sensor_data(), group=group
        )
        self._calibration = calibration
        self._fetches_kept = False
        calibration.explain = self._why_no_camera_info
        images = self._connections.subscription(
            Image if transport == 'raw' else CompressedImage,
            self._topic,
            self._on_image,
            qos.sensor_data(),
            on_lost=self._on_lost,
            group=group,
        )
        self.subscriptions = camera_info, images  # for a receiver; an image finds its camera info

    def fetch_kept(self) -> None:
        """
        Fetch camera info that was published once and kept, where none has come.

        Only a subscription that asks for it receives what was said before; and only where somebody
        keeps it, because all others would log that they do not.
        """
        if self._fetches_kept or self._calibration.is_known:
            return
        publishers = self._connections.publishers('camera_info')
        if any(qos.keeps(offered) for _, offered in publishers):
            self._fetches_kept = True
            self._connections.latched_subscription(
                CameraInfo, 'camera_info', self._calibration.offer
            )

    def problems(self) -> list[str]:
        """Return who cannot be understood, and whether images were lost since the last call."""
        problems = self._connections.problems()
        received, lost = self._mailbox.received, self._lost
        came, gone = received - self._reported[0], lost - self._reported[1]
        self._reported = received, lost
        if gone > MOST_LOST * (came + gone):
            problems.append(
                f'{gone} of {came + gone} images on {self._topic} were lost on their way: '
                f'{TRANSPORT_REMEDY}, or start this node with qos_overrides.{self._topic}'
                '.subscription.reliability set to reliable where the camera driver offers that'
            )
        return problems

    def values(self) -> dict[str, str]:
        """Return what there is to know."""
        return {'frames.lost': str(self._lost)}

    def _why_no_camera_info(self) -> str:
        """Say what keeps the camera info of those who publish it from coming; empty: nobody."""
        for name, offered in self._connections.publishers('camera_info'):
            if not qos.keeps(offered):
                return (
                    f'{name} publishes it with durability volatile, and what it published before '
                    'this node came is lost: let it publish camera info with every image, or '
                    'once with durability transient_local and reliability reliable'
                )
            policies = [mismatch.policy for mismatch in qos.mismatches(offered, qos.latched())]
            if policies:
                return (
                    f'{name} keeps it (durability transient_local) but offers '
                    f'{" and ".join(policies)} with which nothing that is kept can be fetched: '
                    'let it offer reliability reliable, or publish camera info with every image'
                )
            return (
                f'{name} is there with durability transient_local and has published none: see '
                'whether it has the calibration'
            )
        return ''

    def close(self) -> None:
        """Unsubscribe."""
        self._connections.close()

    def _on_lost(self, event: Any) -> None:
        self._lost = event.total_count

    def _on_image(self, message: Any) -> None:
        self._mailbox.put(Received(message, time.monotonic()))
