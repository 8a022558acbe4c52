"""``lsd_ros evaluate``: how good weights are, by true depth and poses."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import (
    a_path,
    add_data_options,
    add_engine_options,
    at_least,
    positive,
)

SUMMARY = 'how good weights are, by true depth and poses'
EXAMPLES = """\
examples:
  lsd_ros evaluate --weights student/weights.safetensors --data held_out
  lsd_ros evaluate --weights teacher --data held_out
  lsd_ros evaluate --weights indoors --data drive --without-truth --work found
  lsd_ros evaluate --data rooms --obstacles --pictures pictures --set scan.max_range_m=5
  lsd_ros evaluate --weights student/weights.safetensors --data rooms --write-calibration
  lsd_ros evaluate --data kitti_raw --split eigen_test.txt --json errors.json --pictures pictures

--weights may also be the folder of a teacher's training. Depth is median scaled in each image, as
usual for one camera, and once more unscaled. A network is worth something below the mean-depth
baseline (the mean of its own depth maps) and the row prior (one depth per image row), which do not
look at the image: both are fitted on the very sequence. Where the weights know how far their depth
may be off, the share of errors within it is counted; calibrate on other data than those that you
judge on.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros evaluate``."""
    add = parser.add_argument
    add_data_options(parser)
    add('--json', type=a_path, metavar='FILE', help='also write everything as JSON')
    add(
        '--pictures',
        type=a_path,
        metavar='DIR',
        help='also write pictures, for each sequence a sheet of its best, median and worst image',
    )
    _add_protocol(parser)
    add(
        '--teacher',
        type=a_path,
        metavar='RUN',
        help="compare with the depth of this teacher's training instead of the true one",
    )
    add(
        '--write-calibration',
        action='store_true',
        help='write into the weights file what these data say of its errors: the factor that '
        'makes one standard deviation of depth cover 68 %% of them, and, where there are poses, '
        'the noise of motion that the covariance of the odometry is made of',
    )
    _add_without_truth(parser)
    add_engine_options(parser, 'weights', 'device', 'backend')


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        '--obstacles',
        action='store_true',
        help='also compare the scans that the node would make of estimated and true depth, and '
        'the edges of both; --set mount.z_m=... says where the camera sits, else the ground is '
        'looked for in the true depth',
    )
    add(
        '--crop',
        choices=('auto', 'garg', 'none'),
        default='auto',
        help='which pixels count; auto: those of Garg et al. in images wider than two to one',
    )
    add(
        '--max-depth',
        type=positive,
        default=80.0,
        metavar='M',
        help='true depth beyond this does not count (default: %(default)s)',
    )
    add(
        '--frame-step',
        type=at_least(1),
        default=1,
        metavar='N',
        help='odometry takes one of N images (default: %(default)s)',
    )


def _add_without_truth(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        '--without-truth',
        action='store_true',
        help='compare with what structure from motion finds in the images instead of true depth '
        'and poses: it ranks weights, and says nothing of metres',
    )
    add(
        '--work',
        type=a_path,
        metavar='DIR',
        help='keep what structure from motion finds, so that other weights are compared with it',
    )
