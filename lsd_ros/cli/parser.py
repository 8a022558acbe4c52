"""The parser of the command; light, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lsd_ros import __version__
from lsd_ros.cli.adapt_parser import ADAPT, add_adapt_options
from lsd_ros.cli.benchmark_parser import BENCHMARK, add_benchmark_options
from lsd_ros.cli.extract_parser import EXTRACT, add_extract_options
from lsd_ros.cli.learning_parser import (
    EVALUATE,
    EXPORT,
    TRAIN,
    add_evaluate_options,
    add_export_options,
    add_train_options,
)
from lsd_ros.cli.options import (
    WIDEST,
    a_path,
    add_engine_options,
    add_limit_options,
    at_least,
    engine_setting,
    not_negative,
    positive,
)
from lsd_ros.cli.triangulate_parser import TRIANGULATE, add_triangulate_options

EXAMPLES = """\
examples:
  lsd_ros demo
  lsd_ros replay drive.mcap --out depth
  lsd_ros inspect drive.mcap
  lsd_ros benchmark --backends openvino torch
  lsd_ros adapt drive.mcap --out mine.safetensors
  lsd_ros extract drive.mcap --out sequences
  lsd_ros train student --data sequences --out student
  lsd_ros evaluate --weights student/weights.safetensors --data held_out

`lsd_ros <verb> --help` says more about each verb.
"""

DEMO = """\
examples:
  lsd_ros demo
  lsd_ros demo --out /tmp/street --place street --frames 200
  lsd_ros demo --weights my.safetensors
"""

REPLAY = """\
examples:
  lsd_ros replay drive.mcap --out depth
  lsd_ros replay drive.bag --topic /cam0/image_raw --camera cam0.yaml --out depth
  lsd_ros replay film.mp4 --camera phone.yaml --out depth --preview pictures
  lsd_ros replay drive --out depth --storage sqlite3 --set points.decimation=2 --overwrite
  lsd_ros replay drive --out depth --set scale.source=odometry --odometry /wheel/odom

OUT is a bag with the topics /depth/image_rect, /depth/camera_info, /points, /scan (where depth is
in metres and mount.* says where the camera sits), /odom and /tf; the configuration that made it is
beside the messages in OUT/config.yaml, for use with --config. The same input with the same weights
gives the same bytes. OUT is as silent as the node would be: about obstacles in dark, frozen or
damaged images, and while metres are not known; --unguarded shows it all.
"""

INSPECT = """\
examples:
  lsd_ros inspect drive.mcap
  lsd_ros inspect weights.safetensors --json
  lsd_ros inspect sequence_folder
"""

WITHOUT_FOREIGN_FILES = ('demo', 'export')


DOCTOR = """\
examples:
  lsd_ros doctor
  lsd_ros doctor --image /camera/image_raw --set mount.z_m=0.4 --set scale.source=camera_height
  lsd_ros doctor drive.mcap --base-frame base_footprint
  ros2 run lsd_ros doctor

Checks transport, rate, clocks, calibration, frame, mount, images, ground, scale, latency, weights
and, where one runs, the node: one line each, green, yellow or red, with the remedy. Without a path
the running system is looked at for some seconds. The exit code is 1 where a line is red.
"""

MASK = """\
examples:
  lsd_ros mask drive.mcap --out mask.png
  ros2 launch lsd_ros depth.launch.py ...  # with mask.file: /path/to/mask.png among the parameters

Looks for what never changes while the robot moves and reaches in from the border of the image: its
own hood, arm or gripper. It is a proposal: look at the preview beside it, in which red is masked.
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all verbs; it gives ``verb``, ``verbose`` and the verb's own options."""
    parser = argparse.ArgumentParser(
        prog='lsd_ros',
        description='One ordinary camera in; depth, a point cloud and odometry out.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'lsd_ros {__version__}')
    _add_verbose(parser, default=0)
    verbs = parser.add_subparsers(dest='verb', metavar='VERB', required=True)
    for name, summary, examples, add_options in _verbs():
        verb = verbs.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + '.',
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_verbose(verb, default=argparse.SUPPRESS)  # keep what was given before the verb
        add_options(verb)
        if name not in WITHOUT_FOREIGN_FILES and name != 'train':  # its phases have them
            add_limit_options(verb)
    return parser


class _Verb(NamedTuple):
    name: str
    summary: str
    examples: str
    add_options: Callable[[argparse.ArgumentParser], None]


def _verbs() -> list[_Verb]:
    """Return every verb, in the order of the help."""
    every: list[tuple[str, str, str, Callable[[argparse.ArgumentParser], None]]] = [
        ('demo', 'show everything at work on a synthetic drive with known truth', DEMO, _demo),
        ('replay', 'a bag, video or folder in; a bag of depth and points out', REPLAY, _replay),
        ('doctor', 'say what is wrong with a camera and what to do', DOCTOR, _doctor),
        ('mask', "propose a mask of the robot's own body from a drive", MASK, _mask),
        ('inspect', 'say what a weights file, bag, sequence or video holds', INSPECT, _inspect),
        (
            'benchmark',
            'measure time and memory, per stage and per backend',
            BENCHMARK,
            add_benchmark_options,
        ),
        ('extract', 'bags in; training sequences out', EXTRACT, add_extract_options),
        (
            'triangulate',
            'give sequences with known motions depth to learn from',
            TRIANGULATE,
            add_triangulate_options,
        ),
        ('train', 'learn from sequences, in two phases', TRAIN, add_train_options),
        (
            'evaluate',
            'how good weights are, by true depth and poses',
            EVALUATE,
            add_evaluate_options,
        ),
        (
            'adapt',
            'a recording of plain video in; weights for that robot out',
            ADAPT,
            add_adapt_options,
        ),
        (
            'export',
            'weights for another runtime, checked against ours',
            EXPORT,
            add_export_options,
        ),
    ]
    return [_Verb(*verb) for verb in every]


def _add_verbose(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument(
        '-v', '--verbose', action='count', default=default, help='say more on stderr; -vv: all'
    )


def _demo(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        '--out',
        type=a_path,
        default=Path('lsd_ros_demo'),
        metavar='DIR',
        help='where pictures and bags go; an older demo in it is replaced (default: %(default)s)',
    )
    add(
        '--place',
        choices=('corridor', 'road', 'room', 'street'),
        default='street',
        help='where to drive (default: %(default)s)',
    )
    add('--seed', type=not_negative, default=0, metavar='N', help='which one (default: 0)')
    add(
        '--frames',
        type=at_least(4),
        default=100,
        metavar='N',
        help='length of the drive, at 10 frames per second (default: %(default)s)',
    )
    add('--width', type=at_least(64, WIDEST), default=832, metavar='W', help='of the camera image')
    add(
        '--height', type=at_least(64, WIDEST), default=256, metavar='H', help='of the camera image'
    )
    add('--weights', default='', metavar='FILE', help=engine_setting('weights').description)


def _replay(parser: argparse.ArgumentParser) -> None:
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


def _doctor(parser: argparse.ArgumentParser) -> None:
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


def _mask(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('input', type=a_path, metavar='IN', help='bag, video file, image folder or sequence')
    add('--out', type=a_path, required=True, metavar='PNG', help='picture to write')
    add('--topic', metavar='TOPIC', help='image topic; default: that of the main camera')
    add('--overwrite', action='store_true', help='replace the picture where there is one')


def _inspect(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        'path',
        type=a_path,
        metavar='PATH',
        help='weights file, bag, sequence, images or video',
    )
    add('--json', action='store_true', help='print JSON')
