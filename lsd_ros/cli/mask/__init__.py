"""``lsd_ros mask``: propose a mask of the robot's own body from a drive."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import a_path

SUMMARY = "propose a mask of the robot's own body from a drive"
EXAMPLES = """\
examples:
  lsd_ros mask drive.mcap --out mask.png
  ros2 launch lsd_ros depth.launch.py ...  # with mask.file: /path/to/mask.png among the parameters

Looks for what never changes while the robot moves and reaches in from the border of the image: its
own hood, arm or gripper. It is a proposal: look at the preview beside it, in which red is masked.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros mask``."""
    add = parser.add_argument
    add('input', type=a_path, metavar='IN', help='bag, video file, image folder or sequence')
    add('--out', type=a_path, required=True, metavar='PNG', help='picture to write')
    add('--topic', metavar='TOPIC', help='image topic; default: that of the main camera')
    add('--overwrite', action='store_true', help='replace the picture where there is one')
