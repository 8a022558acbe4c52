"""``lsd_ros benchmark --live``: the real node, measured from the other side of the middleware."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsd_ros import settings
from lsd_ros.bags.camera_topics import choose_image_topic, choose_info_topic
from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.summary import summary
from lsd_ros.cli.benchmark import SYNTHETIC
from lsd_ros.cli.benchmark import faults as benchmark_faults
from lsd_ros.cli.benchmark.live_report import report
from lsd_ros.cli.benchmark.resources import Meter, machine
from lsd_ros.cli.node_arguments import called_metric, node_arguments
from lsd_ros.cli.printing import json_text, say
from lsd_ros.cli.processes import (
    DISCOVERY_RANGE,
    START_S,
    THIS_MACHINE,
    Child,
    Starter,
    is_ready,
    ros_problem,
    until,
)
from lsd_ros.cli.progress import progress
from lsd_ros.errors import DatasetError, RosError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_bag import write_bag
from lsd_ros.types import Camera

SECONDS = 60.0
WARM_UP_S = 5.0
LAST_FRAME_S = 1.5  # for what is under way at the end, and the last diagnostics
DEFAULT_RESULTS = ('points', 'depth/image_rect', 'odom')
SYNTHETIC_FRAMES = 60
SYNTHETIC_NAME = 'synthetic street'
LONE_HZ = 1.0  # at which the player repeats a bag of one image
IMAGE, COMPRESSED, INFO = '/image', '/image/compressed', '/camera_info'


@dataclass(frozen=True)
class Source:
    """
    What is played to the node.

    :param image: what the bag says of its images
    :param images: how many there are
    :param rate_hz: of these
    """

    bag: Path
    name: str
    image_topic: str
    info_topic: str
    compressed: bool
    image: dict[str, Any]
    images: int
    rate_hz: float

    @property
    def played_topic(self) -> str:
        """Return where the node takes its images from."""
        return COMPRESSED if self.compressed else IMAGE


@dataclass(frozen=True)
class Plan:
    """
    How it is played, and who listens.

    :param seconds: to measure, after the warm-up
    :param results: topics of the node to subscribe to
    :param reliable: whether the node takes images reliably
    """

    seconds: float
    rate_factor: float
    results: tuple[str, ...]
    reliable: bool

    @property
    def warm_up_s(self) -> float:
        """Return how long nothing but counts is kept."""
        return min(WARM_UP_S, self.seconds)


def run(given: argparse.Namespace, wanted: EngineSettings) -> int:
    """
    Run the verb with ``--live``.

    :raises RosError: there is no ROS, or one of the processes fails; its log is on stderr then
    :raises DatasetError: the bag cannot be played to the node
    """
    problem = ros_problem()
    if problem is not None:
        raise RosError(f'there is no ROS 2 here to run the node with: {problem}')
    wanted = called_metric(wanted)
    if given.faults:
        return benchmark_faults.run(given, wanted)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix='lsd_ros_benchmark.') as folder:
        source = _source(given, Path(folder))
        plan = _plan(given, source)
        found = measure(source, plan, wanted, Path(folder))
    measured = {
        'machine': {**machine(), 'load_before': load},
        'settings': settings.values(wanted),
        **found,
    }
    if given.json is not None:
        write_atomically(given.json, json_text(measured).encode() + b'\n')
    say('\n'.join(report(measured)))
    return 0


def measure(source: Source, plan: Plan, wanted: EngineSettings, folder: Path) -> dict[str, Any]:
    """
    Run node, probe and player, and gather what they counted.

    :param folder: for their logs and reports
    :raises RosError: one of the processes failed; its log is on stderr by then
    """
    played, seen = folder / 'played.json', folder / 'seen.json'
    topics = [f'/{name}' for name in plan.results]
    with contextlib.ExitStack() as stack:
        start = Starter(folder, stack, os.environ.get(DISCOVERY_RANGE) or THIS_MACHINE)
        warm_up = ['--warm-up', str(plan.warm_up_s), '--diagnostics']
        probe = start('topic_probe', str(seen), *topics, *warm_up)
        node = start('depth_node', '--ros-args', *_node_arguments(source, plan, wanted))
        until(lambda: is_ready(node, probe, topics), START_S, node, probe)
        player = start('bag_player', *_player_arguments(source, plan), '--report', str(played))
        until(lambda: 'playing' in player.log, START_S, node, probe, player)
        meter = _watch(node, probe, player, plan)
        player.end()
        time.sleep(LAST_FRAME_S)
        probe.end()
        node.end()
    return _found(
        source, plan, json.loads(played.read_text()), json.loads(seen.read_text()), meter
    )


def _watch(node: Child, probe: Child, player: Child, plan: Plan) -> Meter:
    """Let them run for their time."""
    meter = Meter({'node': node.pid, 'probe': probe.pid, 'player': player.pid})
    began = time.monotonic()
    with progress('benchmark', round(plan.seconds), 's') as advance:

        def over() -> bool:
            passed_s = time.monotonic() - began - plan.warm_up_s
            if passed_s >= 0 and meter.note_when_due():
                advance()
            return passed_s >= plan.seconds

        until(over, START_S + plan.warm_up_s + plan.seconds, node, probe, player)
    meter.note()
    return meter


def _found(
    source: Source, plan: Plan, played: dict[str, Any], seen: dict[str, Any], meter: Meter
) -> dict[str, Any]:
    diagnosis = next(iter(seen['diagnostics'].values()), None)
    if diagnosis is None:
        raise RosError('depth_node published no diagnostics: nothing is known of its frames')
    status = diagnosis['values']
    images = played['messages'].get(source.image_topic, 0)
    frames = counted_frames(images, _numbers(status, 'frames.', ''))
    measured = frames['published'] * plan.seconds / (plan.warm_up_s + plan.seconds)
    return {
        'source': {
            'name': source.name,
            **source.image,
            'rate_hz': source.rate_hz * plan.rate_factor,
        },
        'seconds': plan.seconds,
        'warm_up_s': plan.warm_up_s,
        'reliable': plan.reliable,
        'middleware': seen['middleware'],
        'frames': frames,
        'topics': seen['topics'],
        'node_ms': _numbers(status, 'latency.', '_ms'),
        'stages_ms': _numbers(status, 'stage.', '_ms'),
        'processes': meter.results(measured),
        'diagnostics': diagnosis,
    }


def counted_frames(played: int, of_the_node: dict[str, int]) -> dict[str, int]:
    """
    Put together what player and node counted.

    The middleware tells the node of next to none of the images that it loses, so that only the
    difference is the truth; what it told is kept under another name.
    """
    counted = dict(of_the_node)
    told = counted.pop('lost', 0)
    return {
        'played': played,
        'lost': played - counted['received'],
        'lost_as_the_node_was_told': told,
        **counted,
    }


def _numbers(status: dict[str, str], prefix: str, suffix: str) -> dict[str, Any]:
    """Return the values of some diagnostics, without what their names have in common."""
    return {
        name.removeprefix(prefix).removesuffix(suffix): json.loads(value)
        for name, value in status.items()
        if name.startswith(prefix) and name.endswith(suffix)
    }


def _plan(given: argparse.Namespace, source: Source) -> Plan:
    rate_factor = given.rate_factor or 1.0
    seconds = given.seconds or SECONDS
    if given.frames is not None:
        seconds = given.frames / (source.rate_hz * rate_factor)
    return Plan(seconds, rate_factor, tuple(given.subscribe or DEFAULT_RESULTS), given.reliable)


def _source(given: argparse.Namespace, folder: Path) -> Source:
    if given.live == SYNTHETIC:
        bag, name = folder / 'bag', SYNTHETIC_NAME
        _make_bag(bag, given.width, given.height)
    else:
        bag, name = Path(given.live), Path(given.live).name
    with BagReader(bag) as reader:
        image = choose_image_topic(reader, None)
        info = choose_info_topic(reader, image, None)
        if info is None:
            raise DatasetError(
                f'{bag} has no camera info for {image}: the node takes no images without'
            )
        described = summary(reader)
    topic = next(topic for topic in described['topics'] if topic['name'] == image)
    about = next(about for about in described['images'] if about['topic'] == image)
    return Source(
        bag=bag,
        name=name,
        image_topic=image,
        info_topic=info,
        compressed=topic['type'].endswith('/CompressedImage'),
        image={key: about.get(key) for key in ('width', 'height', 'encoding')},
        images=topic['count'],
        rate_hz=topic['rate_hz'] or LONE_HZ,
    )


def _make_bag(path: Path, width: int, height: int) -> None:
    focal = 0.58 * width
    camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    drive = SyntheticDrive('street', 0, camera, SYNTHETIC_FRAMES)
    write_bag(path, drive, truth=False)


def _node_arguments(source: Source, plan: Plan, wanted: EngineSettings) -> list[str]:
    parameters: dict[str, Any] = {
        'autostart': True,
        'image_transport': 'compressed' if source.compressed else 'raw',
    }
    if plan.reliable:
        parameters[f'qos_overrides.{source.played_topic}.subscription.reliability'] = 'reliable'
    if source.images == 1:  # again and again, and slowly
        parameters.update({'safety.frozen_frames': 0, 'safety.image_timeout_s': 2 / LONE_HZ})
    return node_arguments(wanted, **parameters)


def _player_arguments(source: Source, plan: Plan) -> list[str]:
    topics = [source.image_topic, source.info_topic]
    names = [f'{source.image_topic}:={source.played_topic}', f'{source.info_topic}:={INFO}']
    words = [str(source.bag), '--loop', '--restamp', '--rate', str(plan.rate_factor)]
    return [*words, '--topics', *topics, '--wait-for-subscribers', *topics, '--remap', *names]
