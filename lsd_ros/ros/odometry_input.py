"""What another odometry says, listened to only while a setting needs it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from nav_msgs.msg import Odometry
from rclpy.lifecycle import LifecycleNode

from lsd_ros.errors import LsdError
from lsd_ros.messages import decode
from lsd_ros.ros import qos
from lsd_ros.ros.connections import Connections
from lsd_ros.ros.repeats import Repeats
from lsd_ros.ros.statistics import Rate
from lsd_ros.types import BasePose

QUEUE = 50  # half a second of fast wheels
TIMEOUT_S = 1.0

log = logging.getLogger(__name__)


class OdometryInput:
    """
    The subscription to ``odometry_in``, which comes and goes with the settings.

    A message that cannot be used is said and left out; there will be another one soon.
    """

    def __init__(
        self,
        node: LifecycleNode,
        base_frame: str,
        store: Callable[[BasePose], None],
        now_ns: Callable[[], int],
    ) -> None:
        """
        Listen to nothing yet.

        :param base_frame: frame that the odometry must be of
        :param store: takes what was said; called on the thread of the callbacks
        :param now_ns: the clock of the node [ns]
        """
        self._node = node
        self._base_frame = base_frame
        self._store = store
        self._now_ns = now_ns
        self._topic = node.resolve_topic_name('odometry_in')
        self._repeats = Repeats()
        self._connections: Connections | None = None
        self._rate = Rate(now_ns)
        self._problem: str | None = None
        self._received = 0
        self._heard_s = 0.0

    def listen(self, needed: bool) -> None:
        """Subscribe or unsubscribe, where that is a change."""
        if not needed:
            self.close()
        elif self._connections is None:
            self._connections = Connections(self._node)
            self._heard_s = time.monotonic()
            self._connections.subscription(
                Odometry, 'odometry_in', self._on_odometry, qos.best_effort(QUEUE)
            )

    def problems(self) -> list[str]:
        """Return what is wrong with the newest message, and who cannot be understood."""
        if self._connections is None:
            return []
        problems = self._connections.problems()
        if time.monotonic() - self._heard_s > TIMEOUT_S:
            problems.append(
                f'no odometry on {self._topic}: publish it there or remap odometry_in, or choose '
                'another scale.source'
            )
        elif self._problem is not None:
            problems.append(self._problem)
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
        """Unsubscribe."""
        if self._connections is not None:
            self._connections.close()
        self._connections = self._problem = None

    def _on_odometry(self, message: Any) -> None:
        self._received += 1
        self._heard_s = time.monotonic()
        try:
            self._store(decode.odometry(message, self._base_frame))
        except LsdError as error:
            self._problem = f'a message on {self._topic} is left out: {error}'
            if self._repeats.is_due(self._problem):
                log.warning(self._problem)
            return
        self._problem = None
