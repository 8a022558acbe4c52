"""The one state machine that decides whether obstacles may be reported."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from lsd_ros.safety.faults import Fault, Finding
from lsd_ros.safety.latency import stuck_findings
from lsd_ros.safety.safety_settings import SafetySettings


class State(Enum):
    """What the robot may expect of the node."""

    STARTING = 'starting'
    SEEING = 'seeing'
    BLIND = 'blind'
    IDLE = 'idle'


@dataclass(frozen=True)
class Verdict:
    """
    How things stand.

    :param findings: why the node is blind; empty in every other state
    :param good_frames: in a row, up to now
    :param problems: what is wrong now, or was since it was last asked for, in sentences
    :param counts: frames with each fault since the start
    :param warning: what is no fault but should be known; None: nothing
    """

    state: State
    findings: tuple[Finding, ...]
    good_frames: int
    problems: tuple[str, ...]
    counts: dict[Fault, int]
    warning: str | None = None


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
        self.settings = settings
        self._what_is_missing = what_is_missing
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State.STARTING
        self._findings: tuple[Finding, ...] = ()
        self._good_frames = 0
        self._recent: dict[Fault, str] = {}
        self._counts: Counter[Fault] = Counter()
        self._received = 0
        self._arrived_s = clock()

    @property
    def state(self) -> State:
        """Return the state of this moment."""
        return self._state

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return why the node is blind at this moment; empty where it is not."""
        return self._findings

    def begin(self) -> None:
        """Start anew, and count from zero."""
        with self._lock:
            self._become(State.STARTING)
            self._recent.clear()
            self._counts.clear()
            self._received = 0
            self._arrived_s = self._clock()

    def rest(self) -> None:
        """Take note that an image is left alone, and is neither good nor bad."""
        with self._lock:
            self._become(State.IDLE)

    def judge(self, findings: Sequence[Finding]) -> bool:
        """
        Take note of a frame that everything has looked at.

        :param findings: what is wrong with it
        :return: whether its obstacles may be reported
        """
        with self._lock:
            if findings:
                self._become(State.BLIND, findings)
                self._note(findings)
                return False
            self._good_frames += 1
            recovered = self._good_frames >= self.settings.recovery_frames
            if self._state is State.BLIND and not recovered:
                return False
            self._state, self._findings = State.SEEING, ()
            return True

    def watch(
        self, received: int, working_s: float = 0.0, standing: Sequence[Finding] = ()
    ) -> tuple[Finding, ...]:
        """
        Take note of the time; to be called several times within every timeout.

        :param received: images that have come since the start
        :param working_s: for how long the image in hand has been worked on [s]
        :param standing: what is wrong at this time, whatever the images show
        :return: what has made the node blind just now
        """
        with self._lock:
            now = self._clock()
            if received != self._received:
                self._received, self._arrived_s = received, now
            findings = (*standing, *self._overdue(now - self._arrived_s, working_s))
            if not findings:
                return ()
            known = _faults(self._findings) == _faults(findings)
            self._become(State.BLIND, findings)
            if known:
                return ()
            self._note(findings)
            return findings

    def verdict(self, warning: str | None = None) -> Verdict:
        """
        Say how things stand, and what went wrong since it was last asked for.

        :param warning: to be passed on
        """
        with self._lock:
            recent, self._recent = self._recent, {}
            recent.update(_by_fault(self._findings))
            return Verdict(
                state=self._state,
                findings=self._findings,
                good_frames=self._good_frames,
                problems=tuple(recent.values()),
                counts=dict(self._counts),
                warning=warning,
            )

    def _overdue(self, silent_s: float, working_s: float) -> tuple[Finding, ...]:
        if silent_s > self.settings.image_timeout_s:
            return (Fault.NO_IMAGE.found(self._what_is_missing),)
        if self._state in (State.STARTING, State.IDLE):
            return ()  # the first image may have to wait for its networks to be built
        return stuck_findings(working_s, self.settings)

    def _become(self, state: State, findings: Sequence[Finding] = ()) -> None:
        self._state, self._findings, self._good_frames = state, tuple(findings), 0

    def _note(self, findings: Sequence[Finding]) -> None:
        self._recent.update(_by_fault(findings))
        self._counts.update(_faults(findings))


def _faults(findings: Iterable[Finding]) -> tuple[Fault, ...]:
    return tuple(finding.fault for finding in findings)


def _by_fault(findings: Iterable[Finding]) -> dict[Fault, str]:
    return {finding.fault: finding.sentence for finding in findings}
