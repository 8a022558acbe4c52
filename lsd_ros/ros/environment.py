"""What the middleware looks for in the environment; set before rclpy is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TRANSPORT = 'FASTDDS_BUILTIN_TRANSPORTS'
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
