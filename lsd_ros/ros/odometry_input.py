"""What another odometry says, listened to only while a setting needs it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from nav_msgs.msg import Odometry
from rclpy.lifecycle import LifecycleNode
from rclpy.parameter import Parameter

from lsd_ros.errors import LsdError
from lsd_ros.messages import decode
from lsd_ros.ros import qos
from lsd_ros.ros.connections import Connections
from lsd_ros.ros.parameters import Settings
from lsd_ros.ros.rate_limits import LogThrottle
from lsd_ros.ros.statistics import Rate
from lsd_ros.types import BasePose

QUEUE = 50  # half a second of fast wheels
TIMEOUT_S = 1.0

log = logging.getLogger(__name__)


class OdometryInput:
    """
    The subscription to ``odometry_in``, which comes and goes with the parameters.

    A message that cannot be used is said and left out; there will be another one soon.
    """

    def __init__(
        self,
        node: LifecycleNode,
        settings: Callable[[], Settings],
        store: Callable[[BasePose], None],
        now_ns: Callable[[], int],
    ) -> None:
        """
        Subscribe where the settings ask for it, now or later.

        :param settings: what the parameters say at the moment
        :param store: takes what was said; called on the thread of the callbacks
        :param now_ns: the clock of the node [ns]
        :raises RosError: an override is wrong, or the middleware refuses the topic
        """
        self._node = node
        self._settings = settings
        self._store = store
        self._topic = node.resolve_topic_name('odometry_in')
        self._repeats = LogThrottle()
        self._connections: Connections | None = None
        self._rate = Rate(now_ns)
        self._problem: str | None = None
        self._frame_id = ''
        self._received = 0
        self._heard_s = 0.0
        self._base_frame = settings().node.base_frame
        self._follow()
        node.add_post_set_parameters_callback(self._on_set)

    def problems(self) -> list[str]:
        """Return what is wrong with the newest message, and who cannot be understood."""
        if self._connections is None:
            return []
        problems = self._connections.problems()
        if time.monotonic() - self._heard_s > TIMEOUT_S:
            problems.append(
                f'no odometry comes on {self._topic}: publish it there or remap odometry_in, or '
                'choose another scale.source and set odometry.fuse to false'
            )
        elif self._problem is not None:
            problems.append(self._problem)
        node = self._settings().node
        if node.publish_tf and self._frame_id == node.odom_frame:
            problems.append(
                f'publish_tf is true and {self._topic} is in {node.odom_frame!r}, too, so there '
                'may be two publishers of the same transform: set publish_tf to false, or let the '
                'other one not publish it'
            )
        return problems

    def values(self) -> dict[str, str]:
        """Return what there is to know; nothing where nothing is listened to."""
        if self._connections is None:
            return {}
        return {
            'odometry_in.received': str(self._received),
            'odometry_in.rate_hz': f'{self._rate.of(self._received):.2f}',
        }

    def close(self) -> None:
        """Unsubscribe for good."""
        self._node.remove_post_set_parameters_callback(self._on_set)
        self._unsubscribe()

    def _on_set(self, _: Sequence[Parameter[Any]]) -> None:
        try:
            self._follow()
        except LsdError as error:  # the parameter is set already: too late to refuse it
            log.error(str(error))

    def _follow(self) -> None:
        """Subscribe or unsubscribe, as the settings say."""
        if not self._settings().needs_odometry_in:
            self._unsubscribe()
        elif self._connections is None:
            connections = Connections(self._node)
            profile = qos.best_effort(QUEUE)
            connections.subscription(Odometry, 'odometry_in', self._on_odometry, profile)
            self._connections = connections
            self._heard_s = time.monotonic()

    def _unsubscribe(self) -> None:
        if self._connections is not None:
            self._connections.close()
        self._connections = self._problem = None

    def _on_odometry(self, message: Any) -> None:
        self._received += 1
        self._heard_s = time.monotonic()
        self._frame_id = message.header.frame_id
        try:
            self._store(decode.odometry(message, self._base_frame))
        except LsdError as error:
            self._problem = f'a message on {self._topic} is left out: {error}'
            if self._repeats.is_due(self._problem):
                log.warning(self._problem)
            return
        self._problem = None
