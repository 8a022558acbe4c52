"""``lsd_ros doctor``: say what is wrong with a camera and what to do."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import a_path, add_engine_options, positive

SUMMARY = 'say what is wrong with a camera and what to do'
EXAMPLES = """\
examples:
  lsd_ros doctor
  lsd_ros doctor --image /camera/image_raw --set mount.z_m=0.4 --set scale.source=camera_height
  lsd_ros doctor drive.mcap --base-frame base_footprint
  ros2 run lsd_ros doctor

Checks transport, rate, clocks, calibration, frame, mount, images, ground, scale, latency, weights
and, where one runs, the node: one line each, green, yellow or red, with the remedy. Without a path
the running system is looked at for some seconds. The exit code is 1 where a line is red.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros doctor``."""
    add = parser.add_argument
    add(
        'path',
        type=a_path,
        nargs='?',
        metavar='PATH',
        help='bag, video, image folder or sequence; default: the running system',
    )
    add('--image', default='', metavar='TOPIC', help='image topic; default: the camera')
    add('--camera-info', default='', metavar='TOPIC', help='default: beside the images')
    add('--base-frame', default='base_link', metavar='NAME', help='frame of the robot')
    add('--seconds', type=positive, default=6.0, metavar='S', help='how long to look (default: 6)')
    add('--json', type=a_path, metavar='FILE', help='also write the lines as JSON')
    add_engine_options(parser, 'weights', 'device', 'backend')
