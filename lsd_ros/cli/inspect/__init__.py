"""``lsd_ros inspect``: say what a weights file, bag, sequence or video holds."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import a_path

SUMMARY = 'say what a weights file, bag, sequence or video holds'
EXAMPLES = """\
examples:
  lsd_ros inspect drive.mcap
  lsd_ros inspect weights.safetensors --json
  lsd_ros inspect street
  lsd_ros inspect sequence_folder
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros inspect``."""
    add = parser.add_argument
    add(
        'path',
        type=a_path,
        metavar='PATH',
        help='weights (file or name), bag, sequence, images or video',
    )
    add('--json', action='store_true', help='print JSON')
