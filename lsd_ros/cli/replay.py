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

import numpy as np
from numpy.typing import NDArray

from lsd_ros import __version__, config
from lsd_ros.cli.checking import opened_source
from lsd_ros.cli.engine_options import engine_settings, running_engine
from lsd_ros.cli.outputs import Outputs
from lsd_ros.cli.pictures import side_by_side, write_png
from lsd_ros.cli.printing import say
from lsd_ros.cli.progress import progress
from lsd_ros.cli.whole import whole_folder
from lsd_ros.datasets.bag import BagReader
from lsd_ros.datasets.bag_odometry import bag_odometry
from lsd_ros.datasets.bag_writer import BagWriter
from lsd_ros.datasets.frame_source import FrameSource, FrameStats
from lsd_ros.datasets.source import kind_of_source
from lsd_ros.errors import CameraError, DatasetError, FrameError, MessageError
from lsd_ros.inference.engine import Engine, EngineInfo
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.inference.scale.settings import MEASURED
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.types import BasePose, Estimate, Frame

CONFIG_FILE = 'config.yaml'
HEARD_AHEAD_NS = 500_000_000  # odometry on both sides of an image says where the robot was
LOGGER = logging.getLogger(__name__)


@dataclass
class Tally:
    """
    What became of the frames.

    :param out: frames whose results were written
    :param refused: how often the engine refused a frame, by its sentence
    :param messages: number of messages by topic
    :param times_s: what each frame took that gave results, from image to written messages
    :param seconds: that it all took
    :param unscaled: why the last frame without a metric scale had none
    """

    out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    unscaled: str = ''


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    settings = engine_settings(given)
    with (
        opened_source(given) as source,
        running_engine(settings) as engine,
    ):
        with (
            BagWriter(given.out, given.storage, overwrite=given.overwrite) as writer,
            _previews(given.preview) as show,
        ):
            outputs = Outputs(writer.types, settings, given.odom_frame, given.base_frame)
            told = odometry_of(given.input, settings, given.base_frame, given.odometry)
            tally = replay(source, engine, settings, outputs, writer, show, told)
            writer.add_text(CONFIG_FILE, configuration_text(settings, source.name, engine.info))
        say(_report(source.stats, tally, engine.info, given.out))
    return 0


def replay(
    source: FrameSource,
    engine: Engine,
    settings: EngineSettings,
    outputs: Outputs,
    writer: BagWriter,
    show: Callable[[Estimate], object] = lambda estimate: None,
    told: Sequence[BasePose] = (),
) -> Tally:
    """
    Take every frame through the engine, and write what comes out.

    Where the scale is measured, nothing is written before it has settled: the depth of one bag is
    all in one unit.

    :param settings: of the engine
    :param show: told each estimate that was written
    :param told: what another odometry says, in the order of its stamps
    :raises CameraError: the first frames have no camera that can be used
    :raises DatasetError: no frame gave a result
    """
    tally = Tally()
    started = time.perf_counter()
    mount = base_from_optical(settings.mount)
    waiting = deque(told)
    with progress('replay', source.frame_count) as advance:
        for frame in source:
            while waiting and waiting[0].stamp_ns <= frame.stamp_ns + HEARD_AHEAD_NS:
                engine.odometry_in.add(waiting.popleft())
            try:
                _replay_frame(frame, engine, mount, outputs, writer, tally, show)
            except (CameraError, FrameError, MessageError) as error:
                if isinstance(error, CameraError) and not tally.out:
                    raise  # what is wrong with a camera from the start does not mend itself
                LOGGER.debug('frame of %d ns is skipped: %s', frame.stamp_ns, error)
                tally.refused[str(error)] += 1
            advance()
    tally.seconds = time.perf_counter() - started
    if not tally.out:
        reasons = tally.unscaled or '; '.join(tally.refused) or 'it has no frame'
        raise DatasetError(f'nothing came out of {source.name}: {reasons}')
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


def _replay_frame(
    frame: Frame,
    engine: Engine,
    mount: NDArray[np.float64],
    outputs: Outputs,
    writer: BagWriter,
    tally: Tally,
    show: Callable[[Estimate], object],
) -> None:
    if frame.camera is None:
        raise CameraError('the input has no camera calibration: give one with --camera FILE')
    began = time.perf_counter()
    estimate = engine.process(frame, uncertainty=True, base_from_camera=mount)
    scale = estimate.scale
    if scale.source in MEASURED and not scale.metric:
        tally.unscaled = scale.problem
        raise FrameError(f'without a metric scale from {scale.source}')
    cloud, scan = outputs.cloud(estimate), outputs.scan(estimate)
    for topic, message in outputs.messages(estimate, cloud, scan):
        writer.add(topic, message, estimate.stamp_ns)
        tally.messages[topic] += 1
    tally.times_s.append(time.perf_counter() - began)
    tally.out += 1
    show(estimate)


@contextlib.contextmanager
def _previews(folder: Path | None) -> Iterator[Callable[[Estimate], object]]:
    """Return what writes a picture of every estimate into a folder, or nothing without one."""
    if folder is None:
        yield lambda estimate: None
        return
    numbers = itertools.count()
    with whole_folder(folder) as new:
        yield lambda estimate: write_png(new / f'{next(numbers):06}.png', side_by_side(estimate))


def _report(stats: FrameStats, tally: Tally, info: EngineInfo, out: Path) -> str:
    width, height = info.network_size
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
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
            f'time        {tally.seconds:.1f} s, {tally.out / tally.seconds:.1f} frames/s',
            f'weights     {info.name}{"" if info.trained else " (UNTRAINED)"}, '
            f'{width} x {height}, {info.backend} on {info.device}',
            f'output      {out}, {size:.1f} MB: {topics}',
        ]
    )
