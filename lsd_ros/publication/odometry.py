"""What is said about the motion: where the robot is, or that it is lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.frames import (
    BaseOdometry,
    base_from_optical,
    lost_at,
    odometry_in_base,
)
from lsd_ros.messages import encode
from lsd_ros.messages.types import MessageTypes
from lsd_ros.publication import topics
from lsd_ros.publication.judging import Judgement
from lsd_ros.publication.obstacles import Heard, Said, everybody

Matrix = NDArray[np.float64]


class OdometryPolicy:
    """
    Says of the odometry what it may carry.

    :param types: family of message classes
    :param odom_frame: where the base was at the start
    :param base_frame: frame of the robot
    """

    def __init__(self, types: MessageTypes, odom_frame: str, base_frame: str) -> None:
        self._types = types
        self._frames = odom_frame, base_frame
        self._odom_from_base: Matrix = np.eye(4)  # as last said

    def said(
        self,
        judgement: Judgement,
        settings: EngineSettings,
        heard: Heard = everybody,
    ) -> Iterator[Said]:
        """
        Make what may be said; a camera of unknown place is taken to look forward from the base.

        :param heard: whether anybody listens to a topic; others are not made
        """
        estimate = judgement.estimate
        if judgement.lost:
            yield from self.lost(estimate.stamp_ns, heard)
        elif estimate.odom_from_camera is not None:
            known = (
                base_from_optical(settings.mount) if judgement.place is None else judgement.place
            )
            odometry = odometry_in_base(estimate, known)
            self._odom_from_base = odometry.odom_from_base
            yield from self._messages(odometry, heard)

    def lost(self, stamp_ns: int, heard: Heard = everybody) -> Iterator[Said]:
        """
        Say that the odometry is lost.

        :param stamp_ns: since when, or still [ns]
        :param heard: whether anybody listens to a topic; others are not made
        """
        yield from self._messages(lost_at(stamp_ns, self._odom_from_base), heard)

    def _messages(self, odometry: BaseOdometry, heard: Heard) -> Iterator[Said]:
        if heard(topics.ODOMETRY):
            message = encode.odometry(
                self._types,
                odometry.stamp_ns,
                *self._frames,
                odometry.odom_from_base,
                odometry.pose_covariance,
                odometry.twist,
                odometry.twist_covariance,
            )
            yield Said(topics.ODOMETRY, message)
        if heard(topics.TRANSFORMS) and not odometry.lost:  # a transform could not say so
            moved = encode.transform(
                self._types, odometry.stamp_ns, *self._frames, odometry.odom_from_base
            )
            yield Said(topics.TRANSFORMS, encode.transforms(self._types, [moved]))
