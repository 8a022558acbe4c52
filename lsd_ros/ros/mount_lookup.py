"""Where the camera sits on the robot: what the transforms say, else the mount parameters."""

from __future__ import annotations

import functools
import importlib
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.time import Time

from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.messages.decode import pose_to_matrix
from lsd_ros.ros.side_node import SideNode
from lsd_ros.types import Mount

TRANSFORMS = 'transforms'
PARAMETERS = 'mount parameters'

log = logging.getLogger(__name__)


class MountLookup:
    """
    Looks up the place of the camera in the base frame.

    The newest transform is taken: the camera is expected to sit rigidly on the robot.
    """

    def __init__(self, node: Node, base_frame: str, *, static_only: bool = False) -> None:
        """
        Listen to transforms, where tf2_ros is installed.

        :param static_only: whether to leave out those that move, which come by the hundred
        """
        self._base_frame = base_frame
        self._source: str | None = None
        self._last: Mount | None = None
        self._tf2: Any = None
        try:
            self._tf2 = importlib.import_module('tf2_ros')
        except ImportError:
            log.info('tf2_ros is not installed: the mount.* parameters say where the camera sits')
            return
        self._buffer = self._tf2.Buffer()
        # not on the executor of the images: transforms come by the hundred
        self._side = SideNode(node, 'transforms', ('/tf', '/tf_static'))
        self._listener = self._tf2.TransformListener(self._buffer, self._side.node)
        if static_only:
            self._side.node.destroy_subscription(self._listener.tf_sub)

    @property
    def source(self) -> str | None:
        """Return where the last answer came from; None where there was none."""
        return self._source

    def mount(self, frame_id: str, mount: MountSettings) -> Mount | None:
        """
        Return where the optical frame of a camera sits in the base frame.

        :param mount: believed where there is no transform
        :return: None where nobody says it: there is no transform, and all of ``mount`` is zero
        """
        place = self._looked_up(frame_id)
        source = TRANSFORMS
        if place is None and mount != MountSettings():
            place, source = _stated(mount), PARAMETERS
        self._note(frame_id, None if place is None else source)
        if place is None:
            return None
        return self._made(place, frame_id, by_transforms=source == TRANSFORMS)

    def close(self) -> None:
        """Stop to listen."""
        if self._tf2 is None:
            return
        self._listener.unregister()
        self._side.close()

    def _made(self, place: NDArray[np.float64], frame_id: str, *, by_transforms: bool) -> Mount:
        """Return the mount of a place; a place that has not moved was checked before."""
        known = self._last
        if (
            known is None
            or (known.frame_id, known.by_transforms) != (frame_id, by_transforms)
            or not np.array_equal(known.base_from_camera, place)
        ):
            self._last = known = Mount(place, self._base_frame, frame_id, by_transforms)
        return known

    def _note(self, frame_id: str, source: str | None) -> None:
        if source == self._source:
            return
        self._source = source
        if source is None:
            log.info('the place of %s in %s is no longer known', frame_id, self._base_frame)
        else:
            log.info('the place of %s in %s comes from the %s', frame_id, self._base_frame, source)

    def _looked_up(self, frame_id: str) -> NDArray[np.float64] | None:
        if self._tf2 is None:
            return None
        try:
            found = self._buffer.lookup_transform(self._base_frame, frame_id, Time())
        except self._tf2.TransformException:
            return None
        return pose_to_matrix(found)


@functools.lru_cache(maxsize=1)
def _stated(mount: MountSettings) -> NDArray[np.float64]:
    return base_from_optical(mount)
