"""What a judged image becomes in a bag: the messages that the node publishes."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from lsd_ros.inference.engine_settings import EngineSettings, MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.messages.types import MessageTypes
from lsd_ros.publication import topics
from lsd_ros.publication.judging import Judgement
from lsd_ros.publication.obstacles import ObstaclePolicy, Said
from lsd_ros.publication.odometry import OdometryPolicy
from lsd_ros.types import Mount

DEPTH = f'/{topics.DEPTH}'
CAMERA_INFO = f'/{topics.CAMERA_INFO}'
UNCERTAINTY = f'/{topics.UNCERTAINTY}'
POINTS = f'/{topics.POINTS}'
SCAN = f'/{topics.SCAN}'
ODOMETRY = f'/{topics.ODOMETRY}'
TRANSFORMS = topics.TRANSFORMS
DIAGNOSTICS = '/diagnostics'

TopicMessages = list[tuple[str, Any]]
LOGGER = logging.getLogger(__name__)


class OutputMessages:
    """
    Turns judged estimates into messages on the topics of a node in the root namespace.

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
        self._settings = settings
        self._obstacles = ObstaclePolicy(types, base_frame)
        self._odometry = OdometryPolicy(types, odom_frame, base_frame)
        mounted = settings.mount != MountSettings()
        place = base_from_optical(settings.mount) if mounted else None
        self._mount = None if place is None else Mount(place, base_frame)
        self._told: set[str] = set()

    def mount(self, frame_id: str) -> Mount | None:
        """Return where the camera sits; None where ``mount.*`` does not say it."""
        known = self._mount
        if known is not None and known.frame_id != frame_id:
            known = self._mount = dataclasses.replace(known, frame_id=frame_id)
        return known

    def messages(self, judgement: Judgement) -> TopicMessages:
        """
        Make all that may be said about an image.

        :raises MessageError: the stamp does not fit a message
        """
        said = [
            *self._obstacles.said(judgement, self._settings, self._is_wanted(judgement)),
            *self._odometry.said(judgement, self._settings),
        ]
        self._warn(said)
        return [(f'/{each.topic.lstrip("/")}', each.message) for each in said if not each.problem]

    def lost(self, stamp_ns: int) -> TopicMessages:
        """Make what is said about an image that no estimate was made of."""
        return [(f'/{each.topic}', each.message) for each in self._odometry.lost(stamp_ns)]

    def _is_wanted(self, judgement: Judgement) -> Any:
        knows = judgement.estimate.uncertainty is not None
        return lambda topic: knows or topic != topics.UNCERTAINTY

    def _warn(self, said: list[Said]) -> None:
        for each in said:
            if each.problem and each.topic not in self._told:
                self._told.add(each.topic)
                LOGGER.warning('nothing comes on /%s: %s', each.topic, each.problem)
