"""The one state machine that decides whether obstacles may be reported."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from lsd_ros.safety.faults import Fault, Finding
from lsd_ros.safety.pace import stuck_findings
from lsd_ros.safety.settings import SafetySettings


class State(Enum):
    """What the robot may expect of the node."""

    STARTING = 'starting'
    SEEING = 'seeing'
    BLIND = 'blind'


@dataclass(frozen=True)
class Verdict:
    """
    The state at one moment.

    :param findings: why the node is blind; empty in every other state
    :param good_frames: seen in a row since then
    :param counts: frames with each fault, since the start
    """

    state: State
    findings: tuple[Finding, ...]
    good_frames: int
    counts: dict[Fault, int]

    @property
    def sentence(self) -> str:
        """Return why the node is blind; empty where it is not."""
        return '; '.join(finding.sentence for finding in self.findings)


class Supervisor:
    """
    Told of every frame by one thread, and of the time by another.

    A frame with a fault makes the node blind at once, and keeps it blind until so many frames
    without any have come in a row. The first frame of all needs no others.

    :param what_is_missing: said where no images come; names their topic
    :param clock: steady time [s]
    """

    def __init__(
        self,
        settings: SafetySettings,
        what_is_missing: str = Fault.NO_IMAGE.what,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without an image."""
        self._lock = threading.Lock()
        self._clock = clock
        self._what_is_missing = what_is_missing
        self.settings = settings
        self._counts: Counter[Fault] = Counter()
        self._received = 0
        self._arrived_s = clock()
        self._state = State.STARTING
        self._findings: tuple[Finding, ...] = ()
        self._good_frames = 0

    def begin(self) -> None:
        """Start anew, and count from zero."""
        with self._lock:
            self._counts.clear()
            self._received = 0
            self._arrived_s = self._clock()
            self._start()

    def rest(self) -> None:
        """Take note that images are left alone, and are neither good nor bad."""
        with self._lock:
            self._start()

    def judge(self, findings: Sequence[Finding]) -> bool:
        """
        Take note of a frame that everything has looked at.

        :param findings: what is wrong with it
        :return: whether its obstacles may be reported
        """
        with self._lock:
            if findings:
                self._go_blind(findings)
                return False
            self._good_frames += 1
            if self._state is State.BLIND and self._good_frames < self.settings.recovery_frames:
                return False
            self._state, self._findings = State.SEEING, ()
            return True

    def watch(self, received: int, working_s: float = 0.0) -> bool:
        """
        Take note of the time; to be called several times within every timeout.

        :param received: images that have come since the start
        :param working_s: for how long the image in hand has been worked on [s]
        :return: whether the node has become blind by this
        """
        with self._lock:
            now = self._clock()
            if received != self._received:
                self._received, self._arrived_s = received, now
            findings = self._missing(now - self._arrived_s)
            findings += stuck_findings(working_s, self.settings)
            if not findings:
                return False
            faults = [finding.fault for finding in findings]
            news = faults != [finding.fault for finding in self._findings]
            if news:
                self._go_blind(findings)
            self._findings, self._good_frames = findings, 0
            return news

    @property
    def verdict(self) -> Verdict:
        """Return the state of this moment."""
        with self._lock:
            return Verdict(self._state, self._findings, self._good_frames, dict(self._counts))

    def _missing(self, seconds: float) -> tuple[Finding, ...]:
        if seconds <= self.settings.image_timeout_s:
            return ()
        return (Fault.NO_IMAGE.found(self._what_is_missing),)

    def _start(self) -> None:
        self._state, self._findings, self._good_frames = State.STARTING, (), 0

    def _go_blind(self, findings: Sequence[Finding]) -> None:
        self._state = State.BLIND
        self._findings = tuple(findings)
        self._good_frames = 0
        self._counts.update(finding.fault for finding in findings)
