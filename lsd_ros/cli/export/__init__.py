"""``lsd_ros export``: weights for another runtime, checked against ours."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import WIDEST, a_path, at_least

SUMMARY = 'weights for another runtime, checked against ours'
EXAMPLES = """\
examples:
  lsd_ros export --weights student/weights.safetensors --out depth.onnx
  lsd_ros export --network pose --out pose.onnx
  lsd_ros export --out depth.onnx --width 640 --height 192
  lsd_ros export --out depth.onnx --dynamic
  lsd_ros export --format openvino --out depth.xml

The model takes RGB bytes of this size, shape (1, height, width, 3), three frames for the pose
network, and gives disparity, or the two motions; --dynamic leaves the number of images and their
size open, in multiples of 32. OpenVINO's model has its numbers beside it, in a file that ends in
.bin. Where the weights know it, the relative standard
deviation of depth is a second channel beside disparity. What both mean is in the model's metadata.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros export``."""
    add = parser.add_argument
    add('--weights', metavar='FILE', default='', help='default: those that come with the package')
    add('--format', choices=('onnx', 'openvino'), default='onnx', help='default: %(default)s')
    add('--dynamic', action='store_true', help='take any number of images of any size')
    add('--out', type=a_path, required=True, metavar='FILE', help='model to write')
    add('--network', choices=('depth', 'pose'), default='depth', help='default: %(default)s')
    add(
        '--width', type=at_least(32, WIDEST), metavar='W', help='of the input; default: as trained'
    )
    add(
        '--height',
        type=at_least(32, WIDEST),
        metavar='H',
        help='of the input; default: as trained',
    )
    add('--overwrite', action='store_true', help='replace FILE where there is one')
