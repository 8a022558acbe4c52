"""``lsd_ros extract``: bags in; training sequences out."""

from __future__ import annotations

import argparse
from typing import Any

from lsd_ros import settings
from lsd_ros.cli.shared_options import a_path, add_settings_options, at_least, list_settings
from lsd_ros.extraction.extraction_settings import ExtractionSettings

SUMMARY = 'bags in; training sequences out'
EXAMPLES = """\
examples:
  lsd_ros extract drive.mcap --out sequences
  lsd_ros extract bags/*.bag --out sequences --topic /cam0/image_raw --rate 10
  lsd_ros extract bags/* --out sequences --max-width 832 --licence CC-BY-4.0
  lsd_ros extract film.mp4 --camera phone.yaml --out sequences

Each bag becomes one sequence or more, DIR/NAME_000 and so on: undistorted images, the camera, and
poses and depth where the bag has them. DIR/NAME.extraction.yaml says what was kept and why. The
same call again goes on where it was stopped, and leaves what is finished.
"""

OWN_OPTIONS = {
    'topic': 'image_topic',
    'camera': 'calibration',
    'rate': 'rate_hz',
    'max_width': 'max_width',
    'poses': 'pose_topic',
    'depth': 'depth_topic',
    'licence': 'licence',
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros extract``."""
    add = parser.add_argument
    add('bags', nargs='+', type=a_path, metavar='BAG', help='bag, video, or folder of images')
    add('--out', type=a_path, required=True, metavar='DIR', help='folder for the sequences')
    kinds: dict[str, dict[str, Any]] = {
        'topic': {'metavar': 'TOPIC'},
        'camera': {'metavar': 'FILE'},
        'rate': {'metavar': 'HZ', 'type': float},
        'max_width': {'metavar': 'PIXELS', 'type': int},
        'poses': {'metavar': 'TOPIC'},
        'depth': {'metavar': 'TOPIC'},
        'licence': {'metavar': 'TEXT'},
    }
    leaves = {leaf.name: leaf for leaf in settings.leaves(ExtractionSettings)}
    for name, options in kinds.items():
        leaf = leaves[OWN_OPTIONS[name]]
        add(f'--{name.replace("_", "-")}', dest=name, help=leaf.description, **options)
    add(
        '--jobs',
        type=at_least(1),
        metavar='N',
        help='how many bags at the same time; default: one per core',
    )
    add('--overwrite', action='store_true', help='make anew what is there of these bags')
    add_settings_options(parser)
    list_settings(parser, ExtractionSettings)
