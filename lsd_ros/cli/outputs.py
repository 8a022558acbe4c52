"""What an estimate becomes in a bag: the messages that the node publishes."""

from __future__ import annotations

import logging
from typing import Any

from lsd_ros.errors import CameraError
from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.obstacles.scan import ScanBuilder
from lsd_ros.inference.obstacles.trust import Trust
from lsd_ros.inference.odometry.frames import base_from_optical, odometry_in_base
from lsd_ros.inference.settings import EngineSettings, MountSettings
from lsd_ros.messages import encode
from lsd_ros.messages.types import MessageTypes
from lsd_ros.types import Cloud, Estimate, Scan

DEPTH = '/depth/image_rect'
CAMERA_INFO = '/depth/camera_info'
UNCERTAINTY = '/depth/uncertainty'
POINTS = '/points'
SCAN = '/scan'
ODOMETRY = '/odom'
TRANSFORMS = '/tf'
DIAGNOSTICS = '/diagnostics'

TopicMessages = list[tuple[str, Any]]
LOGGER = logging.getLogger(__name__)


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
        trust = Trust(settings.points)
        self._clouds = CloudBuilder(settings.points, trust)
        self._scans = ScanBuilder(settings.scan, trust, settings.max_depth_m)
        self._said: str | None = None
        self._base_from_camera = base_from_optical(settings.mount)
        self._mounted = settings.mount != MountSettings()
        self._odom_frame = odom_frame
        self._base_frame = base_frame

    def cloud(self, estimate: Estimate) -> Cloud:
        """Build the cloud of an estimate with depth."""
        return self._clouds.build(estimate, self._base_from_camera)

    def scan(self, estimate: Estimate) -> Scan | None:
        """Build the scan of an estimate with depth; None where its mount sees no obstacles."""
        try:
            return self._scans.build(estimate, self._base_from_camera, self._base_frame)
        except CameraError as error:
            if self._said != str(error):
                self._said = str(error)
                LOGGER.warning('no scan: %s', error)
            return None

    def messages(self, estimate: Estimate, cloud: Cloud, scan: Scan | None) -> TopicMessages:
        """
        Make the messages of an estimate with depth; those of odometry only where motion is known.

        There is a scan only of metres and of a known mount: other heights mean nothing.

        :raises MessageError: the stamp does not fit a message
        """
        made = [
            (DEPTH, encode.depth_image(self._types, estimate)),
            (POINTS, encode.point_cloud(self._types, cloud)),
        ]
        if scan is not None and estimate.scale.metric and self._mounted:
            made.append((SCAN, encode.laser_scan(self._types, scan)))
        if estimate.camera is not None:
            stamp_ns, frame_id = estimate.stamp_ns, estimate.frame_id
            info = encode.camera_info(self._types, estimate.camera, stamp_ns, frame_id)
            made.insert(1, (CAMERA_INFO, info))
        if estimate.uncertainty is not None:
            made.append((UNCERTAINTY, encode.uncertainty_image(self._types, estimate)))
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
