"""``lsd_ros triangulate``: give sequences with known motions depth to learn from."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import a_path, add_settings_options, at_least, list_settings
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings

SUMMARY = 'give sequences with known motions depth to learn from'
EXAMPLES = """\
examples:
  lsd_ros triangulate sequences/* --out with_depth
  lsd_ros triangulate rooms/* --out with_depth --set nearest_m=0.4 --set furthest_m=10
  lsd_ros triangulate left right --out with_depth --set 'stereo=[left right 0.54]'
  lsd_ros triangulate drives/* --out with_depth --weights street

Each sequence is written again as DIR/NAME, with the depth of what stands still and is confirmed by
other views. The motions must be known: good poses (SLAM, motion capture, GPS with an IMU), or a
second camera, which gives poses, too, where there are none. With --weights, what has neither is
followed by the depth that these weights see, and its poses are as right as that depth is. A
training takes such depth with data.true_depth and truth.weight. Where a sequence has true depth
already, it is compared and then left out. What is there already is left as it is, and what was
interrupted goes on where it was.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros triangulate``."""
    add = parser.add_argument
    add('sequences', nargs='+', type=a_path, metavar='SEQUENCE', help='in our own format')
    add('--out', type=a_path, required=True, metavar='DIR', help='folder for the sequences')
    add(
        '--weights',
        metavar='FILE',
        help='metric weights whose depth says how the camera moved where nothing else does',
    )
    add(
        '--jobs',
        type=at_least(1),
        metavar='N',
        help='how many parts of a sequence at the same time; default: one per core',
    )
    add('--overwrite', action='store_true', help='make anew what is there')
    add_settings_options(parser)
    list_settings(parser, TriangulationSettings)
