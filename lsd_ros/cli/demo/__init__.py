"""``lsd_ros demo``: show everything at work on a synthetic drive with known truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from lsd_ros.cli.shared_options import WIDEST, a_path, at_least, engine_setting, not_negative

SUMMARY = 'show everything at work on a synthetic drive with known truth'
EXAMPLES = """\
examples:
  lsd_ros demo
  lsd_ros demo --out /tmp/street --place street --frames 200
  lsd_ros demo --weights my.safetensors
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros demo``."""
    add = parser.add_argument
    add(
        '--out',
        type=a_path,
        default=Path('lsd_ros_demo'),
        metavar='DIR',
        help='where pictures and bags go; an older demo in it is replaced (default: %(default)s)',
    )
    add(
        '--place',
        choices=('corridor', 'road', 'room', 'street'),
        default='street',
        help='where to drive (default: %(default)s)',
    )
    add('--seed', type=not_negative, default=0, metavar='N', help='which one (default: 0)')
    add(
        '--frames',
        type=at_least(4),
        default=100,
        metavar='N',
        help='length of the drive, at 10 frames per second (default: %(default)s)',
    )
    add('--width', type=at_least(64, WIDEST), default=832, metavar='W', help='of the camera image')
    add(
        '--height', type=at_least(64, WIDEST), default=256, metavar='H', help='of the camera image'
    )
    add('--weights', default='', metavar='FILE', help=engine_setting('weights').description)
