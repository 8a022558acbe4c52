"""``lsd_ros demo``: a synthetic drive through the real node, and what came out of it."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsd_ros import __version__, config
from lsd_ros.bags.bag_source import BagSource
from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.benchmark.stage_timing import Percentiles
from lsd_ros.cli.checking import DEMO_REPORT, MADE_BY_DEMO
from lsd_ros.cli.demo import live as demo_live
from lsd_ros.cli.demo.picture import demo_picture
from lsd_ros.cli.demo.score import depth_scores, read_drive, trajectory_score
from lsd_ros.cli.engine_setup import running_engine
from lsd_ros.cli.node_arguments import called_metric
from lsd_ros.cli.output_messages import OutputMessages
from lsd_ros.cli.pictures import write_png
from lsd_ros.cli.printing import json_text, say
from lsd_ros.cli.processes import ros_problem
from lsd_ros.cli.progress import progress
from lsd_ros.cli.replay.action import recorded_judge, replay
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import atomic_folder, write_atomically
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.models.shipped import weights_file
from lsd_ros.models.weights import WeightsCard, read_weights
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_bag import IMAGE_TOPIC, write_bag
from lsd_ros.types import Camera

INPUT = 'input'
OUTPUT = 'output'
CONFIG = 'config.yaml'
PICTURE = 'picture.png'
WEIGHTS_OF = {'street': 'street', 'road': 'street', 'room': 'indoors', 'corridor': 'indoors'}
RATE_HZ = 10.0
FOCAL = 0.58  # share of the width: about that of KITTI's cameras
STRAIGHT = 0.4  # share of the drive before its turn
PICTURED = 0.2  # how far into the drive the picture is taken


@dataclass(frozen=True)
class Run:
    """
    How the drive was gone through.

    :param frames_in: images that were played
    :param live: whether the real node ran
    :param delay_ns: live: time of the system clock at which an image was due, less its stamp
    :param times_s: otherwise: what the engine took for each frame
    """

    frames_in: int
    live: bool
    delay_ns: int = 0
    times_s: tuple[float, ...] = ()

    def times_ms(self, received_ns: dict[int, int]) -> list[float]:
        """Return how long each frame took [ms], given when each cloud was received, by stamp."""
        if not self.live:
            return [time * 1e3 for time in self.times_s]
        return [(at - stamp - self.delay_ns) / 1e6 for stamp, at in received_ns.items()]


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    weights = weights_file(given.weights or WEIGHTS_OF[given.place]).absolute()
    settings = called_metric(EngineSettings(weights=str(weights)))
    card = read_weights(settings.weights).card
    drive = synthetic_drive(given)
    with atomic_folder(given.out, overwrite=True, is_ours=_is_of_demo) as folder:
        _make_bag(folder / INPUT, drive)
        problem = ros_problem()
        if problem is None:
            done = _through_node(folder, drive, settings)
        else:
            say(f'{"way":12}the engine alone, there is no ROS 2 here ({problem})')
            done = _through_engine(folder, settings)
        report = _judged(folder, drive, done, card, settings)
        config.save(settings, folder / CONFIG)
        write_atomically(folder / DEMO_REPORT, json_text(report).encode() + b'\n')
    say('\n'.join(lines(report)))
    say(f'{"written":12}{given.out}: {PICTURE}, {DEMO_REPORT}, bags {INPUT} and {OUTPUT}')
    return 0


def _is_of_demo(below: str) -> bool:
    folder, _, name = below.rpartition('/')
    if folder in (INPUT, OUTPUT):
        return name.endswith(('.mcap', '.db3', '.yaml'))
    return below in (CONFIG, PICTURE, DEMO_REPORT)


def synthetic_drive(given: argparse.Namespace) -> SyntheticDrive:
    """Choose a drive that goes straight at first, and turns then."""
    width, height = given.width, given.height
    focal = FOCAL * width
    camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    drive = SyntheticDrive(given.place, given.seed, camera, given.frames, RATE_HZ)
    path, seconds = drive.world.path, given.frames / RATE_HZ

    def turn(start_s: float) -> float:
        first, middle, last = (
            path.on_ground(start_s + share * seconds)[2] for share in (0, STRAIGHT, 1)
        )
        return float(abs(last - first) - 2 * abs(middle - first))

    start_s = max(np.arange(0, path.period_s, 1.0), key=turn)
    return SyntheticDrive(
        given.place, given.seed, camera, given.frames, RATE_HZ, start_s=float(start_s)
    )


def _make_bag(path: Path, drive: SyntheticDrive) -> None:
    camera = drive.camera
    say(
        f'{"drive":12}{drive.kind} {drive.seed}: {drive.frames} frames of {camera.width} x '
        f'{camera.height} at {drive.rate_hz:g} Hz'
    )
    with progress('drawing the drive', drive.frames) as advance:

        def drawn(_: int) -> None:
            advance()

        write_bag(path, drive, progress=drawn)


def _through_node(folder: Path, drive: SyntheticDrive, settings: EngineSettings) -> Run:
    seconds = drive.frames / drive.rate_hz
    say(f'{"way":12}depth_node over ROS 2, in real time: {seconds:g} s')
    played = demo_live.run_node(folder / INPUT, folder / OUTPUT, settings, seconds)
    return Run(played.images, live=True, delay_ns=played.delay_ns)


def _through_engine(folder: Path, settings: EngineSettings) -> Run:
    with (
        BagSource(folder / INPUT, IMAGE_TOPIC) as source,
        running_engine(settings) as engine,
        BagWriter(folder / OUTPUT) as writer,
    ):
        judge = recorded_judge(engine, SafetySettings())
        tally = replay(source, engine, judge, OutputMessages(writer.types, settings), writer)
        return Run(source.stats.frames, live=False, times_s=tuple(tally.times_s))


def _judged(
    folder: Path, drive: SyntheticDrive, run: Run, card: WeightsCard, settings: EngineSettings
) -> dict[str, Any]:
    """
    Compare with the truth, draw the picture, and return all numbers.

    :raises DatasetError: nothing came out
    """
    results = read_drive(folder / INPUT, folder / OUTPUT)
    if not results.depths:
        raise DatasetError(f'no depth came out, of {run.frames_in} images')
    chosen_ns = int(drive.stamps_ns[round(PICTURED * (drive.frames - 1))])
    depth, view = depth_scores(folder / INPUT, drive.camera, results, chosen_ns)
    trajectory, laid = trajectory_score(results, base_from_optical(settings.mount))
    if view is not None:
        title = 'estimated depth' + ('' if card.trained else ' (UNTRAINED weights)')
        write_png(folder / PICTURE, demo_picture(view, results.truth, laid, title))
    times_ms = run.times_ms(results.received_ns)
    frames_out = len(results.received_ns)
    return {
        'made_by': MADE_BY_DEMO,
        'version': __version__,
        'live': run.live,
        'drive': {'place': drive.kind, 'seed': drive.seed, 'start_s': drive.start_s},
        'weights': {'name': card.name, 'trained': card.trained, 'metric': card.metric},
        'frames_in': run.frames_in,
        'frames_out': frames_out,
        'dropped': run.frames_in - frames_out,
        'node': results.node_counts,
        'time_ms': dataclasses.asdict(Percentiles.of([time / 1e3 for time in times_ms])),
        'depth': depth,
        'trajectory': trajectory,
    }


def lines(report: dict[str, Any]) -> Iterator[str]:
    """Lay the numbers out for people."""
    yield (
        f'{"frames":12}{report["frames_in"]} in, {report["frames_out"]} out, '
        f'{report["dropped"]} dropped{_reasons(report)}'
    )
    time = report['time_ms']
    what = 'latency' if report['live'] else 'time'
    meaning = 'camera stamp to received cloud' if report['live'] else 'per frame, without ROS'
    yield (
        f'{what:12}p50 {time["p50"]:.1f} ms, p95 {time["p95"]:.1f} ms, p99 {time["p99"]:.1f} ms '
        f'({meaning})'
    )
    for name, how in (
        ('median_scaled', 'scaled by the median'),
        ('constant', 'one depth everywhere, scaled by the median'),
        ('raw', 'unscaled'),
    ):
        errors = report['depth'][name]
        said = f'abs_rel {errors["abs_rel"]:.3f}, a1 {errors["a1"]:.3f}' if errors else 'none'
        yield f'{"depth":12}{said} ({how})'
    yield f'{"trajectory":12}{_trajectory_line(report["trajectory"])}'
    if not report['weights']['trained']:
        yield f'{"weights":12}UNTRAINED: depth and motion mean nothing'
    elif not report['weights']['metric']:
        yield f'{"weights":12}not metric: depth and motion are right up to one unknown factor'


def _reasons(report: dict[str, Any]) -> str:
    """Say where frames were lost, as far as the node's last diagnostics tell."""
    node = report['node']
    if not report['dropped'] or not node:
        return ''
    lost = report['frames_in'] - node['received']
    return (
        f': {lost} did not reach the node, {node["dropped"]} gave way to newer ones, '
        f'{node["withheld"] + node["refused"]} were not trusted'
    )


def _trajectory_line(score: dict[str, Any]) -> str:
    if 'error' in score:
        return f'{score["length_m"]:.1f} m, not compared: {score["error"]}'
    return (
        f'ATE {score["ate_m"]:.2f} m over {score["length_m"]:.1f} m (aligned and scaled; going '
        f'straight on: {score["straight_ate_m"]:.2f} m)'
    )
