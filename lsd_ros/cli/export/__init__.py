"""``lsd_ros export``: weights for another runtime, checked against ours."""

from __future__ import annotations

import argparse
from pathlib import Path

from lsd_ros.cli.shared_options import WIDEST, a_path, at_least
from lsd_ros.errors import SettingError
from lsd_ros.models.shipped import graphs_file
from lsd_ros.models.stored_weights import existing_weights

SUMMARY = 'weights for another runtime, checked against ours'
EXAMPLES = """\
examples:
  lsd_ros export --weights student/weights.safetensors --out depth.onnx
  lsd_ros export --network pose --out pose.onnx
  lsd_ros export --out depth.onnx --width 640 --height 192
  lsd_ros export --out depth.onnx --dynamic
  lsd_ros export --format openvino --out depth.xml
  lsd_ros export --format graphs --weights mine.safetensors

The model takes RGB bytes of this size, shape (1, height, width, 3), three frames for the pose
network, and gives disparity, or the two motions; --dynamic leaves the number of images and their
size open, in multiples of 32. OpenVINO's model has its numbers beside it, in a file that ends in
.bin. Where the weights know it, the relative standard deviation of depth is a second channel.
What both mean is in the model's metadata.

graphs: both networks, for any size, in one file beside the weights (mine.graphs). The node takes
it where torch is not installed: copy weights and graphs to the robot, into one folder.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros export``."""
    add = parser.add_argument
    add('--weights', metavar='FILE', default='', help='default: those that come with the package')
    add(
        '--format',
        choices=('onnx', 'openvino', 'graphs'),
        default='onnx',
        help='default: %(default)s',
    )
    add('--dynamic', action='store_true', help='take any number of images of any size')
    add(
        '--out',
        type=a_path,
        metavar='FILE',
        help='model to write; default of graphs: beside the weights',
    )
    add('--network', choices=('depth', 'pose'), help='default: depth')
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


def output_of(given: argparse.Namespace) -> Path:
    """
    Return the file that a call writes.

    :raises SettingError: it is not said, it has another ending than .xml for OpenVINO, or options
        are given that graphs do not have
    :raises WeightsError: it is to be beside weights that do not exist
    """
    if given.format != 'graphs':
        if given.out is None:
            raise SettingError('--out is missing: give the file of the model to write')
        if given.format == 'openvino' and given.out.suffix != '.xml':
            raise SettingError(
                f"--out is {str(given.out)!r}: the file of an OpenVINO model ends in '.xml'"
            )
        return Path(given.out)
    for name in ('network', 'width', 'height'):
        if getattr(given, name) is not None:
            raise SettingError(
                f'--{name} is {getattr(given, name)}: graphs hold both networks, for images of '
                f'any size; leave --{name} out'
            )
    return Path(given.out or graphs_file(existing_weights(given.weights)))


def files_of(given: argparse.Namespace) -> list[Path]:
    """Return all files that a call writes: that of :func:`output_of`, and OpenVINO's numbers."""
    out = output_of(given)
    return [out, numbers_file(out)] if given.format == 'openvino' else [out]


def numbers_file(out: Path) -> Path:
    """Return the file of the numbers of an OpenVINO model, beside its graph."""
    return out.with_suffix('.bin')
