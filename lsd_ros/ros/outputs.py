"""What the node says; it says, and computes, only what somebody listens to."""

from __future__ import annotations

import importlib
import logging
from typing import Any, NamedTuple

from nav_msgs.msg import Odometry
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle.publisher import LifecyclePublisher
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.odometry.frames import odometry_in_base
from lsd_ros.inference.preview import colour_map
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.messages import encode
from lsd_ros.ros import qos
from lsd_ros.ros.connections import Connections
from lsd_ros.ros.conversions import RclpyTypes
from lsd_ros.ros.mounting import Mounting
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
        self._cloud_builder: CloudBuilder | None = None
        self._connections = Connections(node)
        self._depth = self._publisher(Image, 'depth/image_rect')
        self._camera_info = self._publisher(CameraInfo, 'depth/camera_info')
        self._preview = self._publisher(Image, 'depth/preview')
        self._points = self._publisher(PointCloud2, 'points')
        self._odometry = self._publisher(Odometry, 'odom')
        self._tf = self._tf_publisher() if settings.publish_tf else None

    def demand(self) -> Demand:
        """Return what somebody listens to."""
        of_depth = (self._depth, self._camera_info, self._preview, self._points)
        return Demand(
            depth=any(map(_is_heard, of_depth)),
            motion=_is_heard(self._odometry) or self._tf is not None,
        )

    def publish(self, estimate: Estimate, settings: EngineSettings) -> None:
        """Publish what the estimate holds, as far as somebody listens."""
        if estimate.depth is not None:
            self._publish_images(estimate)
            self._publish_points(estimate, settings)
        if estimate.odom_from_camera is not None:
            self._publish_odometry(estimate, settings)

    def close(self) -> None:
        """Destroy the publishers."""
        self._connections.close()

    def problems(self) -> list[str]:
        """Return a sentence for every subscription that gets nothing."""
        return self._connections.problems()

    def _publisher(
        self, kind: type[Any], topic: str, depth: int = QUEUE
    ) -> LifecyclePublisher[Any]:
        return self._connections.publisher(kind, topic, qos.reliable(depth))

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
        return self._publisher(kind, '/tf', TF_QUEUE)

    def _publish_images(self, estimate: Estimate) -> None:
        stamp_ns, frame_id = estimate.stamp_ns, estimate.frame_id
        if _is_heard(self._depth):
            self._depth.publish(encode.depth_image(self._types, estimate))
        if _is_heard(self._camera_info) and estimate.camera is not None:
            info = encode.camera_info(self._types, estimate.camera, stamp_ns, frame_id)
            self._camera_info.publish(info)
        if _is_heard(self._preview) and estimate.depth is not None:
            picture = colour_map(estimate.depth)
            self._preview.publish(encode.rgb_image(self._types, picture, stamp_ns, frame_id))

    def _publish_points(self, estimate: Estimate, settings: EngineSettings) -> None:
        if not _is_heard(self._points):
            return
        if self._cloud_builder is None or self._cloud_builder.settings != settings.points:
            self._cloud_builder = CloudBuilder(settings.points)
        mounted = self._mounting.base_from_camera(estimate.frame_id, settings.mount)
        cloud = self._cloud_builder.build(estimate, mounted)
        self._points.publish(encode.point_cloud(self._types, cloud))

    def _publish_odometry(self, estimate: Estimate, settings: EngineSettings) -> None:
        mounted = self._mounting.base_from_camera(estimate.frame_id, settings.mount)
        odometry = odometry_in_base(estimate, mounted)
        odom, base = self._settings.odom_frame, self._settings.base_frame
        if _is_heard(self._odometry):
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


def _is_heard(publisher: LifecyclePublisher[Any]) -> bool:
    return bool(publisher.get_subscription_count())
