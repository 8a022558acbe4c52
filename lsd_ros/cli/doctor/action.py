"""``lsd_ros doctor``: what is wrong with a robot's camera, mount, scale and transport."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.transforms import TransformTree
from lsd_ros.cli.doctor.checks import Colour, Evidence, Line, lines
from lsd_ros.cli.engine_setup import engine_settings
from lsd_ros.cli.printing import json_text, say
from lsd_ros.cli.processes import Child, ros_problem
from lsd_ros.cli.progress import progress
from lsd_ros.cli.replay.action import recorded_judge
from lsd_ros.datasets.source import kind_of_source, open_source
from lsd_ros.errors import CameraError, FrameError, LsdError, MessageError, RosError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.publication.judging import Demand
from lsd_ros.publication.publication_settings import GuardedSettings
from lsd_ros.publication.recorded import RecordedJudge
from lsd_ros.safety.faults import UnfitError
from lsd_ros.types import Frame, Mount

MOST_IMAGES = 60
CODES = {Colour.GREEN: '32', Colour.YELLOW: '33', Colour.RED: '31'}
COLOURED = 7  # characters of the word that has the colour
SICK = 1
GRACE_S = 20.0
LONGEST_NS = 2**62


def run(given: argparse.Namespace) -> int:
    """Run the verb; the exit code is 1 where a line is red."""
    settings = engine_settings(given)
    with tempfile.TemporaryDirectory(prefix='lsd_ros_doctor.') as folder:
        path, facts = given.path, None
        if path is None:
            facts = _probed(given, Path(folder))
            path = Path(folder, 'bag')
        found = list(lines(examine(path, settings, given, facts)))
    if given.json is not None:
        report = [{**vars(line), 'colour': line.colour.value} for line in found]
        write_atomically(given.json, json_text(report).encode() + b'\n')
    for line in found:
        say(_shown(line), colour=CODES[line.colour], coloured=COLOURED)
    return SICK if any(line.colour is Colour.RED for line in found) else 0


def main() -> None:
    """Be the executable ``doctor``, for ``ros2 run lsd_ros doctor``."""
    from lsd_ros.cli.main import main as verbs

    words = sys.argv[1:]
    if '--ros-args' in words:
        words = words[: words.index('--ros-args')]
    sys.exit(verbs(['doctor', *words]))


def examine(
    path: Path, settings: GuardedSettings, given: argparse.Namespace, facts: dict[str, Any] | None
) -> Evidence:
    """Look at a recording, with the engine that the settings describe."""
    engine = Engine.load(settings)
    try:
        seen = Evidence(settings, engine.info, facts=facts)
        topic = given.image if facts is None else facts['image']
        if kind_of_source(path) == 'bag':
            _look_around(path, seen, topic, given.base_frame)
        if facts is not None and not facts['counts'].get(facts['image']):
            return seen
        _look_at_images(path, topic, engine, seen)
        if seen.mount is None and settings.mount != MountSettings():
            place = base_from_optical(settings.mount)
            seen.mount = Mount(place, given.base_frame, seen.frame_id)
        return seen
    finally:
        engine.close()


def _look_at_images(path: Path, topic: str | None, engine: Engine, seen: Evidence) -> None:
    judge = recorded_judge(engine, seen.settings.safety)
    is_bag = kind_of_source(path) == 'bag'
    with (
        open_source(path, image_topic=topic or None if is_bag else None) as source,
        progress('doctor', MOST_IMAGES) as advance,
    ):
        for number, frame in enumerate(source):
            if number >= MOST_IMAGES:
                break
            advance()
            _look_at(frame, judge, seen)
    seen.faults.update(judge.counts)


def _look_at(frame: Frame, judge: RecordedJudge, seen: Evidence) -> None:
    seen.stamps_ns.append(frame.stamp_ns)
    seen.size = frame.image.shape[1], frame.image.shape[0]
    seen.frame_id = frame.frame_id
    seen.camera = frame.camera or seen.camera
    if seen.mount is None and seen.settings.mount != MountSettings():
        place = base_from_optical(seen.settings.mount)
        seen.mount = Mount(place, 'base_link', frame.frame_id)
    began = time.perf_counter()
    try:
        if frame.camera is None:
            raise CameraError('the images have no camera info')
        judgement = judge.judge(frame, Demand(), lambda _: seen.mount)
    except (CameraError, FrameError, MessageError, UnfitError) as error:
        if isinstance(error, CameraError):
            seen.camera_problem = str(error)
        for finding in judge.failed(error):
            seen.sentences[finding.fault.value] = finding.sentence
        return
    seen.times_s.append(time.perf_counter() - began)
    seen.scale = judgement.estimate.scale
    if judgement.estimate.ground is not None:
        seen.grounds.append(judgement.estimate.ground)
    if not judgement.obstacles:
        for finding in judge.findings:
            seen.sentences[finding.fault.value] = finding.sentence


def _look_around(path: Path, seen: Evidence, topic: str | None, base_frame: str) -> None:
    """Read what the bag has beside the images: transforms, diagnostics, frames, arrivals."""
    with BagReader(path) as bag:
        types = {each.name: each.type for each in bag.topics() if each.count}
        first_ns = 0
        for record in bag.messages([n for n, kind in types.items() if kind.endswith('/Image')]):
            if topic in (None, '', record.topic):
                seen.ages_s.append((record.stamp_ns - record.header_stamp_ns) / 1e9)
                seen.frame_id = seen.frame_id or record.message.header.frame_id
                first_ns = first_ns or record.header_stamp_ns
        infos = [name for name, kind in types.items() if kind.endswith('/CameraInfo')]
        if seen.facts is not None:
            infos = [name for name in infos if name == seen.facts['camera_info']]
        for record in bag.messages(infos) if len(infos) == 1 else ():
            seen.info_frame_id = record.message.header.frame_id
            break
        seen.node = _newest_status(bag, types)
        if seen.frame_id and seen.frame_id != base_frame:
            seen.mount = _transformed(bag, base_frame, seen.frame_id, first_ns)


def _transformed(bag: BagReader, base_frame: str, frame_id: str, stamp_ns: int) -> Mount | None:
    with contextlib.suppress(LsdError):
        stamps = np.array([stamp_ns], np.int64)
        found = TransformTree(bag).at(base_frame, frame_id, stamps, LONGEST_NS)
        if found is not None and np.isfinite(found).all():
            return Mount(found[0], base_frame, frame_id, by_transforms=True)
    return None


def _newest_status(bag: BagReader, types: dict[str, str]) -> dict[str, str] | None:
    newest = None
    names = [name for name, kind in types.items() if kind.endswith('/DiagnosticArray')]
    for record in bag.messages(names) if names else ():
        for status in record.message.status:
            if status.name.endswith(': depth'):
                values = {pair.key: pair.value for pair in status.values}
                level = status.level if isinstance(status.level, int) else status.level[0]
                newest = {**values, 'level': str(level), 'message': status.message}
    return newest


def _probed(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """
    Record the running system for some seconds.

    :raises RosError: there is no ROS here, or no camera
    """
    problem = ros_problem()
    if problem is not None:
        raise RosError(f'there is no ROS 2 here ({problem}): source it, or give a bag')
    words = [str(folder), '--seconds', str(given.seconds)]
    for option, value in (('--image', given.image), ('--camera-info', given.camera_info)):
        words += [option, value] if value else []
    say(f'looking for {given.seconds:g} s')
    child = Child('system_probe', words, folder / 'log', os.environ)
    try:
        end = time.monotonic() + given.seconds + GRACE_S
        while not _ended(child):
            if time.monotonic() > end:
                raise child.failed('does not end')
            time.sleep(0.1)
    finally:
        child.put_down()
    facts: dict[str, Any] = json.loads((folder / 'facts.json').read_text())
    return facts


def _ended(child: Child) -> bool:
    """Return whether it is done; what it could not do is said in its own words."""
    if child.exit_code:
        last = child.log.strip().splitlines()
        raise RosError(last[-1] if last else f'system_probe ended with {child.exit_code}')
    return child.exit_code is not None


def _shown(line: Line) -> str:
    word = f'{line.colour.value:{COLOURED}}'
    remedy = f' -> {line.remedy}' if line.remedy else ''
    return f'{word} {line.name:12} {line.said}{remedy}'
