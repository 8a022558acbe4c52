"""The options of ``lsd_ros benchmark``."""

from __future__ import annotations

import argparse

from lsd_ros.cli.shared_options import WIDEST, a_path, add_engine_options, at_least, positive
from lsd_ros.inference.backends.registry import CPU_BACKENDS, ONLY_CUDA_BACKENDS

SYNTHETIC = ''
RESULTS = ('points', 'scan', 'depth/image_rect', 'depth/camera_info', 'depth/preview', 'odom')
LIVE_OPTIONS = ('seconds', 'rate_factor', 'subscribe', 'reliable', 'faults')

SUMMARY = 'measure time and memory, per stage and per backend'

EXAMPLES = """\
examples:
  lsd_ros benchmark
  lsd_ros benchmark --width 640 --height 480 --frames 500
  lsd_ros benchmark --backends openvino torch --json benchmark.json
  lsd_ros benchmark --set depth_size=camera --set threads=1
  lsd_ros benchmark --live
  lsd_ros benchmark --live drive.mcap --rate-factor 3 --subscribe points --reliable
  lsd_ros benchmark --live --faults --width 640 --height 192

Backends take turns every few frames, so that all of them meet the same disturbances.

--live starts the real node, plays a bag to it in a loop, stamped as if it were live, and measures
what comes out on the other side of the middleware. Images are taken best effort, as is usual for
cameras, unless --reliable is given. Everything stays on this machine unless
ROS_AUTOMATIC_DISCOVERY_RANGE says otherwise.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lsd_ros benchmark``."""
    add = parser.add_argument
    add('--json', type=a_path, metavar='FILE', help='also write everything as JSON')
    add(
        '--width', type=at_least(32, WIDEST), default=1242, metavar='W', help='of the camera image'
    )
    add(
        '--height', type=at_least(32, WIDEST), default=375, metavar='H', help='of the camera image'
    )
    add(
        '--frames',
        type=at_least(1),
        metavar='N',
        help='frames that every backend is measured with (default: 200), or that are played live',
    )
    add(
        '--backends',
        nargs='+',
        choices=(*CPU_BACKENDS, 'cuda', *ONLY_CUDA_BACKENDS),
        metavar='NAME',
        help=f'{", ".join(CPU_BACKENDS)}; on a card cuda (torch), '
        f'{", ".join(ONLY_CUDA_BACKENDS)}; default: all that are there',
    )
    _add_live_options(parser)
    add_engine_options(parser, 'weights')


def _add_live_options(parser: argparse.ArgumentParser) -> None:
    live = parser.add_argument_group('the running node')
    add = live.add_argument
    add(
        '--live',
        nargs='?',
        const=SYNTHETIC,
        metavar='BAG',
        help='measure the node over the middleware, with a bag; default: a synthetic one at 10 Hz',
    )
    add('--seconds', type=positive, metavar='S', help='time to measure (default: 60)')
    add(
        '--rate-factor',
        type=positive,
        metavar='R',
        help='play the bag so much faster (default: 1)',
    )
    add(
        '--subscribe',
        nargs='+',
        choices=RESULTS,
        metavar='TOPIC',
        help=f'results to subscribe to, of {", ".join(RESULTS)} '
        '(default: points, depth/image_rect, odom)',
    )
    add('--reliable', action='store_true', help='let the node take images reliably')
    add(
        '--faults',
        action='store_true',
        help='break a synthetic camera again and again, and measure how fast the node falls '
        'silent and sees again',
    )
