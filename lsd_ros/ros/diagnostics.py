"""What /diagnostics says: a level, sentences and numbers, from the counted to the message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from lsd_ros.messages import encode
from lsd_ros.messages.types import MessageTypes
from lsd_ros.ros.statistics import Report

if TYPE_CHECKING:
    from lsd_ros.inference.engine import EngineInfo

RELATIVE = (
    "depth is relative, not metric: set scale.source to 'fixed' and scale.factor to the metres "
    'per unit of this camera, or use weights that know metres'
)


class Level(IntEnum):
    """How bad it is; the values of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Status:
    """One diagnostic_msgs/DiagnosticStatus, before it is one."""

    level: Level
    message: str
    values: dict[str, str]


@dataclass(frozen=True)
class Setup:
    """
    What does not change while the node is active.

    :param image_topic: resolved name
    :param weights_warning: what is wrong with the weights; None: nothing
    """

    image_topic: str
    info: EngineInfo
    weights_warning: str | None


def untrained_warning(info: EngineInfo) -> str | None:
    """Return what to say of weights that never learned, or None."""
    if info.trained:
        return None
    return (
        f'weights {info.weights} are untrained: depth and motion mean nothing, set weights to a '
        'trained file'
    )


def status(
    report: Report,
    setup: Setup,
    enabled: bool,
    mount_source: str | None,
    unconnected: Sequence[str],
) -> Status:
    """
    Judge the state of the node.

    :param enabled: as last said to set_enabled
    :param mount_source: where the camera's place on the robot comes from
    :param unconnected: who cannot be understood on a topic, in sentences
    """
    level, sentences = _judgement(report, setup, enabled, unconnected)
    values = {
        **_counts(report),
        **_times(report),
        **_scale(report),
        **_input(report),
        **_engine(setup.info),
        'enabled': str(enabled),
        'mount.source': mount_source or 'not asked for yet',
    }
    return Status(level, '; '.join(sentences), values)


def message(types: MessageTypes, status: Status, name: str, hardware: str, stamp_ns: int) -> Any:
    """
    Make the diagnostic_msgs/DiagnosticArray of one status.

    :param hardware: what the status is about, here the device that computes
    """
    return types.make(
        'diagnostic_msgs/msg/DiagnosticArray',
        header=encode.header(types, stamp_ns, ''),
        status=[
            types.make(
                'diagnostic_msgs/msg/DiagnosticStatus',
                level=bytes([status.level]),
                name=name,
                message=status.message,
                hardware_id=hardware,
                values=[
                    types.make('diagnostic_msgs/msg/KeyValue', key=key, value=value)
                    for key, value in status.values.items()
                ],
            )
        ],
    )


def _judgement(
    report: Report, setup: Setup, enabled: bool, unconnected: Sequence[str]
) -> tuple[Level, list[str]]:
    warnings = [*report.problems, *unconnected]
    if enabled and report.input_rate_hz == 0:
        warnings.append(
            f'no images on {setup.image_topic}: publish them there or remap the topic, and see '
            'that image_transport fits'
        )
    if setup.weights_warning is not None:
        warnings.append(setup.weights_warning)
    if report.scale is not None and not report.scale.metric:
        warnings.append(RELATIVE)
    if not enabled:
        warnings.append('disabled by set_enabled')
    if warnings:
        return (Level.ERROR if report.failing else Level.WARN), warnings
    if report.rate_hz == 0:
        return Level.OK, ['idle: nobody subscribes to any result']
    return Level.OK, ['running']


def _counts(report: Report) -> dict[str, str]:
    return {
        'rate_hz': f'{report.rate_hz:.2f}',
        'input_rate_hz': f'{report.input_rate_hz:.2f}',
        'frames.received': str(report.received),
        'frames.dropped': str(report.dropped),
        **{f'frames.{outcome.value}': str(count) for outcome, count in report.counts.items()},
    }


def _times(report: Report) -> dict[str, str]:
    values = {}
    for name, percentiles in (('latency', report.latency), ('age', report.age)):
        if percentiles is not None:
            values[f'{name}.p50_ms'] = f'{percentiles.p50_ms:.2f}'
            values[f'{name}.p95_ms'] = f'{percentiles.p95_ms:.2f}'
    for name, milliseconds in report.stages_ms.items():
        values[f'stage.{name.replace(" ", "_")}_ms'] = f'{milliseconds:.2f}'
    return values


def _scale(report: Report) -> dict[str, str]:
    if report.scale is None:
        return {}
    return {
        'scale.metric': str(report.scale.metric),
        'scale.factor': f'{report.scale.factor:g}',
        'scale.source': report.scale.source,
    }


def _input(report: Report) -> dict[str, str]:
    quality = report.quality
    if quality is None:
        return {}
    return {
        'input.frame_id': quality.frame_id,
        'input.size': f'{quality.width} x {quality.height}',
        'input.encoding': quality.encoding,
        'input.brightness': f'{quality.brightness:.1f}',
    }


def _engine(info: EngineInfo) -> dict[str, str]:
    return {
        'backend': info.backend,
        'device': info.device,
        'weights': info.weights,
        'weights.trained': str(info.trained),
        'weights.metric': str(info.metric),
        'weights.licence': info.licence,
    }
