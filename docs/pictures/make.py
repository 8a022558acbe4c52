r"""
Make the pictures of the documentation, with the weights of the package.

    python docs/pictures/make.py real KITTI_04 TUM_FR1_RPY
    python docs/pictures/make.py street
    python docs/pictures/make.py rendered ROOM
    lsd_ros evaluate --weights indoors --data TUM_FR1_RPY --pictures SHEETS
    python docs/pictures/make.py room SHEETS/tum_fr1_rpy_sheet.png
    python docs/pictures/make.py training FOLDER

``real`` draws a street and a desk, ``street`` a synthetic street, and ``rendered`` images of a
sequence: image, depth, and obliquely from above cloud and scan. ``room`` makes a sheet of evaluate
smaller. ``training`` goes through docs/training.md with a short synthetic drive, in a folder that
must not exist, and draws each step. ``LICENCES.md`` says why all of it may be published.
``architecture()`` draws the table of ``test/test_architecture.py``; a test holds
docs/architecture.md to it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.cli.main import main as main_of_command
from lsd_ros.cli.panels import (
    ESTIMATE_RED,
    GAP,
    TITLE_HEIGHT,
    WHITE,
    InverseColours,
    below,
    beside,
    fitted,
    framed,
    titled,
)
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.obstacles.depth_filter import DepthFilter
from lsd_ros.inference.obstacles.scan import ScanBuilder
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_bag import write_bag
from lsd_ros.types import Camera, Estimate, Frame

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Colour = tuple[int, int, int]
RING: Colour = (80, 80, 80)
ROBOT = np.array(((-0.03, -0.02, 0), (-0.03, 0.02, 0), (0.03, 0, 0), (-0.03, -0.02, 0)))
WIDTH = 1140
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 85]
OPTICAL = np.array(((0.0, 0, 1), (-1, 0, 0), (0, -1, 0)))  # base from optical, looking ahead


def main() -> None:
    """Draw one of the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('picture', choices=('real', 'street', 'room', 'rendered', 'training'))
    parser.add_argument('paths', type=Path, nargs='*')
    given = parser.parse_args()
    if given.picture == 'real':
        street, desk = given.paths
        rows = [*drawn(street, (20,), STREET), *drawn(desk, (20,), ROOM)]
        write('real', rows)
    elif given.picture == 'street':
        camera = Camera(832, 256, 480.0, 480.0, 415.5, 127.5)
        drive = SyntheticDrive('street', 0, camera, 120)
        with running(STREET) as engine:
            write('street', [row(engine, drive.sample(n).frame, STREET) for n in (10, 100)])
    elif given.picture == 'training':
        training(given.paths[0])
    elif given.picture == 'rendered':
        write('rendered', drawn(given.paths[0], (0, 3), ROOM))
    else:
        large = cv2.imread(str(given.paths[0]))
        small = cv2.resize(large, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(HERE / 'room.jpg'), small, JPEG)


class Show(NamedTuple):
    """
    How a place is shown.

    :param weights: name of the weights
    :param height_m: of a camera whose place is not known, which then looks ahead [m]
    :param reach_m: how far cloud and scan are drawn [m]
    """

    weights: str
    height_m: float
    reach_m: float

    @property
    def settings(self) -> EngineSettings:
        """Return the settings of the engine."""
        return settings.build(
            EngineSettings, {'weights': self.weights, 'mount.z_m': self.height_m}
        )


STREET, ROOM = Show('street', 1.65, 25.0), Show('indoors', 1.2, 2.5)


@contextlib.contextmanager
def running(show: Show) -> Iterator[Engine]:
    """Load an engine and close it."""
    with contextlib.closing(Engine.load(show.settings)) as engine:
        yield engine


def write(name: str, rows: list[Picture]) -> None:
    """Write rows of panels as one picture."""
    cv2.imwrite(str(HERE / f'{name}.jpg'), framed(below(*rows))[..., ::-1], JPEG)


def drawn(path: Path, indices: tuple[int, ...], show: Show) -> list[Picture]:
    """Draw some images of a sequence; poses whose z is up say where the camera sits."""
    (sequence,) = open_sequences([path])
    if len(sequence.stamps_ns) <= max(indices):
        sys.exit(
            f'{path} has {len(sequence.stamps_ns)} images, and images {indices} are drawn: '
            f'take a sequence of at least {max(indices) + 1}'
        )
    rows = []
    with running(show) as engine:
        for index in indices:
            stamp_ns = int(sequence.stamps_ns[index])
            frame = Frame(stamp_ns, 'camera', sequence.image(index), sequence.camera)
            known = sequence.poses is not None and show is ROOM
            mount = levelled(sequence.poses[index]) if known else None
            rows.append(row(engine, frame, show, mount))
    return rows


def training(folder: Path) -> None:
    """Record, extract, triangulate, train and run as docs/training.md does; draw each step."""
    camera = Camera(416, 128, 240.0, 240.0, 207.5, 63.5)
    drive = SyntheticDrive('street', 3, camera, 60, rate_hz=10.0, start_s=2.5)
    folder.mkdir(parents=True)
    write_bag(folder / 'drive', drive)
    call('extract', folder / 'drive', '--out', folder / 'sequences')
    call('triangulate', folder / 'sequences' / 'drive_000', '--out', folder / 'with_depth')
    call('synthesize', '--world', 'streets', '--out', folder / 'streets', *DRAWN)
    (sequence,) = open_sequences([folder / 'with_depth'])
    size = (373, 115)
    seen = [
        titled(f'image {n} of {len(sequence)}', fitted(sequence.image(n), size))
        for n in (0, len(sequence) // 2, len(sequence) - 1)
    ]
    write('training_extract', [beside(*seen)])
    middle = len(sequence) // 2
    depth = sequence.depth(middle)
    colours = InverseColours.of(depth)
    shown = titled('image', fitted(sequence.image(middle), size))
    found = titled('depth by triangulation; grey: not sure', fitted(colours(depth), size))
    truth = titled('true depth', fitted(colours(drive.sample(middle).depth), size))
    write('training_depth', [beside(shown, found, truth)])
    frame = Frame(int(sequence.stamps_ns[middle]), 'camera', sequence.image(middle), camera)
    learnt = []
    for steps in LEARNING_STEPS:
        run = folder / f'student_{steps}'
        data = ('--data', folder / 'with_depth', folder / 'streets', '--max-steps', steps)
        config = ('--config', ROOT / 'config' / 'student.yaml', '--out', run)
        call('train', 'student', *config, *data, *LEARNING)
        show = Show(str(run / 'weights.safetensors'), 1.65, 25.0)
        with running(show) as engine:
            guess = engine.process(frame, motion=False).depth
            assert guess is not None
            learnt.append(titled(f'depth after {steps} steps', fitted(colours(guess), size)))
            last = row(engine, frame, show)
    write('training_steps', [beside(*learnt)])
    write('training_run', [last])


DRAWN = ('--count', 2, '--frames', 16, '--width', 416, '--height', 128)
LEARNING_STEPS = (10, 100, 400)
LEARNING = (
    *('--set', 'trained=depth', '--set', 'data.true_depth=true', '--set', 'truth.weight=1'),
    *('--set', 'optimiser.learning_rate=2e-3', '--set', 'optimiser.average=0.95'),
    *('--set', 'data.width=192', '--set', 'data.height=64', '--set', 'loop.batch_size=4'),
    *('--set', 'loop.device=cpu', '--set', 'loop.threads=1', '--set', 'record.picture_every=0'),
)


def call(*words: str | int | Path) -> None:
    """Run a command of ``lsd_ros``."""
    if main_of_command([str(word) for word in words]) != 0:
        raise SystemExit(1)


def levelled(world_from_camera: Matrix) -> Matrix:
    """Return a robot that stands under the camera and looks as it does, from its pose."""
    ahead = world_from_camera[:3, 2]
    yaw = np.arctan2(ahead[1], ahead[0])
    cosine, sine = np.cos(yaw), np.sin(yaw)
    mount = np.eye(4)
    base_from_world = np.array(((cosine, sine, 0), (-sine, cosine, 0), (0, 0, 1)))
    mount[:3, :3] = base_from_world @ world_from_camera[:3, :3]
    mount[2, 3] = world_from_camera[2, 3]
    return mount


def row(engine: Engine, frame: Frame, show: Show, mount: Matrix | None = None) -> Picture:
    """Put image, depth, and cloud with scan beside each other."""
    if mount is None:
        mount = np.eye(4)
        mount[:3, :3], mount[2, 3] = OPTICAL, show.height_m
    estimate = engine.process(frame, motion=False)
    assert estimate.depth is not None
    assert estimate.image is not None
    height, width = estimate.image.shape[:2]
    is_wide = width > 2 * height
    size = (520, round(520 * height / width)) if is_wide else (320, round(320 * height / width))
    colours = InverseColours.of(estimate.depth)
    depth = np.vstack([fitted(colours(estimate.depth), size), colours.bar(size[0])])
    panels = [titled('image', fitted(estimate.image, size)), titled('estimated depth', depth)]
    if not is_wide:
        panels[0] = np.vstack([panels[0], np.full((TITLE_HEIGHT, size[0], 3), WHITE, np.uint8)])
    left = below(*panels) if is_wide else beside(*panels)
    room = (WIDTH - left.shape[1] - 3 * GAP, left.shape[0] - TITLE_HEIGHT)
    view = seen_from_behind(estimate, mount, show, room)
    return beside(left, titled('point cloud and scan (red)', view))


def seen_from_behind(
    estimate: Estimate, mount: Matrix, show: Show, size: tuple[int, int]
) -> Picture:
    """Draw the cloud in its colours and the scan, from behind and above the robot."""
    wanted = show.settings
    picture = np.full((size[1], size[0], 3), 24, np.uint8)
    view = BirdsEye(show.reach_m, size)
    step = 0.5 if show.reach_m < 5 else 5
    for radius in np.arange(step, show.reach_m + step, step):
        view.line(picture, ring(radius))
    view.line(picture, show.reach_m * ROBOT, WHITE)
    cloud = CloudBuilder(wanted.points).build(estimate).points.reshape(-1, 4)
    places = cloud[:, :3] @ mount[:3, :3].T + mount[:3, 3]
    rgb = cloud[:, 3].copy().view(np.uint32)[:, None] >> np.array((16, 8, 0), np.uint32) & 255
    near = np.linalg.norm(places[:, :2], axis=1) < 1.4 * show.reach_m
    view.dots(picture, places[near], rgb[near].astype(np.uint8), 1)
    scan = ScanBuilder(wanted.scan, DepthFilter(wanted.points)).build(estimate, mount, 'base_link')
    angles = scan.angle_min + scan.angle_increment * np.arange(len(scan.ranges))
    met = np.isfinite(scan.ranges)
    flat = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)[met]
    red = np.tile(np.uint8(ESTIMATE_RED), (len(flat), 1))
    view.dots(picture, flat * scan.ranges[met, None], red, 2)
    return picture


def ring(radius: float) -> Matrix:
    """Return an arc on the ground ahead, shape (N, 3) [m]."""
    angles = np.linspace(-0.9, 0.9, 60)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), 0 * angles], axis=1)


class BirdsEye:
    """
    A camera behind and above a robot.

    :param reach_m: how far it shows [m]
    :param size: width and height of the picture
    """

    def __init__(self, reach_m: float, size: tuple[int, int]) -> None:
        self._place = np.array((-0.5, 0, 0.85)) * reach_m
        forward = np.array((0.42, 0, 0.06)) * reach_m - self._place
        forward /= np.linalg.norm(forward)
        right = np.array((0, -1.0, 0))
        self._axes = np.stack([right, np.cross(forward, right), forward])
        self._focal = min(0.85 * size[0], 1.35 * size[1])
        self._centre = np.array((size[0] / 2, size[1] / 2))

    def pixels(self, places: Matrix) -> tuple[NDArray[np.intp], Matrix]:
        """Return columns and lines, shape (N, 2), and how far they are, shape (N,)."""
        seen = (places - self._place) @ self._axes.T
        depth = np.maximum(seen[:, 2], 1e-3)
        return np.rint(self._focal * seen[:, :2] / depth[:, None] + self._centre).astype(
            int
        ), depth

    def line(self, picture: Picture, places: Matrix, colour: Colour = RING) -> None:
        """Draw a line on the ground."""
        pixels, _ = self.pixels(places)
        cv2.polylines(picture, [pixels.astype(np.int32)], False, colour, 1, cv2.LINE_AA)

    def dots(self, picture: Picture, places: Matrix, rgb: Picture, radius: int) -> None:
        """Draw dots, near ones over far ones."""
        pixels, depth = self.pixels(places)
        order = np.argsort(-depth)
        height, width = picture.shape[:2]
        reach = range(-radius, radius + 1)
        for right, down in itertools.product(reach, reach):
            moved = pixels[order] + (right, down)
            inside = ((moved >= 0) & (moved < (width, height))).all(axis=1)
            picture[moved[inside, 1], moved[inside, 0]] = rgb[order][inside]


def architecture() -> str:
    """Return the rooms as a Mermaid graph: an arrow for each import that nothing between makes."""
    path = ROOT / 'test' / 'test_architecture.py'
    spec = importlib.util.spec_from_file_location('test_architecture', path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table: dict[str, set[str]] = module.MAY_IMPORT
    lines = ['```mermaid', 'graph TD']
    for room in sorted(table):
        direct = table[room] - {below for other in table[room] for below in table.get(other, ())}
        lines += [f'    {room} --> {other}' for other in sorted(direct)]
    return '\n'.join([*lines, '```', ''])


if __name__ == '__main__':
    main()
