"""What ``lsd_ros doctor`` makes of what it has seen: one line a check, with the remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from lsd_ros.inference.engine_info import EngineInfo
from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.publication.publication_settings import GuardedSettings
from lsd_ros.safety.faults import Fault
from lsd_ros.safety.mount import place_findings
from lsd_ros.types import Camera, Mount, Scale, SeenGround

SLOWEST_HZ, SLOW_HZ = 2.0, 5.0
MOST_LOST, SOME_LOST = 0.1, 0.02
LARGE_BYTES = 60_000  # more than one packet of UDP
NS_PER_S = 1e9


class Colour(Enum):
    """How good it is."""

    GREEN = 'green'
    YELLOW = 'yellow'
    RED = 'red'


@dataclass(frozen=True)
class Line:
    """
    What one check says.

    :param remedy: what to do; empty: nothing
    """

    name: str
    colour: Colour
    said: str
    remedy: str = ''


@dataclass
class Evidence:
    """
    What was seen.

    :param stamps_ns: of the images
    :param ages_s: from the stamp to the arrival of each; empty: not known
    :param faults: images with each fault
    :param facts: of the running system; None: a recording
    :param node: newest values of a running depth_node, with level and message
    """

    settings: GuardedSettings
    info: EngineInfo
    stamps_ns: list[int] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    frame_id: str = ''
    info_frame_id: str | None = None
    camera: Camera | None = None
    camera_problem: str = ''
    mount: Mount | None = None
    faults: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)
    grounds: list[SeenGround] = field(default_factory=list)
    scale: Scale | None = None
    times_s: list[float] = field(default_factory=list)
    facts: dict[str, Any] | None = None
    node: dict[str, str] | None = None

    @property
    def period_s(self) -> float:
        """Return the median time between two images [s]; NaN with fewer than two."""
        steps = np.diff(self.stamps_ns)
        return float(np.median(steps)) / NS_PER_S if len(steps) else float('nan')


def lines(seen: Evidence) -> Iterator[Line]:
    """Yield a line for every check."""
    yield from _transport(seen)
    yield from _rate(seen)
    yield from _stamps(seen)
    yield from _calibration(seen)
    yield from _mount(seen)
    yield from _images(seen)
    yield from _ground(seen)
    yield from _scale(seen)
    yield from _latency(seen)
    yield from _weights(seen)
    yield from _node(seen)


def _green(name: str, said: str) -> Line:
    return Line(name, Colour.GREEN, said)


def _transport(seen: Evidence) -> Iterator[Line]:
    if seen.facts is None:
        return
    names = seen.facts['environment']
    large = 3 * seen.size[0] * seen.size[1] > LARGE_BYTES
    if large and names.get('FASTDDS_BUILTIN_TRANSPORTS') != 'LARGE_DATA':
        yield Line(
            'transport',
            Colour.YELLOW,
            'FASTDDS_BUILTIN_TRANSPORTS is not LARGE_DATA in this shell',
            'export it for the camera driver and for the node, else large images are lost',
        )
    elif large and names.get('ROS_AUTOMATIC_DISCOVERY_RANGE') == 'LOCALHOST':
        yield Line(
            'transport',
            Colour.YELLOW,
            'ROS_AUTOMATIC_DISCOVERY_RANGE is LOCALHOST, which undoes LARGE_DATA',
            'give the driver the profile lsd_ros/ros/this_machine.xml, use SUBNET, or a reliable '
            'subscription where the driver offers it',
        )
    else:
        yield _green('transport', 'large images get through')
    for peer in seen.facts['publishers'].get(seen.facts['camera_info'], ()):
        got = seen.facts['counts'].get(seen.facts['camera_info'], 0)
        if not got and peer['durability'] == 'volatile':
            yield Line(
                'qos',
                Colour.RED,
                f'{peer["node"]} publishes camera info with durability volatile, and none came',
                'let it publish with every image, or once with transient_local and reliable',
            )


def _rate(seen: Evidence) -> Iterator[Line]:
    if len(seen.stamps_ns) < 2:
        what = 'no image came' if not seen.stamps_ns else 'one image came'
        yield Line('rate', Colour.RED, what, 'start the driver; see topic, QoS and ROS_DOMAIN_ID')
        return
    steps = np.diff(seen.stamps_ns) / NS_PER_S
    rate = 1 / seen.period_s if seen.period_s > 0 else 0.0
    missing = float(np.maximum(np.round(steps / max(seen.period_s, 1e-9)) - 1, 0).sum())
    lost = missing / (missing + len(seen.stamps_ns))
    said = f'{rate:.1f} images a second of {seen.size[0]} x {seen.size[1]}, {lost:.0%} missing'
    if rate < SLOWEST_HZ or lost > MOST_LOST:
        yield Line('rate', Colour.RED, said, 'a faster camera mode, or LARGE_DATA transports')
    elif rate < SLOW_HZ or lost > SOME_LOST:
        yield Line('rate', Colour.YELLOW, said, 'a faster camera mode, or a better network')
    else:
        yield _green('rate', said)


def _stamps(seen: Evidence) -> Iterator[Line]:
    if not seen.ages_s or seen.facts is None:
        return
    age_s, limit = float(np.median(seen.ages_s)), seen.settings.safety.max_age_s
    said = f'images are {age_s * 1e3:.0f} ms old when they arrive'
    if limit and abs(age_s) > limit:
        remedy = 'synchronise the clocks (chrony), or use_sim_time with --clock for bags'
        yield Line('stamps', Colour.RED, said, remedy)
    elif age_s < -0.01 or age_s > 0.3:
        yield Line('stamps', Colour.YELLOW, said, 'synchronise the clocks, or look at the network')
    else:
        yield _green('stamps', said)


def _calibration(seen: Evidence) -> Iterator[Line]:
    if seen.camera is None:
        yield Line(
            'calibration',
            Colour.RED,
            seen.camera_problem or 'there is no camera info',
            'calibrate the camera (camera_calibration), and publish its camera info',
        )
    elif seen.info_frame_id not in (None, seen.frame_id):
        said = f'images are of {seen.frame_id!r} and camera info of {seen.info_frame_id!r}'
        yield Line('calibration', Colour.RED, said, 'let both come from the same camera')
    elif seen.camera.distortion is not None and seen.settings.distortion == 'refuse':
        yield Line(
            'calibration',
            Colour.RED,
            f'camera info has {seen.camera.distortion.model} distortion',
            'set distortion to undistort, or to rectified where the images are rectified already',
        )
    else:
        wide = 2 * np.degrees(np.arctan(seen.camera.width / 2 / seen.camera.fx))
        yield _green('calibration', f'focal length {seen.camera.fx:.0f} px, {wide:.0f} deg wide')


def _mount(seen: Evidence) -> Iterator[Line]:
    if seen.mount is None and seen.settings.mount != MountSettings():
        yield Line(
            'mount',
            Colour.YELLOW,
            'it is given by mount.*, and no image came to judge it by',
            'start the camera and call again',
        )
        return
    if seen.mount is None:
        yield Line(
            'mount',
            Colour.YELLOW,
            f'nobody says where {seen.frame_id or "the camera"} sits: there will be no scan',
            'publish its transform from base_frame, or set mount.*',
        )
        return
    for finding in place_findings(seen.mount, seen.settings.safety):
        sentence, _, remedy = finding.sentence.partition(f': {Fault.MOUNT_IMPLAUSIBLE.remedy}')
        yield Line('mount', Colour.RED, sentence, remedy or Fault.MOUNT_IMPLAUSIBLE.remedy)
        return
    place = seen.mount.base_from_camera
    down = -np.degrees(np.arcsin(np.clip(place[2, 2], -1, 1)))
    by = 'transforms' if seen.mount.by_transforms else 'mount.*'
    yield _green(
        'mount', f'{place[2, 3]:.2f} m high, looks {round(float(down))} deg down, by {by}'
    )


def _images(seen: Evidence) -> Iterator[Line]:
    about = {'no_image', 'mount_implausible', 'scale_unknown', 'repeated'}
    about |= {'no_camera_info', 'uncalibrated', 'camera_mismatch'}  # they have lines of their own
    faults = {name: count for name, count in seen.faults.items() if name not in about}
    if not seen.stamps_ns:
        return
    for name, count in sorted(faults.items(), key=lambda item: -item[1]):
        colour = Colour.RED if count > len(seen.stamps_ns) / 10 else Colour.YELLOW
        sentence, _, remedy = seen.sentences.get(name, '').partition(': ')
        yield Line('images', colour, f'{count} are {name}: {sentence}', remedy)
    if not faults:
        yield _green('images', f'{len(seen.stamps_ns)} looked at, none is dark, blurred or frozen')


def _ground(seen: Evidence) -> Iterator[Line]:
    if seen.mount is None or seen.camera is None:
        return
    if not seen.grounds:
        yield Line(
            'ground',
            Colour.YELLOW,
            'no ground was seen, so mount and scale could not be compared with it',
            'let the camera see the floor ahead, and try again',
        )
        return
    tilt = float(np.median([np.degrees(ground.tilt_rad) for ground in seen.grounds]))
    heights = [g.height_m / g.expected_height_m for g in seen.grounds if g.expected_height_m > 0]
    ratio = float(np.median(heights)) if heights else float('nan')
    limits = seen.settings.safety
    said = f'its plane is tilted by {tilt:.0f} deg against the mount'
    if np.isfinite(ratio):
        said += f', {ratio:.2f} times as far below the camera as the mount says'
    apart = max(ratio, 1 / ratio) if np.isfinite(ratio) and ratio > 0 else 1.0
    if tilt > limits.max_ground_tilt_deg or apart > limits.max_height_ratio:
        remedy = 'measure height and pitch of the camera again; else see scale.source'
        yield Line('ground', Colour.RED, said, remedy)
    elif tilt > limits.max_ground_tilt_deg / 3 or apart > 1 + (limits.max_height_ratio - 1) / 3:
        yield Line('ground', Colour.YELLOW, said, 'compare with a tape measure; see scale.source')
    else:
        yield _green('ground', said)


def _scale(seen: Evidence) -> Iterator[Line]:
    if seen.scale is None:
        return
    if not seen.scale.metric:
        remedy = 'choose a scale.source that knows metres'
        yield Line('scale', Colour.RED, seen.scale.problem or 'depth is not metric', remedy)
    else:
        deviation = f'{seen.scale.deviation:.0%}' if np.isfinite(seen.scale.deviation) else '?'
        said = f'metric by {seen.scale.source}, known to {deviation}'
        yield _green('scale', said)


def _latency(seen: Evidence) -> Iterator[Line]:
    if len(seen.times_s) < 3:
        return
    median, worst = (float(np.percentile(seen.times_s, q)) for q in (50, 95))
    said = f'{median * 1e3:.0f} ms an image here, 95 % within {worst * 1e3:.0f} ms'
    if median > seen.settings.safety.max_latency_s:
        remedy = 'a smaller network, a faster backend or more threads'
        yield Line('latency', Colour.RED, said, remedy)
    elif median > seen.period_s:
        yield Line(
            'latency', Colour.YELLOW, said, 'images will be dropped: more threads, or a GPU'
        )
    else:
        yield _green('latency', said)


def _weights(seen: Evidence) -> Iterator[Line]:
    info = seen.info
    runs = f'{info.name}, {info.backend} on {info.device}'
    if not info.trained:
        yield Line('weights', Colour.RED, f'{runs}: untrained', 'set weights to a trained file')
    elif info.licence:
        said = f'{runs}: {info.licence}'
        yield Line('weights', Colour.YELLOW, said, 'do not sell what they make; train your own')
    else:
        yield _green('weights', runs)


def _node(seen: Evidence) -> Iterator[Line]:
    if seen.facts is None:
        return
    if seen.node is None:
        yield Line('node', Colour.YELLOW, 'no depth_node runs here', 'launch depth.launch.py')
        return
    level = int(seen.node.get('level', '0'))
    colour = (Colour.GREEN, Colour.YELLOW, Colour.RED)[min(level, 2)]
    yield Line('node', colour, f'{seen.node.get("state", "")}: {seen.node.get("message", "")}')
