"""Gathers what the node has to say about itself, and publishes it on /diagnostics."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
from rclpy.node import Node

from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.ros import diagnostics
from lsd_ros.ros.inputs import Inputs, Received
from lsd_ros.ros.mailbox import Mailbox
from lsd_ros.ros.message_classes import RclpyTypes
from lsd_ros.ros.mount_lookup import MountLookup
from lsd_ros.ros.odometry_input import OdometryInput
from lsd_ros.ros.outputs import Outputs
from lsd_ros.ros.parameters import Settings
from lsd_ros.ros.pipeline import Pipeline
from lsd_ros.ros.statistics import Report
from lsd_ros.safety.supervisor import Verdict

if TYPE_CHECKING:
    from lsd_ros.inference.engine_info import EngineInfo

MIB = 2**20
MOST_DROPPED = 0.2  # share of the images that may be dropped without a word
ENOUGH_IMAGES = 100  # for that share

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """Whom to ask."""

    pipeline: Pipeline
    mailbox: Mailbox[Received]
    inputs: Inputs
    odometry_input: OdometryInput
    outputs: Outputs
    mounting: MountLookup
    settings: Callable[[], Settings]
    engine: Callable[[], EngineInfo]
    verdict: Callable[[], Verdict]


class Reporter:
    """
    Says once a period how the node is.

    :param publish: takes a diagnostic_msgs/DiagnosticArray
    """

    def __init__(self, node: Node, sources: Sources, publish: Callable[[Any], None]) -> None:
        self._node = node
        self._sources = sources
        self._publish = publish
        self._types = RclpyTypes()
        self._last_ns = -1
        self._last_fusion: Counter[str] = Counter()
        self._told_of_drops = False
        self._limited_until = 0, 0  # images received and dropped while max_rate_hz was set

    def report(self) -> None:
        """Publish the state of this moment."""
        sources = self._sources
        now_ns: int = self._node.get_clock().now().nanoseconds
        engine = sources.engine()
        seen = diagnostics.NodeState(
            engine=engine,
            enabled=sources.pipeline.enabled,
            verdict=sources.verdict(),
            mount_source=sources.mounting.source,
            heard=sources.outputs.is_heard(),
            warnings=[
                *self._of_clock(now_ns),
                *sources.inputs.problems(),
                *sources.odometry_input.problems(),
                *sources.outputs.problems(),
                *_of_weights(engine, sources.settings().engine),
                *self._of_fusion(engine),
            ],
            values={
                **sources.inputs.values(),
                **sources.odometry_input.values(),
                **{f'fusion.{name}': str(count) for name, count in engine.fusion.items()},
                **_memory(engine),
            },
        )
        mailbox = sources.mailbox
        report = sources.pipeline.statistics.report(mailbox.received, mailbox.dropped)
        self._tell_of_drops(report)
        self._publish(
            diagnostics.message(
                self._types,
                diagnostics.status(report, seen),
                name=f'{self._node.get_fully_qualified_name().lstrip("/")}: depth',
                hardware=engine.device,
                stamp_ns=now_ns,
            )
        )

    def _tell_of_drops(self, report: Report) -> None:
        """Say once, in the log, that images come faster than they are worked on."""
        settings = self._sources.settings()
        if settings.node.max_rate_hz:  # so many are to be dropped
            self._limited_until = report.received, report.dropped
        received = report.received - self._limited_until[0]
        dropped = report.dropped - self._limited_until[1]
        if self._told_of_drops or received < ENOUGH_IMAGES:
            return
        if dropped > MOST_DROPPED * received:
            self._told_of_drops = True
            log.warning(
                '%d of %d images were dropped for newer ones: this computer is slower than the '
                'camera; set max_rate_hz to what it can do, or more threads (now %d) and '
                'configure the node again',
                dropped,
                received,
                settings.engine.threads,
            )

    def _of_clock(self, now_ns: int) -> Iterator[str]:
        """Yield what is wrong with a simulated clock; a real one never stands still."""
        last_ns, self._last_ns = self._last_ns, now_ns
        if now_ns == 0:
            yield (
                'use_sim_time is set and nothing has come on /clock: publish it, for example with '
                'ros2 bag play --clock, or set use_sim_time to false'
            )
        elif now_ns == last_ns:
            yield 'the time on /clock stands still: rates and ages wait for it to go on'

    def _of_fusion(self, engine: EngineInfo) -> Iterator[str]:
        """Yield why little was fused since the report before."""
        new = Counter(engine.fusion)
        new.subtract(self._last_fusion)
        self._last_fusion = Counter(engine.fusion)
        if not self._sources.settings().engine.odometry.fuse or new.total() <= 0:
            return
        if self._sources.mounting.source is None:
            yield (
                'odometry.fuse is true and mount.* and the transforms do not say where the camera '
                'sits, so nothing is fused: set mount.*, or publish the transform'
            )
        elif new['input_rejected'] + new['visual_rejected'] > new.total() / 2:
            yield (
                'the images and odometry_in contradict each other, so only one of them counts: '
                'wheels slip, or check the scale, the place of the camera, odometry.*_error and '
                'odometry.input_*_error'
            )


def _of_weights(engine: EngineInfo, settings: EngineSettings) -> Iterator[str]:
    """Yield what is asked of the weights in vain."""
    if settings.points.max_uncertainty > 0 and not engine.uncertainty:
        yield (
            f'points.max_uncertainty is {settings.points.max_uncertainty} and the weights know no '
            'uncertainty, so it drops nothing: use weights that do, or set it to 0'
        )


def _memory(engine: EngineInfo) -> dict[str, str]:
    """Return what this process holds in RAM and, caches of torch included, on a CUDA device."""
    values = {'memory.resident_mib': f'{psutil.Process().memory_info().rss / MIB:.0f}'}
    if engine.device.startswith('cuda'):
        import torch  # it is there already, where anything runs on CUDA

        values['memory.cuda_mib'] = f'{torch.cuda.memory_reserved() / MIB:.0f}'
    return values
