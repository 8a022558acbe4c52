r"""
Make the pictures of the documentation, with the weights of the package.

    python docs/pictures/make.py street
    python docs/pictures/make.py rendered ROOM
    lsd_ros evaluate --weights indoors --data TUM_FR1_RPY --pictures SHEETS
    python docs/pictures/make.py room SHEETS/tum_fr1_rpy_sheet.png

``street`` draws a synthetic street and ``rendered`` images of a sequence: image, depth, and from
above cloud and scan. ``room`` makes a sheet of evaluate smaller. What they show must be free to be
published: fr1/rpy of the TUM RGB-D benchmark is under CC BY 4.0, the rest is our own.
``architecture()`` draws the table of ``test/test_architecture.py``; a test holds
docs/architecture.md to it.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.cli.panels import (
    ESTIMATE_RED,
    TITLE_HEIGHT,
    below,
    beside,
    fitted,
    framed,
    titled,
    write_text,
)
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.obstacles.cloud import CloudBuilder
from lsd_ros.inference.obstacles.depth_filter import DepthFilter
from lsd_ros.inference.obstacles.scan import ScanBuilder
from lsd_ros.inference.preview import colour_map
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.types import Camera, Estimate, Frame

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
Picture = NDArray[np.uint8]
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 85]
OPTICAL = np.array(((0.0, 0, 1), (-1, 0, 0), (0, -1, 0)))  # base from optical, looking ahead


def main() -> None:
    """Draw one of the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('picture', choices=('street', 'room', 'rendered'))
    parser.add_argument('path', type=Path, nargs='?')
    given = parser.parse_args()
    if given.picture == 'street':
        camera = Camera(832, 256, 480.0, 480.0, 415.5, 127.5)
        drive = SyntheticDrive('street', 0, camera, 120)
        frames = [drive.sample(index).frame for index in (10, 100)]
        strip(frames, 'street', HERE / 'street.jpg', 1.65, 25.0)
    elif given.picture == 'rendered':
        strip(list(frames_of(given.path, (0, 3))), 'indoors', HERE / 'rendered.jpg', 1.2, 4.0)
    else:
        large = cv2.imread(str(given.path))
        small = cv2.resize(large, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(HERE / 'room.jpg'), small, JPEG)


def frames_of(path: Path, indices: tuple[int, ...]) -> Iterator[Frame]:
    """Yield some images of a sequence."""
    (sequence,) = open_sequences([path])
    for index in indices:
        stamp_ns = int(sequence.stamps_ns[index])
        yield Frame(stamp_ns, 'camera', sequence.image(index), sequence.camera)


def strip(frames: list[Frame], weights: str, out: Path, height_m: float, reach_m: float) -> None:
    """Draw a row for each image."""
    wanted = settings.build(EngineSettings, {'weights': weights, 'mount.z_m': height_m})
    mount = np.eye(4)
    mount[:3, :3], mount[2, 3] = OPTICAL, height_m
    engine = Engine.load(wanted)
    rows = [row(engine.process(frame, motion=False), mount, wanted, reach_m) for frame in frames]
    engine.close()
    cv2.imwrite(str(out), framed(below(*rows))[..., ::-1], JPEG)


def row(
    estimate: Estimate, mount: NDArray[np.float64], wanted: EngineSettings, reach_m: float
) -> Picture:
    """Put image, depth and both from above beside each other."""
    assert estimate.depth is not None
    assert estimate.image is not None
    image = estimate.image
    height, width = image.shape[:2]
    is_wide = width > 2 * height
    size = (520, round(520 * height / width)) if is_wide else (round(300 * width / height), 300)
    depth = colour_map(estimate.depth)
    panels = [titled('image', fitted(image, size)), titled('depth', fitted(depth, size))]
    left = below(*panels) if is_wide else beside(*panels)
    above = from_above(estimate, mount, wanted, reach_m, left.shape[0] - TITLE_HEIGHT)
    return beside(left, titled(f'cloud and scan (red) from above, {reach_m:.0f} m', above))


def from_above(
    estimate: Estimate,
    mount: NDArray[np.float64],
    wanted: EngineSettings,
    reach_m: float,
    side: int,
) -> Picture:
    """Draw the cloud in its colours, higher points later, and the scan on it."""
    picture = np.full((side, side, 3), 24, np.uint8)
    scale = side / reach_m
    cloud = CloudBuilder(wanted.points).build(estimate).points.reshape(-1, 4)
    places = cloud[:, :3] @ mount[:3, :3].T + mount[:3, 3]
    order = np.argsort(places[:, 2])
    rgb = cloud[:, 3].copy().view(np.uint32)[order]
    for (x, y, z), colour in zip(places[order], rgb, strict=True):
        column, line = round(side / 2 - y * scale), round(side - x * scale)
        if 0 <= column < side and 0 <= line < side and z < 2.5:
            picture[line, column] = colour >> 16 & 255, colour >> 8 & 255, colour & 255
    scan = ScanBuilder(wanted.scan, DepthFilter(wanted.points)).build(estimate, mount, 'base_link')
    angles = scan.angle_min + scan.angle_increment * np.arange(len(scan.ranges))
    for angle, distance in zip(angles, scan.ranges, strict=True):
        if np.isfinite(distance):
            x, y = np.cos(angle) * distance, np.sin(angle) * distance
            place = round(side / 2 - y * scale), round(side - x * scale)
            cv2.circle(picture, place, 2, ESTIMATE_RED, -1)
    write_text(picture, 'robot', (side // 2 - 18, side - 4), (200, 200, 200), 0.4)
    return picture


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
