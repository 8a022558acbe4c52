"""``lsd_ros replay``: a bag, video or folder in; a bag of depth and points out."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import a_path, add_engine_options

SUMMARY = 'a bag, video or folder in; a bag of depth and points out'
EXAMPLES = """\
examples:
  lsd_ros replay drive.mcap --out depth
  lsd_ros replay drive.bag --topic /cam0/image_raw --camera cam0.yaml --out depth
  lsd_ros replay film.mp4 --camera phone.yaml --out depth --video depth.mp4
  lsd_ros replay drive --out depth --storage sqlite3 --set points.decimation=2 --overwrite
  lsd_ros replay drive --out depth --set scale.source=odometry --odometry /wheel/odom

OUT is a bag with the topics /depth/image_rect, /depth/camera_info, /points, /scan (where depth is
in metres and mount.* says where the camera sits), /odom and /tf; the configuration that made it is
beside the messages in OUT/config.yaml, for use with --config. The same input with the same weights
gives the same bytes. OUT is as silent as the node would be: about obstacles in dark, frozen or
damaged images, and while metres are not known; --unguarded shows it all.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros replay``."""
    add = parser.add_argument
    add('input', type=a_path, metavar='IN', help='bag, video file, image folder or sequence')
    add('--out', type=a_path, required=True, metavar='OUT', help='bag to write')
    add('--topic', metavar='TOPIC', help='image topic; default: that of the main camera')
    add(
        '--camera',
        type=a_path,
        metavar='FILE',
        help='ROS calibration file (.yaml); default: what the input itself says',
    )
    add(
        '--storage',
        choices=('mcap', 'sqlite3'),
        default='mcap',
        help='format of OUT (default: %(default)s)',
    )
    add('--overwrite', action='store_true', help='replace OUT where there is one')
    add(
        '--unguarded',
        action='store_true',
        help='write everything, also what the node would withhold; the report says so',
    )
    add('--preview', type=a_path, metavar='DIR', help='also write pictures: image beside depth')
    add(
        '--video',
        type=a_path,
        metavar='FILE',
        help='also write an MP4 video: image, depth, and the scan from above',
    )
    add(
        '--odometry',
        metavar='TOPIC',
        help='nav_msgs/Odometry of the bag, where scale.source is odometry; default: the only one',
    )
    add(
        '--odom-frame',
        default='odom',
        metavar='NAME',
        help='frame of the odometry (default: %(default)s)',
    )
    add(
        '--base-frame',
        default='base_link',
        metavar='NAME',
        help='frame of the robot (default: %(default)s)',
    )
    add_engine_options(parser, 'weights', 'device', 'backend')
