"""One image message through everything: convert, check, call, check, publish."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsd_ros.errors import LsdError
from lsd_ros.messages.bit_depth import BitDepth
from lsd_ros.messages.decode import frame_from_message, stamp_ns
from lsd_ros.publication.judging import Demand, Judge, Judgement, Look
from lsd_ros.ros.calibration import Calibration
from lsd_ros.ros.inputs import Received
from lsd_ros.ros.mount_lookup import MountLookup
from lsd_ros.ros.outputs import Outputs
from lsd_ros.ros.parameters import Settings
from lsd_ros.ros.rate_limits import LogThrottle, TokenBucket
from lsd_ros.ros.statistics import InputQuality, Outcome, Statistics
from lsd_ros.safety.faults import Fault, Finding
from lsd_ros.safety.guard import Guard
from lsd_ros.safety.supervisor import Verdict
from lsd_ros.types import Frame

if TYPE_CHECKING:
    from lsd_ros.inference.engine import Engine

log = logging.getLogger(__name__)

CHANGES_AT_ONCE, CHANGES_PER_S = 10, 5.0
UNTRUSTED_STAMPS = {
    Fault.STAMP_BACKWARDS,
    Fault.STAMP_REPEATED,
    Fault.STAMP_JUMP,
    Fault.STAMP_OLD,
    Fault.STAMP_FUTURE,
}


class Pipeline:
    """
    Handles images on the thread of the worker; told to stop, reset or rest by others.

    Obstacles go out only with an image that passed every check of the guard; as long as the node
    is blind, the odometry says that it is lost.
    """

    def __init__(
        self,
        engine: Engine,
        calibration: Calibration,
        outputs: Outputs,
        mounting: MountLookup,
        settings: Callable[[], Settings],
        now_ns: Callable[[], int],
        image_topic: str,
    ) -> None:
        """
        Start enabled.

        :param settings: those of this moment
        :param now_ns: the clock of the node [ns]
        :param image_topic: resolved name
        """
        self._engine = engine
        self._calibration = calibration
        self._outputs = outputs
        self._mounting = mounting
        self._settings = settings
        self._applied = settings()
        self._changes = TokenBucket(CHANGES_AT_ONCE, CHANGES_PER_S)
        self._now_ns = now_ns
        self._busy = threading.Lock()
        self._working_since_s: float | None = None
        self._enabled = True
        self._said_lost = False  # since the last verdict
        self._repeats = LogThrottle()
        self._guard = Guard(self._applied.node.safety, f'no images on {image_topic}', now_ns)
        self._bits = BitDepth()
        self._judge = Judge(engine, self._guard)
        self.statistics = Statistics(now_ns)

    @property
    def enabled(self) -> bool:
        """Return whether images are worked on."""
        return self._enabled

    def begin(self) -> None:
        """Count from zero."""
        self.statistics = Statistics(self._now_ns)
        self._guard.begin()

    def enable(self, enabled: bool) -> None:
        """Work on images, or leave them; waits for the image in hand."""
        with self._busy:
            self._enabled = enabled
            if not enabled:
                self._guard.rest()

    def reset_odometry(self) -> None:
        """Start the odometry anew; waits for the image in hand."""
        with self._busy:
            self._engine.reset_odometry()

    def verdict(self) -> Verdict:
        """Say whether obstacles are reported, and what went wrong since the last call."""
        if self._guard.is_blind and not self._said_lost:
            self._lose(self._guard.camera_time_ns)
        self._said_lost = False
        return self._guard.verdict()

    def watch(self, received: int) -> None:
        """
        Notice what no image tells: that none comes, or that one is never done.

        :param received: images that have come since the activation
        """
        if not self._enabled:
            return
        self._guard.settings = self._settings().node.safety
        since_s = self._working_since_s
        working_s = 0.0 if since_s is None else time.monotonic() - since_s
        findings = self._guard.watch(received, working_s, self._standing())
        if findings:
            self._say(findings)
            self._lose(self._guard.camera_time_ns)

    def _standing(self) -> tuple[Finding, ...]:
        """Return what is wrong whatever the images show."""
        if self._guard.settings.allow_duplicates:
            return ()
        duplicates = self._outputs.duplicates()
        return (Fault.DUPLICATE_NODE.found(duplicates[0]),) if duplicates else ()

    def handle(self, received: Received) -> None:
        """Work on one image; whatever is wrong with it is counted and said, never raised."""
        with self._busy:
            demand = self._outputs.demand(self._settings().engine)
            if not self._enabled or not (demand.depth or demand.motion):
                self._guard.rest()
                self.statistics.count(Outcome.IDLE if self._enabled else Outcome.DISABLED)
                return
            self._working_since_s = time.monotonic()
            try:
                self._process(received, demand)
            except LsdError as error:
                self._give_up(received, error, Outcome.REFUSED)
            except Exception as error:  # the node must outlive a bug: the next image may pass
                log.exception('an image could not be handled')
                self._give_up(received, error, Outcome.FAILED)
            finally:
                self._working_since_s = None

    def _process(self, received: Received, demand: Demand) -> None:
        began_s = time.monotonic()
        settings = self._newest_settings()
        was_blind = self._guard.is_blind
        judgement = self._judge.judge(
            stamp_ns(received.message.header),
            received.at_s,
            lambda look: self._frame(received, look),
            demand,
            lambda frame_id: self._mounting.mount(frame_id, settings.engine.mount),
        )
        self._said_lost = judgement.lost
        if was_blind and not judgement.lost:
            log.info('obstacles are reported again')
        made_s = sum(judgement.stages_s.values())
        publishing_s = time.monotonic()
        self._outputs.publish(judgement, settings.engine)
        done_s = time.monotonic()
        stages = judgement.stages_s
        # what is made to be published has its own stages
        stages['publish'] = done_s - publishing_s - (sum(stages.values()) - made_s)
        stages['rest'] = done_s - began_s - sum(stages.values())
        stages['waiting'] = began_s - received.at_s
        self._record(received, judgement)

    def _newest_settings(self) -> Settings:
        """
        Apply what was set since the image before.

        Whoever sets parameters by the thousand has most of them applied together: what an image
        costs must not depend on that.
        """
        settings = self._settings()
        if settings is not self._applied and self._changes.is_allowed():
            self._engine.apply(settings.engine)
            self._guard.settings = settings.node.safety
            self._applied = settings
        return self._applied

    def _frame(self, received: Received, look: Look) -> Frame:
        message = received.message
        self._bits.given = self._applied.node.image.bit_depth
        frame = frame_from_message(
            message, None, self._bits, turned=True, factor_of=self._engine.reduction
        )
        encoding = message.encoding if hasattr(message, 'encoding') else message.format
        self.statistics.saw(InputQuality.of(frame, encoding))
        look(frame)
        camera = self._calibration.camera_of(frame.frame_id, *frame.size)
        return dataclasses.replace(frame, camera=camera)

    def _record(self, received: Received, judgement: Judgement) -> None:
        estimate = judgement.estimate
        self.statistics.estimated(
            Outcome.PUBLISHED if judgement.obstacles else Outcome.WITHHELD,
            latency_s=time.monotonic() - received.at_s,
            age_s=(self._now_ns() - estimate.stamp_ns) * 1e-9,
            stages_s=judgement.stages_s,
            scale=estimate.scale,
        )
        if not judgement.obstacles:
            self._say(self._guard.findings)

    def _give_up(self, received: Received, error: Exception, outcome: Outcome) -> None:
        findings = self._guard.failed(error)
        if not findings:
            self.statistics.count(Outcome.WITHHELD)
            return
        self.statistics.count(outcome)
        self._say(findings)
        at_ns = stamp_ns(received.message.header)
        if at_ns >= 0 and UNTRUSTED_STAMPS.isdisjoint(finding.fault for finding in findings):
            self._lose(at_ns)
        else:
            self._lose(self._guard.camera_time_ns)

    def _lose(self, at_ns: int) -> None:
        self._outputs.publish_lost(at_ns)
        self._said_lost = True

    def _say(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            if self._repeats.is_due(finding.sentence):
                log.warning('blind: %s', finding.sentence)
