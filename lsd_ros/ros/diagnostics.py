"""What /diagnostics says: a level, sentences and numbers, from the counted to the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from lsd_ros.messages import encode
from lsd_ros.messages.types import MessageTypes
from lsd_ros.ros.statistics import Report
from lsd_ros.safety.supervisor import Verdict

if TYPE_CHECKING:
    from lsd_ros.inference.engine_info import EngineInfo

OTHER_CLOCK_MS = 3.6e6  # a median age beyond an hour is that of a bag, not of an image


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
class NodeState:
    """
    What the node sees beside what it counts, at one moment.

    :param engine: what runs
    :param enabled: as last said to set_enabled
    :param verdict: whether obstacles may be reported, and why not
    :param mount_source: where the camera's place on the robot comes from; None: not known
    :param heard: whether anybody subscribes to any result
    :param warnings: what else keeps the node from good results, in sentences
    :param values: what else there is to know
    """

    engine: EngineInfo
    enabled: bool
    verdict: Verdict
    mount_source: str | None
    heard: bool = True
    warnings: Sequence[str] = ()
    values: Mapping[str, str] = field(default_factory=dict)


def untrained_warning(info: EngineInfo) -> str | None:
    """Return what to say of weights that never learned, or None."""
    if info.trained:
        return None
    return (
        f'weights {info.weights} are untrained: depth and motion mean nothing, set weights to a '
        'trained file'
    )


def status(report: Report, seen: NodeState) -> Status:
    """Judge the state of the node."""
    level, sentences = _judgement(report, seen)
    values = {
        **_state(seen),
        **_counts(report),
        **_times(report),
        **_scale(report),
        **_input(report),
        **_engine(seen.engine),
        **seen.values,
        'mount.source': seen.mount_source or 'unknown',
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


def _judgement(report: Report, seen: NodeState) -> tuple[Level, list[str]]:
    verdict, scale = seen.verdict, report.scale
    said = (
        *verdict.problems,
        verdict.warning,
        *seen.warnings,
        untrained_warning(seen.engine),
        None if scale is None or scale.metric else scale.problem,
        None if seen.enabled else 'disabled by set_enabled',
    )
    warnings = dict.fromkeys(sentence for sentence in said if sentence)
    if warnings:
        return (Level.ERROR if verdict.problems else Level.WARN), [*warnings]
    if not seen.heard:
        return Level.OK, ['idle: nobody subscribes to any result']
    return Level.OK, ['running']


def _state(seen: NodeState) -> dict[str, str]:
    values = {'enabled': str(seen.enabled)}
    faults = dict.fromkeys(finding.fault.value for finding in seen.verdict.findings)
    values['state'] = seen.verdict.state.value
    values['state.faults'] = ' '.join(faults)
    values['state.good_frames'] = str(seen.verdict.good_frames)
    for fault, count in seen.verdict.counts.items():
        values[f'faults.{fault.value}'] = str(count)
    return values


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
        if percentiles is None:
            continue
        if abs(percentiles.p50_ms) > OTHER_CLOCK_MS:
            behind_h = percentiles.p50_ms / OTHER_CLOCK_MS
            values[name] = f'unknown: the stamps are of another clock, {behind_h:.0f} h behind'
            continue
        values[f'{name}.p50_ms'] = f'{percentiles.p50_ms:.2f}'
        values[f'{name}.p95_ms'] = f'{percentiles.p95_ms:.2f}'
        values[f'{name}.p99_ms'] = f'{percentiles.p99_ms:.2f}'
    for name, milliseconds in report.stages_ms.items():
        values[f'stage.{name.replace(" ", "_")}_ms'] = f'{milliseconds:.2f}'
    return values


def _scale(report: Report) -> dict[str, str]:
    if report.scale is None:
        return {}
    return {
        'scale.metric': str(report.scale.metric),
        'scale.factor': f'{report.scale.factor:g}',
        'scale.deviation': f'{report.scale.deviation:.2g}',
        'scale.source': report.scale.source,
        'scale.problem': report.scale.problem,
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
        'backend.reason': info.reason or 'as the parameters say',
        'precision': info.precision,
        'device': info.device,
        'weights': info.weights,
        'weights.trained': str(info.trained),
        'weights.metric': str(info.metric),
        'weights.uncertainty': str(info.uncertainty),
        'weights.licence': info.licence,
        'mask.share': f'{info.masked:.3f}',
    }
