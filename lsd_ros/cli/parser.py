"""The parser of the command; light, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from typing import Any

from lsd_ros import __version__
from lsd_ros.cli import (
    adapt,
    benchmark,
    demo,
    doctor,
    evaluate,
    export,
    extract,
    inspect,
    mask,
    replay,
    synthesize,
    train,
    triangulate,
)
from lsd_ros.cli.shared_options import add_limit_options

# A verb is a package of this name: its options here, what it does in its module ``action``.
VERBS = {
    'demo': demo,
    'replay': replay,
    'doctor': doctor,
    'mask': mask,
    'inspect': inspect,
    'benchmark': benchmark,
    'extract': extract,
    'triangulate': triangulate,
    'synthesize': synthesize,
    'train': train,
    'evaluate': evaluate,
    'adapt': adapt,
    'export': export,
}
WITHOUT_FOREIGN_FILES = ('demo', 'export', 'synthesize')

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
    for name, module in VERBS.items():
        verb = verbs.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY[0].upper() + module.SUMMARY[1:] + '.',
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_verbose(verb, default=argparse.SUPPRESS)  # keep what was given before the verb
        module.add_options(verb)
        if name not in WITHOUT_FOREIGN_FILES and name != 'train':  # its phases have them
            add_limit_options(verb)
    return parser


def _add_verbose(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument(
        '-v', '--verbose', action='count', default=default, help='say more on stderr; -vv: all'
    )
