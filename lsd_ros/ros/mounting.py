"""Where the camera sits on the robot: what the transforms say, else the mount parameters."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.time import Time

from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.inference.settings import MountSettings
from lsd_ros.messages.decode import pose_to_matrix

log = logging.getLogger(__name__)


class Mounting:
    """
    Looks up the place of the camera in the base frame.

    The newest transform is taken: the camera is expected to sit rigidly on the robot.
    """

    def __init__(self, node: Node, base_frame: str) -> None:
        """Listen to transforms, where tf2_ros is installed."""
        self._base_frame = base_frame
        self._source: str | None = None
        self._tf2: Any = None
        try:
            self._tf2 = importlib.import_module('tf2_ros')
        except ImportError:
            log.info('tf2_ros is not installed: the mount.* parameters say where the camera sits')
            return
        self._buffer = self._tf2.Buffer()
        self._listener = self._tf2.TransformListener(self._buffer, node)

    @property
    def source(self) -> str | None:
        """Return where the last answer came from; None before the first one."""
        return self._source

    def base_from_camera(self, frame_id: str, mount: MountSettings) -> NDArray[np.float64]:
        """Return the place of the optical frame of a camera in the base frame, shape (4, 4)."""
        transform = self._looked_up(frame_id)
        source = 'mount parameters' if transform is None else 'transforms'
        if source != self._source:
            log.info('the place of %s in %s comes from the %s', frame_id, self._base_frame, source)
            self._source = source
        return base_from_optical(mount) if transform is None else transform

    def close(self) -> None:
        """Stop to listen."""
        if self._tf2 is not None:
            self._listener.unregister()

    def _looked_up(self, frame_id: str) -> NDArray[np.float64] | None:
        if self._tf2 is None:
            return None
        try:
            found = self._buffer.lookup_transform(self._base_frame, frame_id, Time())
        except self._tf2.TransformException:
            return None
        return pose_to_matrix(found)
