"""Every check that a frame meets between its arrival and its results, in the order it does."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lsd_ros.safety.faults import Fault, Finding, UnfitError, findings_of
from lsd_ros.safety.image import FrozenCheck, image_findings
from lsd_ros.safety.latency import LatencyCheck
from lsd_ros.safety.mount import MountCheck
from lsd_ros.safety.network_output import NetworkOutputCheck
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.safety.stamps import StampCheck
from lsd_ros.safety.supervisor import State, Supervisor, Verdict
from lsd_ros.types import Estimate, Frame, Mount


class Guard:
    """
    The checks of one camera, and what the supervisor makes of them.

    One thread takes each frame through ``stamp``, ``image``, ``network_image`` and ``passes``, as
    far as it comes, or to ``failed``; another one calls ``watch`` and ``verdict``.

    :param what_is_missing: said where no images come; names their topic
    :param now_ns: the clock of the node [ns]
    :param clock: steady time [s]
    """

    def __init__(
        self,
        settings: SafetySettings,
        what_is_missing: str = Fault.NO_IMAGE.what,
        now_ns: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without an image."""
        self._now_ns = now_ns
        self._clock = clock
        self._stamps = StampCheck()
        self._frozen = FrozenCheck()
        self._output = NetworkOutputCheck()
        self._pace = LatencyCheck()
        self._mount = MountCheck()
        self._standing: tuple[Finding, ...] = ()
        self._supervisor = Supervisor(settings, what_is_missing, clock)

    @property
    def settings(self) -> SafetySettings:
        """Return the limits."""
        return self._supervisor.settings

    @settings.setter
    def settings(self, settings: SafetySettings) -> None:
        self._supervisor.settings = settings

    @property
    def is_blind(self) -> bool:
        """Return whether the odometry must be called lost."""
        return self._supervisor.state is State.BLIND

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return why the node is blind at this moment; empty where it is not."""
        return self._supervisor.findings

    @property
    def camera_time_ns(self) -> int:
        """Return the time of this moment, on the clock that stamps the images [ns]."""
        return self._stamps.camera_time_ns(self._now_ns())

    def stamp(self, stamp_ns: int, arrived_s: float) -> None:
        """
        Look at the stamp of the next image.

        :param arrived_s: when it came, by the steady clock [s]
        :raises UnfitError: the stamp cannot be right
        """
        findings = self._stamps.findings(stamp_ns, arrived_s, self._now_ns(), self.settings)
        if findings:
            raise UnfitError(findings)

    def image(self, frame: Frame) -> None:
        """
        Look at the image itself, which must not be written to later.

        :raises UnfitError: it is the one before once more
        """
        self._frozen.check(frame, self.settings)

    def network_image(self, image: NDArray[np.uint8]) -> None:
        """
        Look at the image as the network sees it, shape (H, W, 3).

        :raises UnfitError: it shows nothing
        """
        findings = image_findings(image, self.settings)
        if findings:
            raise UnfitError(findings)

    def passes(self, estimate: Estimate, arrived_s: float, mount: Mount | None = None) -> bool:
        """
        Look at the results, at the mount, and at the time.

        :param arrived_s: when their image came, by the steady clock [s]
        :param mount: where the camera sits; None: nobody says it
        :return: whether the obstacles among them may be reported
        """
        latency_s = self._clock() - arrived_s
        late = self._pace.is_late(latency_s, self.settings)
        findings = (
            *self._standing,
            *self._output.findings(estimate),
            *self._mount.findings(mount, estimate, self.settings),
            *self._pace.findings(latency_s, self.settings),
        )
        if late and not findings:
            return False  # a hiccup: what is too old is withheld, and no more
        return self._supervisor.judge(findings)

    def failed(self, error: Exception) -> tuple[Finding, ...]:
        """
        Take note of what ended the work on a frame.

        :return: the faults behind it; empty where the frame is left out, but none is to blame
        """
        findings = findings_of(error)
        if findings:
            self._supervisor.judge(findings)
        return findings

    def watch(
        self, received: int, working_s: float, standing: tuple[Finding, ...] = ()
    ) -> tuple[Finding, ...]:
        """
        Take note of the time; see :meth:`Supervisor.watch`.

        :param standing: what is wrong whatever the images show, until it is called with others
        """
        self._standing = standing
        return self._supervisor.watch(received, working_s, standing)

    def verdict(self) -> Verdict:
        """Say how things stand, and what went wrong since it was last asked for."""
        return self._supervisor.verdict(self._stamps.warning)

    def begin(self) -> None:
        """Start anew, and count from zero."""
        self._forget()
        self._mount.forget()
        self._supervisor.begin()

    def rest(self) -> None:
        """Take note that an image is left alone: the next one has no predecessor."""
        self._forget()
        self._supervisor.rest()

    def _forget(self) -> None:
        self._stamps.forget()
        self._frozen.forget()
        self._output.forget()
        self._pace = LatencyCheck()
