"""One image message through everything: convert, call, publish."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsd_ros.errors import LsdError
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.messages.decode import image_to_rgb, stamp_ns
from lsd_ros.ros.calibration import Calibration
from lsd_ros.ros.inputs import Received
from lsd_ros.ros.outputs import Demand, Outputs
from lsd_ros.ros.repeats import Repeats
from lsd_ros.ros.statistics import InputQuality, Outcome, Statistics
from lsd_ros.types import Estimate, Frame

if TYPE_CHECKING:
    from lsd_ros.inference.engine import Engine

log = logging.getLogger(__name__)


class Pipeline:
    """Handles images on the thread of the worker; told to stop, reset or rest by others."""

    def __init__(
        self,
        engine: Engine,
        calibration: Calibration,
        outputs: Outputs,
        settings: Callable[[], EngineSettings],
        now_ns: Callable[[], int],
    ) -> None:
        """
        Start enabled.

        :param settings: the engine's settings of this moment
        :param now_ns: the clock of the node [ns]
        """
        self._engine = engine
        self._calibration = calibration
        self._outputs = outputs
        self._settings = settings
        self._applied = settings()
        self._now_ns = now_ns
        self._busy = threading.Lock()
        self._enabled = True
        self._said_relative = False
        self._repeats = Repeats()
        self.statistics = Statistics(self._now_ns)

    @property
    def enabled(self) -> bool:
        """Return whether images are worked on."""
        return self._enabled

    def begin(self) -> None:
        """Count from zero."""
        self.statistics = Statistics(self._now_ns)

    def enable(self, enabled: bool) -> None:
        """Work on images, or leave them; waits for the image in hand."""
        with self._busy:
            self._enabled = enabled

    def reset_odometry(self) -> None:
        """Start the odometry anew; waits for the image in hand."""
        with self._busy:
            self._engine.reset_odometry()

    def handle(self, received: Received) -> None:
        """Work on one image; whatever is wrong with it is counted and said, never raised."""
        with self._busy:
            if not self._enabled:
                self.statistics.count(Outcome.DISABLED)
                return
            demand = self._outputs.demand()
            if not any(demand):
                self.statistics.count(Outcome.IDLE)
                return
            try:
                self._process(received, demand)
            except LsdError as error:
                self._refuse(str(error))
            except Exception as error:  # the node must outlive a bug: the next image may pass
                log.exception('an image could not be handled')
                self.statistics.count(Outcome.FAILED, f'{type(error).__name__}: {error}')

    def _process(self, received: Received, demand: Demand) -> None:
        settings = self._settings()
        if settings is not self._applied:
            self._engine.apply(settings)
            self._applied = settings
        begun = time.perf_counter()
        frame = self._frame(received)
        decoded = time.perf_counter()
        estimate = self._engine.process(frame, depth=demand.depth, motion=demand.motion)
        estimated = time.perf_counter()
        self._outputs.publish(estimate, settings)
        own_s = {'decode': decoded - begun, 'publish': time.perf_counter() - estimated}
        self._record(received, estimate, {**own_s, **estimate.stages_s})

    def _frame(self, received: Received) -> Frame:
        message = received.message
        frame_id = message.header.frame_id
        rgb = image_to_rgb(message)
        encoding = message.encoding if hasattr(message, 'encoding') else message.format
        self.statistics.saw(InputQuality.of(frame_id, encoding, rgb))
        height, width = rgb.shape[:2]
        camera = self._calibration.camera_of(frame_id, width, height)
        return Frame(stamp_ns(message.header), frame_id, rgb, camera)

    def _record(self, received: Received, estimate: Estimate, stages_s: dict[str, float]) -> None:
        self.statistics.published(
            latency_s=time.monotonic() - received.at_s,
            age_s=(self._now_ns() - estimate.stamp_ns) * 1e-9,
            stages_s=stages_s,
            scale=estimate.scale,
        )
        if not estimate.scale.metric and not self._said_relative:
            self._said_relative = True
            log.warning(estimate.scale.problem)

    def _refuse(self, sentence: str) -> None:
        self.statistics.count(Outcome.REFUSED, sentence)
        if self._repeats.is_due(sentence):
            log.warning(sentence)
