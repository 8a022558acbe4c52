"""``lsd_ros synthesize``: draw sequences of worlds that have exact depth."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import a_path, at_least

SUMMARY = 'draw sequences of worlds that have exact depth and poses'
WORLDS = ('rooms', 'streets')
EXAMPLES = """\
examples:
  lsd_ros synthesize --world rooms --out rooms --count 500 --jobs 4
  lsd_ros synthesize --world rooms --out rooms --blender-python ~/blender/bin/python
  lsd_ros synthesize --world streets --out streets --count 24

rooms are rendered by Blender (Cycles): offices, homes, corridors, halls, with furniture, clutter,
people, lamps and windows, seen by a robot, a hand or around a thing. They need lsd_ros[rooms],
which brings Blender as a Python library for Python 3.11; with another Python, name an interpreter
that has bpy and numpy by --blender-python. One image takes 2 to 4 seconds of a core.

streets are drawn by the package itself: towns and roads, with cars in half of them.

Every number of the seed is another place, and the same number is the same place. What is there
already is left as it is, so that a run goes on where it was stopped. A training takes the depth
with data.true_depth and truth.weight.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros synthesize``."""
    add = parser.add_argument
    add('--world', choices=WORLDS, required=True, help='what to draw')
    add('--out', type=a_path, required=True, metavar='DIR', help='folder for the sequences')
    add('--count', type=at_least(1), default=10, metavar='N', help='places (default: 10)')
    add('--first-seed', type=at_least(0), default=0, metavar='N', help='of the first (default: 0)')
    add('--frames', type=at_least(2), metavar='N', help='images of a sequence (default: 5; 48)')
    add('--width', type=at_least(64), metavar='PX', help='of images (default: 320; 640)')
    add('--height', type=at_least(64), metavar='PX', help='of images (default: 240; 192)')
    add('--jobs', type=at_least(1), default=1, metavar='N', help='places at once (default: 1)')
    rooms = parser.add_argument_group('rooms')
    rooms.add_argument(
        '--clips', type=at_least(1), default=2, metavar='N', help='sequences of each (default: 2)'
    )
    rooms.add_argument(
        '--samples',
        type=at_least(1),
        default=4,
        metavar='N',
        help='paths of light per pixel, before the denoiser (default: 4)',
    )
    rooms.add_argument(
        '--blender-python',
        default='',
        metavar='FILE',
        help='interpreter with bpy; default: the one that runs this',
    )
