"""What the middleware looks for in the environment; set before rclpy is imported."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from lsd_ros.errors import RosError

TRANSPORT = 'FASTDDS_BUILTIN_TRANSPORTS'
DISCOVERY = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')


def prepare() -> None:
    """
    Prepare this process, and those that it starts, for ROS; what the user has set stays.

    Fast DDS loses most large images with its default transports, and the wheels of ROS leave it
    to their user to say where the ament index lies.
    """
    if not any(os.environ.get(name) for name in (TRANSPORT, *PROFILES)):
        os.environ[TRANSPORT] = 'LARGE_DATA'
    index = Path(sys.prefix, 'share', 'ament_index')
    if not os.environ.get('AMENT_PREFIX_PATH') and index.is_dir():
        os.environ['AMENT_PREFIX_PATH'] = sys.prefix


def require_rclpy() -> None:
    """
    Check that there is ROS at all, so that its absence is a sentence and not a traceback.

    :raises RosError: rclpy cannot be imported
    """
    if importlib.util.find_spec('rclpy') is None:
        raise RosError(
            'rclpy is not installed for this Python: source a ROS 2 distribution, '
            "or take its wheels with pip install 'lsd_ros[ros]'"
        )
