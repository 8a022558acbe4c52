"""A guard for images that were recorded: it judges them as it would have at that time."""

from __future__ import annotations

from collections.abc import Callable

from lsd_ros.errors import MessageError
from lsd_ros.publication.judging import Demand, Judge, Judgement, Look
from lsd_ros.safety.faults import Finding
from lsd_ros.safety.guard import Guard
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import Frame, Mount

NS_PER_S = 1e9


class RecordedGuard(Guard):
    """
    A guard whose clock is the stamp of the newest image.

    So an image is never late, and a gap between two of them is the silence that it was.
    """

    def __init__(self, settings: SafetySettings) -> None:
        """Start before the first image."""
        self._stamp_ns = 0
        self._received = 0
        super().__init__(
            settings,
            now_ns=lambda: self._stamp_ns,
            clock=lambda: self._stamp_ns / NS_PER_S,
        )

    def arrive(self, stamp_ns: int) -> float:
        """
        Let time go on to the next image.

        :param stamp_ns: of the image [ns]
        :return: the time of its arrival, by the clock of this guard [s]
        """
        first = self._received == 0
        self._stamp_ns = stamp_ns if first else max(stamp_ns, self._stamp_ns)
        if first:
            self.begin()
        self.watch(self._received, 0.0)
        self._received += 1
        self.watch(self._received, 0.0)
        return self._stamp_ns / NS_PER_S


class RecordedJudge:
    """
    Takes recorded frames through the policy.

    :param judge: of the same guard
    :param guard: None: everything passes
    """

    def __init__(self, judge: Judge, guard: RecordedGuard | None) -> None:
        self._judge = judge
        self._guard = guard

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return why nothing may be said about obstacles at this moment."""
        return () if self._guard is None else self._guard.findings

    @property
    def counts(self) -> dict[str, int]:
        """Return how many images had each fault, by its name."""
        counts = {} if self._guard is None else self._guard.verdict().counts
        return {fault.value: count for fault, count in counts.items()}

    @property
    def is_guarded(self) -> bool:
        """Return whether anything is withheld at all."""
        return self._guard is not None

    def missed(self, images: int) -> None:
        """Take note of images before this one that could not be read."""
        if images and self._guard is not None:
            self._guard.failed(MessageError('an image cannot be decoded'))

    def judge(
        self,
        frame: Frame,
        demand: Demand,
        mount_of: Callable[[str], Mount | None],
    ) -> Judgement:
        """
        Take the next frame through everything.

        :raises LsdError: the frame is not fit to be worked on; tell it to :meth:`failed`
        """
        arrived_s = 0.0 if self._guard is None else self._guard.arrive(frame.stamp_ns)

        def read(look: Look) -> Frame:
            look(frame)
            return frame

        return self._judge.judge(frame.stamp_ns, arrived_s, read, demand, mount_of)

    def failed(self, error: Exception) -> tuple[Finding, ...]:
        """Take note of what ended the work on a frame; return the faults behind it."""
        return () if self._guard is None else self._guard.failed(error)
