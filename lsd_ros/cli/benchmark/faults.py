"""``lsd_ros benchmark --live --faults``: how fast the real node falls silent, and sees again."""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.benchmark.resources import machine
from lsd_ros.cli.demo import live as demo_live
from lsd_ros.cli.output_messages import CAMERA_INFO, DEPTH, DIAGNOSTICS, ODOMETRY, POINTS
from lsd_ros.cli.printing import MISSING, json_text, say, table
from lsd_ros.cli.processes import DISCOVERY_RANGE, THIS_MACHINE
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.messages import encode
from lsd_ros.safety.faults import Fault
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_bag import IMAGE_TOPIC, INFO_TOPIC
from lsd_ros.types import Camera, Frame

ROUNDS = 3
GOOD_FRAMES = 25
FAULTY_FRAMES = 20
DRAWN_FRAMES = 30
RATE_HZ = 10.0
PERIOD_NS = round(1e9 / RATE_HZ)
MS = 1e-6

Picture = NDArray[np.uint8]


@dataclass
class Episode:
    """
    One fault, from beginning to end.

    :param began_ns: when its first image was due, on the clock of the bag [ns]
    :param ended_ns: when the first good image after it was due [ns]
    :param stamps_ns: of its images
    """

    fault: Fault
    began_ns: int
    ended_ns: int
    stamps_ns: set[int] = field(default_factory=set)


@dataclass
class Heard:
    """
    When something was received, by the clock of the bag [ns].

    :param obstacles: with the stamp of each
    :param lost: odometry that says that it is lost
    :param said: diagnostics, with the faults that they name
    """

    obstacles: list[tuple[int, int]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    said: list[tuple[int, str]] = field(default_factory=list)


def run(given: argparse.Namespace, wanted: EngineSettings) -> int:
    """
    Run the verb with ``--live --faults``.

    :raises RosError: one of the processes failed; its log is on stderr by then
    """
    with tempfile.TemporaryDirectory(prefix='lsd_ros_faults.') as name:
        played, heard = Path(name, 'played'), Path(name, 'heard')
        episodes = write_faults(played, given.width, given.height)
        seconds = (episodes[-1].ended_ns - episodes[0].began_ns) / 1e9 + GOOD_FRAMES / RATE_HZ
        say(f'playing {len(episodes)} faults in {seconds:.0f} s')
        discovery_range = os.environ.get(DISCOVERY_RANGE) or THIS_MACHINE
        done = demo_live.run_node(played, heard, wanted, 2 * seconds, discovery_range)
        found = measured(episodes, listen(heard, done.delay_ns))
    if given.json is not None:
        whole = {'machine': machine(), 'faults': found}
        write_atomically(given.json, json_text(whole).encode() + b'\n')
    say('\n'.join(report(found)))
    return 0


def write_faults(path: Path, width: int, height: int) -> list[Episode]:
    """
    Write a bag in which a camera breaks and recovers, again and again.

    :return: what happens in it, in order
    """
    focal = 0.58 * width
    camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    drive = SyntheticDrive('street', 0, camera, DRAWN_FRAMES, RATE_HZ)
    drawn = [sample.frame for sample in drive]
    pictures = [frame.image for frame in (*drawn, *drawn[-2:0:-1])]  # there and back
    episodes: list[Episode] = []
    due_ns = drawn[0].stamp_ns
    number = 0
    with BagWriter(path) as bag:

        def show(picture: Picture, stamp_ns: int) -> None:
            frame = Frame(stamp_ns, drawn[0].frame_id, picture)
            info = encode.camera_info(bag.types, camera, due_ns, frame.frame_id)
            bag.add(INFO_TOPIC, info, due_ns)
            image = encode.raw_image(bag.types, picture, stamp_ns, frame.frame_id, 'bgr8')
            bag.add(IMAGE_TOPIC, image, due_ns)

        for fault, spoil in FAULTS * ROUNDS:
            for _ in range(GOOD_FRAMES):
                number += 1
                due_ns += PERIOD_NS
                show(pictures[number % len(pictures)], due_ns)
            last = pictures[number % len(pictures)]
            episode = Episode(fault, due_ns + PERIOD_NS, due_ns + (FAULTY_FRAMES + 1) * PERIOD_NS)
            for turn in range(FAULTY_FRAMES):
                due_ns += PERIOD_NS
                number += 1
                picture = spoil(pictures[number % len(pictures)], last)
                if picture is not None:
                    back_ns = 2 * turn * PERIOD_NS + 2 * PERIOD_NS + 1
                    stamp_ns = due_ns - (back_ns if fault is Fault.STAMP_BACKWARDS else 0)
                    show(picture, stamp_ns)
                    episode.stamps_ns.add(stamp_ns)
            episodes.append(episode)
        for _ in range(GOOD_FRAMES):
            number += 1
            due_ns += PERIOD_NS
            show(pictures[number % len(pictures)], due_ns)
    return episodes


def _dark(picture: Picture, _: Picture) -> Picture:
    return picture // 20


def _glaring(picture: Picture, _: Picture) -> Picture:
    return np.asarray(cv2.convertScaleAbs(picture, alpha=40.0), np.uint8)


def _blurred(picture: Picture, _: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 60), np.uint8)


def _frozen(_: Picture, last: Picture) -> Picture:
    return last


def _none(_: Picture, __: Picture) -> None:
    return None


def _same(picture: Picture, _: Picture) -> Picture:
    return picture


FAULTS: tuple[tuple[Fault, Callable[[Picture, Picture], Picture | None]], ...] = (
    (Fault.NO_IMAGE, _none),
    (Fault.FROZEN, _frozen),
    (Fault.DARK, _dark),
    (Fault.SATURATED, _glaring),
    (Fault.BLURRED, _blurred),
    (Fault.STAMP_BACKWARDS, _same),
)


def listen(path: Path, delay_ns: int) -> Heard:
    """
    Read what was received.

    :param delay_ns: clock of the recorder less that of the bag
    """
    heard = Heard()
    with BagReader(path) as bag:
        for record in bag.messages():
            at_ns = record.stamp_ns - delay_ns
            if record.topic in (DEPTH, CAMERA_INFO, POINTS):
                heard.obstacles.append((at_ns, record.header_stamp_ns))
            elif record.topic == ODOMETRY and record.message.pose.covariance[0] >= LOST_VARIANCE:
                heard.lost.append(at_ns)
            elif record.topic == DIAGNOSTICS:
                (status,) = record.message.status
                values = {pair.key: pair.value for pair in status.values}
                heard.said.append((at_ns, values['state.faults']))
    return heard


def measured(episodes: Sequence[Episode], heard: Heard) -> dict[str, Any]:
    """Return by fault what was heard of it; times in milliseconds, one for each episode."""
    found: dict[str, dict[str, Any]] = {}
    for episode in episodes:
        of_fault = found.setdefault(
            episode.fault.value,
            {'spoken': 0, 'silent_ms': [], 'lost_ms': [], 'said_ms': [], 'again_ms': []},
        )
        faulty = sum(stamp in episode.stamps_ns for _, stamp in heard.obstacles)
        times = [at for at, _ in heard.obstacles]
        named = [at for at, faults in heard.said if episode.fault.value in faults.split()]
        began_ns, ended_ns = episode.began_ns, episode.ended_ns
        of_fault['spoken'] += faulty
        of_fault['silent_ms'].append(_ms(began_ns, max(_before(times, ended_ns), default=None)))
        for name, events, since_ns in (
            ('lost_ms', heard.lost, began_ns),
            ('said_ms', named, began_ns),
            ('again_ms', times, ended_ns),
        ):
            later = (at for at in events if at >= since_ns)
            of_fault[name].append(_ms(since_ns, min(later, default=None)))
    return found


def _before(times: Iterable[int], end_ns: int) -> Iterator[int]:
    return (at for at in times if at < end_ns)


def _ms(since_ns: int, at_ns: int | None) -> float | None:
    return None if at_ns is None else (at_ns - since_ns) * MS


def report(found: dict[str, Any]) -> Iterator[str]:
    """Lay the results out for people."""
    yield (
        'median / longest time [ms] since the first faulty image was due; for obstacles again, '
        'since the first good one was'
    )
    rows = [
        [
            fault,
            str(len(times['silent_ms'])),
            str(times['spoken']),
            *(_cell(times[name]) for name in ('silent_ms', 'lost_ms', 'said_ms', 'again_ms')),
        ]
        for fault, times in found.items()
    ]
    yield from table(
        [
            'fault',
            'times',
            'obstacles of faulty images',
            'last obstacle',
            'odometry lost',
            'diagnostics',
            'obstacles again',
        ],
        rows,
    )
    yield (
        'negative: before it was due; an obstacle that is received long after is one of the last '
        'good image, which the middleware had to send twice'
    )


def _cell(times_ms: Sequence[float | None]) -> str:
    known = [math.inf if time is None else time for time in times_ms]
    if not any(map(math.isfinite, known)):
        return MISSING
    return f'{np.median(known):.0f} / {max(known):.0f}'
