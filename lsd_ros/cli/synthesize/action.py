"""``lsd_ros synthesize``: sequences of drawn worlds."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from lsd_ros.cli.printing import say
from lsd_ros.cli.progress import progress
from lsd_ros.errors import DatasetError
from lsd_ros.rendering.rooms import RoomsSettings, render_rooms
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

FOCAL_SHARE = 0.58  # of the width: as wide as the cameras of KITTI see
STREET_RATE_HZ = 1.25  # every image shows another place


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    make = _rooms if given.world == 'rooms' else _streets
    with progress(given.world, given.count, unit='place') as advance:
        made = make(given, advance)
    say(f'{made} new sequences in {given.out}')
    return 0


def _rooms(given: argparse.Namespace, advance: Callable[[], object]) -> int:
    wanted = RoomsSettings(
        first_seed=given.first_seed,
        rooms=given.count,
        clips=given.clips,
        frames=given.frames or 5,
        width=given.width or 320,
        height=given.height or 240,
        samples=given.samples,
        jobs=given.jobs,
        python=given.blender_python,
    )
    return len(render_rooms(given.out, wanted, lambda _ready, _all: advance()))


def _streets(given: argparse.Namespace, advance: Callable[[], object]) -> int:
    width, height = given.width or 640, given.height or 192
    focal = FOCAL_SHARE * width
    camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    draw = partial(_street, given.out, camera, given.frames or 48)
    seeds = range(given.first_seed, given.first_seed + given.count)
    try:
        given.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f'cannot make {given.out}: {error.strerror}') from error
    made = 0
    with ProcessPoolExecutor(given.jobs) as pool:
        for new in pool.map(draw, seeds):
            made += new
            advance()
    return made


def _street(out: Path, camera: Camera, frames: int, seed: int) -> bool:
    """Draw a street, or a road out of town, if it is not there; say whether it was not."""
    kind = ('street', 'road')[seed % 2]
    target = out / f'{kind}_{seed:05d}'
    if target.is_dir():
        return False
    moving = seed % 4 >= 2  # cars in half of the streets and in half of the roads
    write_sequence(
        target, SyntheticDrive(kind, seed, camera, frames, STREET_RATE_HZ, moving=moving)
    )
    return True
