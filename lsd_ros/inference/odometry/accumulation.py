"""Steps appended to a pose; what odometry_in says about them may come a little later."""

from __future__ import annotations

import collections
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from lsd_ros.geometry.rigid import Matrix
from lsd_ros.inference.odometry.fusion import (
    FusionOutcome,
    Witness,
    fused,
    step_of_witness,
    witness_of,
)
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.inference.odometry.pose_state import PoseState, Step

LOGGER = logging.getLogger(__name__)
NS_PER_S = 1_000_000_000
LATEST_NS = NS_PER_S  # for so long a step waits until odometry_in covers it
REJECTED = (FusionOutcome.INPUT_REJECTED, FusionOutcome.VISUAL_REJECTED)


@dataclass(frozen=True)
class TimedStep:
    """
    A step of the pose network with all that is needed to fuse it.

    :param step: in metres
    :param previous_ns: when it began [ns]
    :param current_ns: when it ended [ns]
    :param base_from_camera: shape (4, 4); None: not known, and nothing can be fused
    :param scale_from_input: the scale was told by odometry_in
    """

    step: Step
    previous_ns: int
    current_ns: int
    base_from_camera: Matrix | None = None
    scale_from_input: bool = False


class Accumulation:
    """
    A pose that steps are appended to.

    A step is in the pose at once, as the pose network says it. Once odometry_in covers its
    interval, it is taken out and put in fused: so that late messages are not lost, the pose is
    made anew from the last step that is settled.

    :param history: what odometry_in has said; None: there is none
    """

    def __init__(self, history: OdometryHistory | None = None) -> None:
        self._history = history
        self._waiting: deque[TimedStep] = deque()
        self._settled = self.state = PoseState.origin()
        self.verdicts: collections.Counter[FusionOutcome] = collections.Counter()
        self._last_verdict = FusionOutcome.FUSED

    def reset(self) -> None:
        """Go back to the origin."""
        self._waiting.clear()
        self._settled = self.state = PoseState.origin()

    def change(self, change: Callable[[PoseState], PoseState]) -> None:
        """Settle everything as it is, and change the state."""
        self._waiting.clear()
        self._settled = self.state = change(self.state)

    def append(self, step: TimedStep, settings: OdometrySettings) -> Step:
        """
        Append a step.

        :return: the step as it is in the pose now
        """
        self._waiting.append(step)
        used, settled = step.step, False
        while self._waiting and not self._is_early(self._waiting[0], step.current_ns, settings):
            used = self._judged(self._waiting.popleft(), settings)
            self._settled = self._settled.moved(used)
            settled = True
        if not settled:
            self.state = self.state.moved(step.step)
            return step.step
        self.state = self._settled
        for waiting in self._waiting:
            self.state = self.state.moved(waiting.step)
        return step.step if self._waiting else used

    def bridge(self, since_ns: int, until: TimedStep, settings: OdometrySettings) -> bool:
        """
        Append what odometry_in says about a time without motion.

        :param until: the first step after it
        :return: whether it knows
        """
        if not settings.fuse or self._history is None or until.base_from_camera is None:
            return False
        witness = witness_of(self._history, since_ns, until.previous_ns, settings)
        if witness is None:
            return False
        seconds = (until.previous_ns - since_ns) / NS_PER_S
        step = step_of_witness(witness, seconds, until.base_from_camera, settings)
        self.change(lambda state: state.moved(step))
        return True

    def _is_early(self, waited: TimedStep, now_ns: int, settings: OdometrySettings) -> bool:
        """Say whether odometry_in may still come to cover a step."""
        if not settings.fuse or self._history is None or waited.base_from_camera is None:
            return False
        newest_ns = self._history.newest_ns
        if newest_ns is None or now_ns - newest_ns > LATEST_NS:
            return False
        return newest_ns < waited.current_ns

    def _judged(self, waited: TimedStep, settings: OdometrySettings) -> Step:
        """Return a step as it is to stay in the pose."""
        if not settings.fuse:
            return waited.step
        witness = self._witness(waited, settings)
        if witness is None or waited.base_from_camera is None:
            self._count(FusionOutcome.UNFUSED)
            return waited.step
        twist = self._settled.twist
        step, verdict = fused(
            waited.step,
            witness,
            twist if twist.any() else None,
            waited.base_from_camera,
            settings,
            scale_from_input=waited.scale_from_input,
        )
        self._count(verdict)
        return step

    def _witness(self, waited: TimedStep, settings: OdometrySettings) -> Witness | None:
        if self._history is None:
            return None
        return witness_of(self._history, waited.previous_ns, waited.current_ns, settings)

    def _count(self, verdict: FusionOutcome) -> None:
        self.verdicts[verdict] += 1
        if verdict in REJECTED and verdict is not self._last_verdict:
            LOGGER.warning('a step is %s', verdict.value)
        self._last_verdict = verdict
