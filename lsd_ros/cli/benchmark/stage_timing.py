"""Timing one frame through everything, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lsd_ros.cli.benchmark.interleaved import Turns
from lsd_ros.cli.benchmark.resources import resident_bytes
from lsd_ros.cli.output_messages import OutputMessages
from lsd_ros.foreign.optional import require
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.timing import Clock, timed, timed_by
from lsd_ros.messages import encode
from lsd_ros.messages.decode import frame_from_message, stamp_ns
from lsd_ros.messages.types import RosbagsTypes
from lsd_ros.publication.judging import Demand, Judge, Look
from lsd_ros.safety.guard import Guard
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import Camera, Frame

REST = 'rest'  # what is in no stage
NETWORK_STAGES = ('depth network', 'pose network')
SAFETY_STAGES = ('check stamp', 'check image', 'inspect', 'ground', 'check results')
# Noise is no street: everything is looked at, and nothing is refused.
LENIENT = SafetySettings(
    dark_level=0, saturated_share=1, min_sharpness=0, max_jump_s=0, max_latency_s=60
)
FRAME_NS = 100_000_000
FIRST_NS = 1_700_000_000_000_000_000
PICTURES = 8  # different ones, so that no cache holds the input


@dataclass(frozen=True)
class Percentiles:
    """Of durations [ms]."""

    p50: float
    p95: float
    p99: float
    mean: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Percentiles:
        """Take the percentiles of durations [s]."""
        milliseconds = np.asarray(seconds) * 1e3
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
        return cls(float(p50), float(p95), float(p99), float(milliseconds.mean()))


class NoisyCamera:
    """
    A camera that sends the same few noisy pictures in turn, as bgr8 messages.

    :param width: of its images [pixels]
    :param height: of its images [pixels]
    """

    def __init__(self, width: int, height: int) -> None:
        require('rosbags')
        from rosbags.typesys import Stores, get_typestore

        self.store = get_typestore(Stores.ROS2_HUMBLE)
        self.types = RosbagsTypes(self.store)
        focal = 0.6 * width
        self.camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, (PICTURES, height // 8 + 1, width // 8 + 1, 3), np.uint8)
        self._pictures = [cv2.resize(picture, (width, height)) for picture in coarse]

    def message(self, number: int) -> Any:
        """Make the image message of one moment."""
        picture = np.asarray(self._pictures[number % PICTURES], np.uint8)
        stamp_ns = FIRST_NS + number * FRAME_NS
        return encode.raw_image(self.types, picture, stamp_ns, 'camera', 'bgr8')


class Contender:
    """
    One backend, with all that a frame meets on its way from image message to serialised results.

    :param settings: of its engine
    :param source: what it is shown
    :raises LsdError: the engine cannot be loaded
    """

    def __init__(self, settings: EngineSettings, source: NoisyCamera) -> None:
        before = resident_bytes()
        self.engine = Engine.load(settings)
        # beside other work only CPU time says what a stage takes; a GPU has none
        on_cpu = self.engine.info.device == 'cpu'
        self.clock: Clock = time.process_time if on_cpu else time.perf_counter
        self._source = source
        self._outputs = OutputMessages(source.types, settings)
        self._judge = Judge(self.engine, Guard(LENIENT))
        self._number = 0
        self.stages: dict[str, list[float]] = defaultdict(list)
        self.whole: list[float] = []
        self.cpu: list[float] = []
        self._turns: list[int] = []  # frames that were measured before each turn
        self.network: list[float] = []
        self.around: list[float] = []
        self.checks: list[float] = []
        self.bytes_out = 0
        self.run(3, measured=False)
        self.added_bytes = resident_bytes() - before

    def run(self, frames: int, *, measured: bool = True) -> None:
        """Take some frames all the way."""
        for _ in range(frames):
            message = self._source.message(self._number)
            self._number += 1
            began, began_cpu = time.perf_counter(), time.process_time()
            with timed_by(self.clock):
                stages = self._frame(message)
            cpu = time.process_time() - began_cpu
            whole = time.perf_counter() - began
            if measured:
                self._note(stages, whole, cpu, cpu if self.clock is time.process_time else whole)

    def take_turn(self, frames: int, settling: int, advance: Callable[[], object]) -> None:
        """
        Measure some frames.

        :param settling: frames before them, while caches and threads still belong to the others
        :param advance: called after each frame
        """
        self.run(settling, measured=False)
        self._turns.append(len(self.whole))
        for _ in range(frames):
            self.run(1)
            advance()

    @property
    def turns(self) -> Turns:
        """Return what a frame took, one number a turn."""
        lengths = np.diff([*self._turns, len(self.whole)])
        cpu, wall = (np.add.reduceat(each, self._turns) for each in (self.cpu, self.whole))
        return Turns(cpu / lengths, wall / lengths)

    def _frame(self, message: Any) -> dict[str, float]:
        judgement = self._judge.judge(
            stamp_ns(message.header),
            time.monotonic(),
            lambda look: self._read(message, look),
            Demand(),
            self._outputs.mount,
        )
        made = self._outputs.messages(judgement)
        with timed(judgement.stages_s, 'serialise'):
            serialise = self._source.store.serialize_cdr
            self.bytes_out = sum(len(serialise(out, out.__msgtype__)) for _, out in made)
        return judgement.stages_s

    def _read(self, message: Any, look: Look) -> Frame:
        frame = frame_from_message(message, self._source.camera, turned=True)
        look(frame)
        return frame

    def _note(self, stages: dict[str, float], whole: float, cpu: float, by_clock: float) -> None:
        for stage, seconds in stages.items():
            self.stages[stage].append(seconds)
        self.stages[REST].append(by_clock - sum(stages.values()))
        self.whole.append(whole)
        self.cpu.append(cpu)
        self.network.append(sum(stages[stage] for stage in NETWORK_STAGES))
        self.around.append(by_clock - self.network[-1])
        self.checks.append(sum(stages.get(stage, 0.0) for stage in SAFETY_STAGES))

    def results(self) -> dict[str, Any]:
        """Return what was measured, in values that JSON can carry."""
        info = self.engine.info
        return {
            'device': info.device,
            'precision': info.precision,
            'network_size': list(info.network_size),
            'frames': len(self.whole),
            'stages_ms': {
                # the ground is looked for now and then only
                stage: {**vars(Percentiles.of(seconds)), 'frames': len(seconds)}
                for stage, seconds in self.stages.items()
            },
            'stages_by': 'CPU time' if self.clock is time.process_time else 'time that passes',
            'network_ms': vars(Percentiles.of(self.network)),
            'around_network_ms': vars(Percentiles.of(self.around)),
            'safety_ms': vars(Percentiles.of(self.checks)),
            'safety_share': sum(self.checks) / (sum(self.network) + sum(self.around)),
            'end_to_end_ms': vars(Percentiles.of(self.whole)),
            'cpu_ms': vars(Percentiles.of(self.cpu)),
            'frames_per_s': len(self.whole) / sum(self.whole),
            'around_over_network': sum(self.around) / sum(self.network),
            'output_bytes_per_frame': self.bytes_out,
            'added_memory_bytes': self.added_bytes,
        }
