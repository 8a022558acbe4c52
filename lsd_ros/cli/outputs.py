"""What an estimate becomes in a bag: the messages that the node publishes."""

from __future__ import annotations

from typing import Any

from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.odometry.frames import base_from_optical, odometry_in_base
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.messages import encode
from lsd_ros.messages.types import MessageTypes
from lsd_ros.types import Cloud, Estimate

DEPTH = '/depth/image_rect'
CAMERA_INFO = '/depth/camera_info'
POINTS = '/points'
ODOMETRY = '/odom'
TRANSFORMS = '/tf'
DIAGNOSTICS = '/diagnostics'

TopicMessages = list[tuple[str, Any]]


class Outputs:
    """
    Turns estimates into messages on the topics of a node in the root namespace.

    :param types: which family of message classes to make
    :param settings: of the engine that makes the estimates
    :param odom_frame: frame of the odometry
    :param base_frame: frame of the robot
    """

    def __init__(
        self,
        types: MessageTypes,
        settings: EngineSettings,
        odom_frame: str = 'odom',
        base_frame: str = 'base_link',
    ) -> None:
        self._types = types
        self._clouds = CloudBuilder(settings.points)
        self._base_from_camera = base_from_optical(settings.mount)
        self._odom_frame = odom_frame
        self._base_frame = base_frame

    def cloud(self, estimate: Estimate) -> Cloud:
        """Build the cloud of an estimate with depth."""
        return self._clouds.build(estimate, self._base_from_camera)

    def messages(self, estimate: Estimate, cloud: Cloud) -> TopicMessages:
        """
        Make the messages of an estimate with depth; those of odometry only where motion is known.

        :raises MessageError: the stamp does not fit a message
        """
        made = [
            (DEPTH, encode.depth_image(self._types, estimate)),
            (POINTS, encode.point_cloud(self._types, cloud)),
        ]
        if estimate.camera is not None:
            stamp_ns, frame_id = estimate.stamp_ns, estimate.frame_id
            info = encode.camera_info(self._types, estimate.camera, stamp_ns, frame_id)
            made.insert(1, (CAMERA_INFO, info))
        return made + (self._odometry(estimate) if estimate.motion is not None else [])

    def _odometry(self, estimate: Estimate) -> TopicMessages:
        base = odometry_in_base(estimate, self._base_from_camera)
        message = encode.odometry(
            self._types,
            base.stamp_ns,
            self._odom_frame,
            self._base_frame,
            base.odom_from_base,
            base.pose_covariance,
            base.twist,
            base.twist_covariance,
        )
        if base.lost:  # a transform has no covariance that could say so
            return [(ODOMETRY, message)]
        moved = encode.transform(
            self._types, base.stamp_ns, self._odom_frame, self._base_frame, base.odom_from_base
        )
        return [(ODOMETRY, message), (TRANSFORMS, encode.transforms(self._types, [moved]))]
