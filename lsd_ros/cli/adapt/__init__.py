"""``lsd_ros adapt``: a recording of plain video in; weights for that robot out."""

from __future__ import annotations

import argparse

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.cli.shared_options import a_path, add_settings_options, list_settings, positive

SUMMARY = 'a recording of plain video in; weights for that robot out'
EXAMPLES = """\
examples:
  lsd_ros adapt drive.mcap --out mine.safetensors
  lsd_ros adapt bags/* --out mine.safetensors --from indoors --minutes 120
  lsd_ros adapt film.mp4 --camera phone.yaml --camera-height 0.4 --out mine.safetensors
  lsd_ros adapt sequences/* --out mine.safetensors --set replay=0.4

Images and their calibration are enough. Structure from motion finds how the camera moved, and
where things are; the weights of the package that fit this best learn from it. The last quarter of
the recording is not learned from. New weights are written only if they are better there; else the
verb says why, and what to record. FILE.adapt/ has a report with pictures, and all that was made on
the way: the same call again goes on where it was stopped.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros adapt``."""
    add = parser.add_argument
    add(
        'recordings',
        nargs='+',
        type=a_path,
        metavar='BAG',
        help='bags, videos, folders of images, or sequences',
    )
    add('--out', type=a_path, required=True, metavar='FILE', help='weights to write')
    add(
        '--from',
        dest='start',
        default='',
        metavar='FILE',
        help='weights to go on from: a name or a file; default: those of the package that fit the '
        'recording best',
    )
    add('--minutes', type=positive, metavar='N', help='time for all of it; default: 60')
    add(
        '--camera',
        metavar='FILE',
        help='calibration, where the recording has none; estimate: by structure from motion, '
        'where none can be had',
    )
    add(
        '--camera-height',
        type=positive,
        metavar='M',
        help='of the camera above the ground, where the recording has no odometry',
    )
    add('--work', type=a_path, metavar='DIR', help='folder for the work; default: FILE.adapt')
    add('--overwrite', action='store_true', help='begin anew, and replace FILE')
    add_settings_options(parser)
    list_settings(parser, AdaptationSettings)
