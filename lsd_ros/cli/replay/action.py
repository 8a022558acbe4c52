"""``lsd_ros replay``: every frame of a source through the engine, into a bag."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsd_ros import __version__, config
from lsd_ros.bags.bag_source import BagSource
from lsd_ros.bags.odometry_topic import bag_odometry
from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.checking import opened_source
from lsd_ros.cli.engine_setup import engine_settings, running_engine
from lsd_ros.cli.output_messages import SCAN, OutputMessages, TopicMessages
from lsd_ros.cli.pictures import side_by_side, write_png
from lsd_ros.cli.printing import say
from lsd_ros.cli.progress import progress
from lsd_ros.cli.replay.video import replay_video, scan_of
from lsd_ros.datasets.source import kind_of_source
from lsd_ros.errors import CameraError, DatasetError, FrameError, MessageError
from lsd_ros.foreign.atomic import atomic_folder
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_info import EngineInfo
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.publication.judging import Demand, Judge
from lsd_ros.publication.publication_settings import GuardedSettings
from lsd_ros.publication.recorded import RecordedGuard, RecordedJudge
from lsd_ros.safety.faults import Finding, UnfitError
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import BasePose, Estimate, Frame, Scan
from lsd_ros.types.frame_source import FrameSource, FrameStats

CONFIG_FILE = 'config.yaml'
HEARD_AHEAD_NS = 500_000_000  # odometry on both sides of an image says where the robot was
Show = Callable[[Estimate, Scan | None], object]
LOGGER = logging.getLogger(__name__)


@dataclass
class Tally:
    """
    What became of the frames.

    :param out: frames whose obstacles were written
    :param refused: how often a frame was refused, by its sentence
    :param silent: how often nothing was said about obstacles, by what was wrong
    :param messages: number of messages by topic
    :param times_s: what each frame took that gave results, from image to written messages
    :param seconds: that it all took
    :param reason: why nothing was said about the obstacles of the last frame that was silent
    """

    out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    silent: Counter[str] = field(default_factory=Counter)
    reason: str = ''


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    settings = engine_settings(given)
    with (
        opened_source(given) as source,
        running_engine(settings) as engine,
    ):
        _check_metric(settings, engine.info, given)
        if isinstance(source, BagSource):
            source.frames.factor_of = engine.reduction  # images are read as the node reads them
        with (
            BagWriter(given.out, given.storage, overwrite=given.overwrite) as writer,
            _previews(given.preview) as preview,
            _video(given.video) as video,
        ):
            outputs = OutputMessages(writer.types, settings, given.odom_frame, given.base_frame)
            judge = recorded_judge(engine, None if given.unguarded else settings.safety)
            told = odometry_of(given.input, settings, given.base_frame, given.odometry)

            def show(estimate: Estimate, scan: Scan | None) -> None:
                preview(estimate)
                video(estimate, scan)

            tally = replay(source, engine, judge, outputs, writer, show, told)
            writer.add_text(CONFIG_FILE, configuration_text(settings, source.name, engine.info))
        say(_report(source.stats, tally, engine.info, given))
    return 0


def recorded_judge(engine: Engine, safety: SafetySettings | None) -> RecordedJudge:
    """
    Make what decides about recorded images as the node does about live ones.

    :param safety: limits of the guard; None: everything is shown
    """
    guard = None if safety is None else RecordedGuard(safety)
    return RecordedJudge(Judge(engine, guard), guard)


def replay(
    source: FrameSource,
    engine: Engine,
    judge: RecordedJudge,
    outputs: OutputMessages,
    writer: BagWriter,
    show: Show = lambda estimate, scan: None,
    told: Sequence[BasePose] = (),
) -> Tally:
    """
    Take every frame through the engine, and write what the node would publish.

    :param judge: of the same engine
    :param show: told each estimate whose obstacles were written, and its scan
    :param told: what another odometry says, in the order of its stamps
    :raises CameraError: the first frames have no camera that can be used
    :raises DatasetError: nothing could be said about the obstacles of any frame
    """
    tally = Tally()
    started = time.perf_counter()
    waiting = deque(told)
    undecodable = 0
    with progress('replay', source.frame_count) as advance:
        for frame in source:
            while waiting and waiting[0].stamp_ns <= frame.stamp_ns + HEARD_AHEAD_NS:
                engine.odometry_in.add(waiting.popleft())
            judge.missed(source.stats.undecodable - undecodable)
            undecodable = source.stats.undecodable
            began = time.perf_counter()
            for topic, message in _said(frame, judge, outputs, tally, show):
                writer.add(topic, message, frame.stamp_ns)
                tally.messages[topic] += 1
            tally.times_s.append(time.perf_counter() - began)
            advance()
    tally.seconds = time.perf_counter() - started
    if not tally.out:
        reasons = tally.reason or '; '.join(tally.refused) or 'it has no frame'
        shown = '; --unguarded shows all the same' if judge.is_guarded and tally.silent else ''
        raise DatasetError(f'nothing came out of {source.name}: {reasons}{shown}')
    return tally


def odometry_of(
    path: Path, settings: EngineSettings, base_frame: str, topic: str | None
) -> list[BasePose]:
    """
    Read the odometry of a bag where the settings ask for it; else there is none.

    :param topic: None: the only one of the bag
    :raises DatasetError: it is asked for and not there
    """
    if settings.scale.source != 'odometry' and not settings.odometry.fuse:
        return []
    if kind_of_source(path) != 'bag':
        raise DatasetError(
            f'{path} is no bag and has no odometry: choose another scale.source, and '
            'odometry.fuse=false'
        )
    with BagReader(path) as bag:
        return bag_odometry(bag, base_frame, topic)


def configuration_text(settings: EngineSettings, source: str, info: EngineInfo) -> str:
    """Return the effective configuration as YAML, with what it was used for as a comment."""
    head = f'# lsd_ros {__version__}, {source}, weights {info.name}, {info.backend}\n'
    return head + config.dump(settings)


def _said(
    frame: Frame,
    judge: RecordedJudge,
    outputs: OutputMessages,
    tally: Tally,
    show: Show,
) -> TopicMessages:
    """Return what the node would publish about a frame."""
    try:
        if frame.camera is None:
            raise CameraError('the input has no camera calibration: give one with --camera FILE')
        judgement = judge.judge(frame, Demand(uncertainty=True), outputs.mount)
    except (CameraError, FrameError, MessageError, UnfitError) as error:
        if isinstance(error, CameraError) and not tally.out:
            raise  # what is wrong with a camera from the start does not mend itself
        LOGGER.debug('frame of %d ns is skipped: %s', frame.stamp_ns, error)
        findings = judge.failed(error)
        if findings or not judge.is_guarded:
            tally.refused[str(error)] += not judge.is_guarded
            _be_silent(findings, tally)
            return outputs.lost(frame.stamp_ns)
        tally.silent['repeated'] += 1
        return []
    messages = list(outputs.messages(judgement))
    if judgement.obstacles:
        tally.out += 1
        scans = [message for topic, message in messages if topic == SCAN]
        show(judgement.estimate, scan_of(scans[0]) if scans else None)
    else:
        _be_silent(judge.findings, tally)
    return messages


def _be_silent(findings: Sequence[Finding], tally: Tally) -> None:
    for finding in findings:
        tally.reason = finding.sentence
    names = dict.fromkeys(finding.fault.value for finding in findings)
    if findings:
        tally.silent[' '.join(names)] += 1


@contextlib.contextmanager
def _previews(folder: Path | None) -> Iterator[Callable[[Estimate], object]]:
    """Return what writes a picture of every estimate into a folder, or nothing without one."""
    if folder is None:
        yield lambda estimate: None
        return
    numbers = itertools.count()
    with atomic_folder(folder) as new:
        yield lambda estimate: write_png(new / f'{next(numbers):06}.png', side_by_side(estimate))


@contextlib.contextmanager
def _video(path: Path | None) -> Iterator[Show]:
    """Return what adds every estimate to a video, or does nothing without one."""
    if path is None:
        yield lambda estimate, scan: None
        return
    with replay_video(path) as video:
        yield video.add


def _check_metric(settings: GuardedSettings, info: EngineInfo, given: argparse.Namespace) -> None:
    """
    Say at once that all of it would be silent.

    :raises DatasetError: the scale can never become metric
    """
    if settings.scale.source == 'checkpoint' and not info.metric and not given.unguarded:
        raise DatasetError(
            f'nothing would come out of {given.input}: the weights {info.name!r} are not metric. '
            'Set scale.source to camera_height, odometry or fixed; --unguarded shows all the same'
        )


def _report(stats: FrameStats, tally: Tally, info: EngineInfo, given: argparse.Namespace) -> str:
    width, height = info.network_size
    size = sum(file.stat().st_size for file in given.out.iterdir()) / 1e6
    skipped = [
        f'{count} {why}'
        for count, why in (
            (stats.duplicates, 'with a stamp that was there already'),
            (stats.undecodable, 'that could not be decoded'),
            (stats.unreadable, 'in damaged parts of the file'),
            *((count, sentence) for sentence, count in tally.refused.most_common()),
        )
        if count
    ]
    frames_in = stats.frames + stats.duplicates + stats.undecodable + stats.unreadable
    topics = ', '.join(f'{topic} {count}' for topic, count in tally.messages.items())
    return '\n'.join(
        [
            f'frames in   {frames_in}',
            f'frames out  {tally.out}',
            f'skipped     {"; ".join(skipped) or 0}',
            f'silent      {_silences(tally, given.unguarded)}',
            f'time        {tally.seconds:.1f} s, {tally.out / tally.seconds:.1f} frames/s',
            f'weights     {info.name}{"" if info.trained else " (UNTRAINED)"}, '
            f'{width} x {height}, {info.backend} on {info.device}',
            f'output      {given.out}, {size:.1f} MB: {topics}',
            *([f'preview     {given.preview}'] if given.preview else []),
            *([f'video       {given.video}'] if given.video else []),
        ]
    )


def _silences(tally: Tally, unguarded: bool) -> str:
    """Say about how many frames the node would have said nothing, and why."""
    if unguarded:
        return 'never: UNGUARDED, this bag holds what the node would withhold'
    return '; '.join(f'{count} {name}' for name, count in tally.silent.most_common()) or '0'
