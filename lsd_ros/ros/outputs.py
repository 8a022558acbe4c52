"""What the node says; it says, and computes, only what somebody listens to."""

from __future__ import annotations

import importlib
import logging
from typing import Any, NamedTuple

import numpy as np
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle.publisher import LifecyclePublisher
from sensor_msgs.msg import Image

from lsd_ros.inference.odometry.frames import (
    BaseOdometry,
    base_from_optical,
    lost_at,
    odometry_in_base,
)
from lsd_ros.inference.preview import colour_map
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.messages import encode
from lsd_ros.ros import qos
from lsd_ros.ros.connections import Connections, is_heard
from lsd_ros.ros.conversions import RclpyTypes
from lsd_ros.ros.mounting import Mounting
from lsd_ros.ros.obstacle_outputs import ObstacleOutputs
from lsd_ros.ros.parameters import NodeSettings
from lsd_ros.types import Estimate

QUEUE = 5
TF_QUEUE = 100  # that of tf2_ros

log = logging.getLogger(__name__)


class Demand(NamedTuple):
    """What has to be computed."""

    depth: bool
    motion: bool


class Outputs:
    """The publishers of the results."""

    def __init__(self, node: LifecycleNode, settings: NodeSettings, mounting: Mounting) -> None:
        """Create every publisher, reliable unless the user overrides it."""
        self._node = node
        self._settings = settings
        self._mounting = mounting
        self._types = RclpyTypes()
        self._odom_from_base = np.eye(4)  # as last published
        self._connections = Connections(node)
        self._obstacles = ObstacleOutputs(self._connections, mounting, settings.base_frame)
        self._preview = self._connections.publisher(Image, 'depth/preview', qos.reliable(QUEUE))
        self._odometry = self._connections.publisher(Odometry, 'odom', qos.reliable(QUEUE))
        self._tf = self._tf_publisher() if settings.publish_tf else None

    def demand(self) -> Demand:
        """Return what somebody listens to."""
        return Demand(
            depth=self._obstacles.want_depth() or is_heard(self._preview),
            motion=is_heard(self._odometry) or self._tf is not None,
        )

    def wants_uncertainty(self, settings: EngineSettings) -> bool:
        """Return whether somebody listens to what is made of the uncertainty of the depth."""
        return self._obstacles.want_uncertainty(settings)

    def publish(
        self, estimate: Estimate, settings: EngineSettings, *, obstacles: bool, lost: bool
    ) -> None:
        """
        Publish what the estimate holds, as far as somebody listens.

        :param obstacles: whether a robot may avoid obstacles by it; else only the preview goes out
        :param lost: whether the odometry must say that it is lost
        """
        place = self._mounting.base_from_camera(estimate.frame_id, settings.mount)
        if estimate.depth is not None:
            if obstacles:
                self._obstacles.publish(estimate, settings, place)
            self._publish_preview(estimate.depth, estimate)
        if lost:
            self.publish_lost(estimate.stamp_ns)
        elif estimate.odom_from_camera is not None:
            # a camera of unknown place is taken to look forward from the base
            self._publish_odometry(
                estimate, base_from_optical(settings.mount) if place is None else place
            )

    def publish_lost(self, stamp_ns: int) -> None:
        """
        Say that the odometry is lost, where somebody listens to it.

        :param stamp_ns: since when, or still [ns]
        """
        self._say(lost_at(stamp_ns, self._odom_from_base))

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
        return self._connections.publisher(kind, '/tf', qos.reliable(TF_QUEUE), shared=True)

    def _publish_preview(self, depth: NDArray[np.float32], estimate: Estimate) -> None:
        if is_heard(self._preview):
            stamp_ns, frame_id = estimate.stamp_ns, estimate.frame_id
            picture = encode.rgb_image(self._types, colour_map(depth), stamp_ns, frame_id)
            self._preview.publish(picture)

    def _publish_odometry(self, estimate: Estimate, place: NDArray[np.float64]) -> None:
        odometry = odometry_in_base(estimate, place)
        self._odom_from_base = odometry.odom_from_base
        self._say(odometry)

    def _say(self, odometry: BaseOdometry) -> None:
        odom, base = self._settings.odom_frame, self._settings.base_frame
        if is_heard(self._odometry):
            self._odometry.publish(
                encode.odometry(
                    self._types,
                    odometry.stamp_ns,
                    odom,
                    base,
                    odometry.odom_from_base,
                    odometry.pose_covariance,
                    odometry.twist,
                    odometry.twist_covariance,
                )
            )
        if self._tf is not None and not odometry.lost:  # a transform could not say so
            moved = encode.transform(
                self._types, odometry.stamp_ns, odom, base, odometry.odom_from_base
            )
            self._tf.publish(encode.transforms(self._types, [moved]))
