"""Which camera an image was taken with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from lsd_ros.errors import CameraMismatchError, MissingCameraInfoError
from lsd_ros.messages.camera_info import camera_from_info
from lsd_ros.types import Camera


class Calibration:
    """
    Keeps the newest camera info, and gives its camera to images of its size and frame.

    Infos come on one thread and images on another.
    """

    def __init__(self, topic: str) -> None:
        """Start without a calibration; the topic is named where one is missed."""
        self._topic = topic
        self.explain: Callable[[], str] = lambda: ''  # why none comes, where that is known
        self._lock = threading.Lock()
        self._info: Any = None
        self._read: Camera | None = None

    @property
    def is_known(self) -> bool:
        """Return whether any camera info has come."""
        return self._info is not None

    def offer(self, info: Any) -> None:
        """Store a camera info, unread."""
        with self._lock:
            self._info = info
            self._read = None

    def camera_of(self, frame_id: str, width: int, height: int) -> Camera:
        """
        Return the camera of an image.

        :raises MissingCameraInfoError: there is no camera info yet
        :raises CameraMismatchError: it is of another size or frame than the image
        :raises CameraError: it is uncalibrated, or impossible
        """
        info, camera = self._newest()
        if info.header.frame_id != frame_id:
            raise CameraMismatchError(
                f'camera info on {self._topic} is of frame {info.header.frame_id!r} and the image '
                f'of frame {frame_id!r}: let both come from the same camera'
            )
        if (camera.width, camera.height) != (width, height):
            raise CameraMismatchError(
                f'camera info on {self._topic} is of {camera.width} x {camera.height} and the '
                f'image of {width} x {height}: give the calibration of this image size'
            )
        return camera

    def _newest(self) -> tuple[Any, Camera]:
        with self._lock:
            info, camera = self._info, self._read
        if info is None:
            raise MissingCameraInfoError(
                f'no camera info on {self._topic} yet: '
                + (
                    self.explain()
                    or 'depth needs the calibration of the camera, publish it there or remap '
                    'camera_info'
                )
            )
        if camera is None:
            camera = camera_from_info(info)
            with self._lock:
                if self._info is info:
                    self._read = camera
        return info, camera
