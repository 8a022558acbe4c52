"""What the node says; it says, and computes, only what somebody listens to."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable
from typing import Any

from nav_msgs.msg import Odometry
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle.publisher import LifecyclePublisher
from sensor_msgs.msg import Image

from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.preview import colour_map
from lsd_ros.messages import encode
from lsd_ros.publication import topics
from lsd_ros.publication.judging import Demand, Judgement
from lsd_ros.publication.obstacles import ObstaclePolicy, Said
from lsd_ros.publication.odometry import OdometryPolicy
from lsd_ros.ros import qos
from lsd_ros.ros.connections import Connections, is_heard
from lsd_ros.ros.message_classes import RclpyTypes
from lsd_ros.ros.obstacle_outputs import ObstacleOutputs
from lsd_ros.ros.parameters import NodeSettings
from lsd_ros.types import Estimate

QUEUE = 5
TF_QUEUE = 100  # that of tf2_ros

log = logging.getLogger(__name__)


class Outputs:
    """The publishers of the results."""

    def __init__(self, node: LifecycleNode, settings: NodeSettings) -> None:
        """Create every publisher, reliable unless the user overrides it."""
        self._node = node
        self._settings = settings
        self._types = RclpyTypes()
        self._obstacle_policy = ObstaclePolicy(self._types, settings.base_frame)
        self._odometry_policy = OdometryPolicy(
            self._types, settings.odom_frame, settings.base_frame
        )
        self._connections = Connections(node)
        self._obstacles = ObstacleOutputs(self._connections)
        self._preview = self._connections.publisher(Image, topics.PREVIEW, qos.reliable(QUEUE))
        self._odometry = self._connections.publisher(
            Odometry, topics.ODOMETRY, qos.reliable(QUEUE)
        )
        self._tf = self._tf_publisher() if settings.publish_tf else None

    def demand(self, settings: EngineSettings) -> Demand:
        """Return what somebody listens to."""
        return Demand(
            depth=self._obstacles.want_depth() or is_heard(self._preview),
            motion=is_heard(self._odometry) or self._tf is not None,
            uncertainty=self._obstacles.want_uncertainty(settings),
        )

    def is_heard(self) -> bool:
        """Return whether anybody subscribes to any result."""
        depth = self._obstacles.want_depth() or is_heard(self._preview)
        return depth or is_heard(self._odometry) or self._tf is not None

    def publish(self, judgement: Judgement, settings: EngineSettings) -> None:
        """Publish what may be said about an image, as far as somebody listens."""
        obstacles = self._obstacle_policy.said(judgement, settings, self._obstacles.heard)
        motion = self._odometry_policy.said(judgement, settings, self._is_motion_heard)
        self._obstacles.publish(obstacles)
        self._publish_preview(judgement.estimate)
        self._publish_motion(motion)

    def publish_lost(self, stamp_ns: int) -> None:
        """
        Say that the odometry is lost, where somebody listens to it.

        :param stamp_ns: since when, or still [ns]
        """
        self._publish_motion(self._odometry_policy.lost(stamp_ns, self._is_motion_heard))

    def duplicates(self) -> list[str]:
        """Return who publishes the results under the very name of this node."""
        return self._connections.duplicates()

    def close(self) -> None:
        """Destroy the publishers."""
        self._connections.close()

    def problems(self) -> list[str]:
        """Return a sentence for every topic that says nothing, or not to everybody."""
        return [*self._connections.problems(), *self._obstacles.problems()]

    def _tf_publisher(self) -> LifecyclePublisher[Any] | None:
        try:
            kind = importlib.import_module('tf2_msgs.msg').TFMessage
        except ImportError:
            log.warning(
                'publish_tf is on but tf2_msgs is not installed: the odometry comes on %s alone, '
                'install the ROS package tf2_msgs for the transform',
                self._node.resolve_topic_name('odom'),
            )
            return None
        return self._connections.publisher(
            kind, topics.TRANSFORMS, qos.reliable(TF_QUEUE), shared=True
        )

    def _publish_preview(self, estimate: Estimate) -> None:
        if estimate.depth is not None and is_heard(self._preview):
            picture = colour_map(estimate.depth)
            self._preview.publish(
                encode.rgb_image(self._types, picture, estimate.stamp_ns, estimate.frame_id)
            )

    def _is_motion_heard(self, topic: str) -> bool:
        """Return whether somebody listens to a topic of the motion."""
        return is_heard(self._odometry) if topic == topics.ODOMETRY else self._tf is not None

    def _publish_motion(self, said: Iterable[Said]) -> None:
        for each in said:
            publisher = self._odometry if each.topic == topics.ODOMETRY else self._tf
            if publisher is not None:
                publisher.publish(each.message)
