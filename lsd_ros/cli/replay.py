"""``lsd_ros replay``: every frame of a source through the engine, into a bag."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lsd_ros import __version__, config
from lsd_ros.cli.engine_options import engine_settings, running_engine
from lsd_ros.cli.outputs import Outputs
from lsd_ros.cli.pictures import side_by_side, write_png
from lsd_ros.cli.progress import progress
from lsd_ros.cli.whole import whole_folder
from lsd_ros.datasets.bag_writer import BagWriter
from lsd_ros.datasets.camera_yaml import read_camera
from lsd_ros.datasets.frame_source import FrameSource, FrameStats
from lsd_ros.datasets.source import open_source
from lsd_ros.errors import CameraError, DatasetError, FrameError, MessageError
from lsd_ros.inference.engine import Engine, EngineInfo
from lsd_ros.inference.settings import EngineSettings
from lsd_ros.types import Estimate, Frame

CONFIG_FILE = 'config.yaml'
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
    """

    out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    seconds: float = 0.0


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    settings = engine_settings(given)
    camera = None if given.camera is None else read_camera(given.camera)
    _check_output(given.out, given.overwrite)
    with (
        open_source(given.input, image_topic=given.topic, camera=camera) as source,
        running_engine(settings) as engine,
    ):
        with (
            BagWriter(given.out, given.storage, overwrite=given.overwrite) as writer,
            _previews(given.preview) as show,
        ):
            outputs = Outputs(writer.types, settings, given.odom_frame, given.base_frame)
            tally = replay(source, engine, outputs, writer, show)
            writer.add_text(CONFIG_FILE, configuration_text(settings, source.name, engine.info))
        print(_report(source.stats, tally, engine.info, given.out))
    return 0


def replay(
    source: FrameSource,
    engine: Engine,
    outputs: Outputs,
    writer: BagWriter,
    show: Callable[[Estimate], object] = lambda estimate: None,
) -> Tally:
    """
    Take every frame through the engine, and write what comes out.

    :param show: told each estimate that was written
    :raises CameraError: the first frames have no camera that can be used
    :raises DatasetError: no frame gave a result
    """
    tally = Tally()
    started = time.perf_counter()
    with progress('replay', source.frame_count) as advance:
        for frame in source:
            try:
                _replay_frame(frame, engine, outputs, writer, tally, show)
            except (CameraError, FrameError, MessageError) as error:
                if isinstance(error, CameraError) and not tally.out:
                    raise  # what is wrong with a camera from the start does not mend itself
                LOGGER.debug('frame of %d ns is skipped: %s', frame.stamp_ns, error)
                tally.refused[str(error)] += 1
            advance()
    tally.seconds = time.perf_counter() - started
    if not tally.out:
        reasons = '; '.join(tally.refused) or 'it has no frame'
        raise DatasetError(f'nothing came out of {source.name}: {reasons}')
    return tally


def configuration_text(settings: EngineSettings, source: str, info: EngineInfo) -> str:
    """Return the effective configuration as YAML, with what it was used for as a comment."""
    head = f'# lsd_ros {__version__}, {source}, weights {info.name}, {info.backend}\n'
    return head + config.dump(settings)


def _replay_frame(
    frame: Frame,
    engine: Engine,
    outputs: Outputs,
    writer: BagWriter,
    tally: Tally,
    show: Callable[[Estimate], object],
) -> None:
    if frame.camera is None:
        raise CameraError('the input has no camera calibration: give one with --camera FILE')
    began = time.perf_counter()
    estimate = engine.process(frame, uncertainty=True)
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


def _check_output(path: Path, overwrite: bool) -> None:
    """Say what is wrong with the output before any work is done."""
    if not path.exists():
        return
    if not overwrite:
        raise DatasetError(f'{path} exists already: add --overwrite, or choose another output')
    if not (path / 'metadata.yaml').is_file():
        raise DatasetError(f'{path} is no bag and is not overwritten: choose another output')


def _report(stats: FrameStats, tally: Tally, info: EngineInfo, out: Path) -> str:
    width, height = info.network_size
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    skipped = [
        f'{count} {why}'
        for count, why in (
            (stats.duplicates, 'with a stamp that was there already'),
            (stats.undecodable, 'that could not be decoded'),
            *((count, sentence) for sentence, count in tally.refused.most_common()),
        )
        if count
    ]
    frames_in = stats.frames + stats.duplicates + stats.undecodable
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
