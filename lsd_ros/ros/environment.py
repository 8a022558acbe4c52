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
LARGE_DATA = 'LARGE_DATA'
THIS_MACHINE = Path(__file__).parent / 'this_machine.xml'


def prepare() -> None:
    """
    Prepare this process, and those that it starts, for ROS; what the user has set stays.

    Fast DDS loses most large images with its default transports, and where only this machine is
    looked at, rmw_fastrtps takes these whatever is asked for, unless a profile adds another one.
    The wheels of ROS leave it to their user to say where the ament index lies.
    """
    if not any(os.environ.get(name) for name in PROFILES):
        if not os.environ.get(TRANSPORT):
            os.environ[TRANSPORT] = LARGE_DATA
        asked = os.environ[TRANSPORT].startswith(LARGE_DATA)
        if asked and os.environ.get(DISCOVERY, '').upper() == 'LOCALHOST':
            os.environ[PROFILES[0]] = str(THIS_MACHINE)
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
