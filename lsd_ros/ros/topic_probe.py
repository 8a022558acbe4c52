"""The executable ``topic_probe``: measures what comes on topics until it is interrupted."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsd_ros.errors import LsdError, RosError
from lsd_ros.ros import environment

EXAMPLES = """\
examples:
  topic_probe points.json /points
  topic_probe node.json /points /depth/image_rect --diagnostics --warm-up 5
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure topics; a known error is one line and exit code 1."""
    environment.prepare()
    try:
        environment.require_rclpy()
        _measure(sys.argv[1:] if argv is None else list(argv))
    except LsdError as error:
        sys.exit(str(error))


def _measure(argv: list[str]) -> None:
    from lsd_ros.ros.probing import Probe
    from lsd_ros.ros.session import session, spin, split_arguments

    own, ros = split_arguments(argv)
    given = _parser().parse_args(own)
    with session('topic_probe', ros) as running:
        probe = Probe(running.node, given.topics, given.warm_up, given.diagnostics)
        spin(running)
        report = {**probe.report(), 'middleware': _middleware()}
    try:
        given.report.write_text(json.dumps(report, indent=2))
    except OSError as error:
        raise RosError(f'cannot write the report {given.report}: {error.strerror}') from error


def _middleware() -> dict[str, Any]:
    """Say what the messages came through."""
    import rclpy

    names = (environment.TRANSPORT, *environment.PROFILES, environment.DISCOVERY)
    return {
        'name': rclpy.get_rmw_implementation_identifier(),
        'environment': {name: os.environ[name] for name in names if os.environ.get(name)},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='topic_probe',
        description='Measure what comes on topics until interrupted (SIGINT or SIGTERM): number, '
        'size, age by the stamp, intervals and gaps; percentiles as JSON.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('report', type=Path, help='JSON file to write')
    add('topics', nargs='+', metavar='TOPIC', help='topics to measure')
    add(
        '--warm-up',
        type=_not_negative,
        default=0.0,
        metavar='S',
        help='seconds after the first message of each topic, only counted (default: 0)',
    )
    add(
        '--diagnostics',
        action='store_true',
        help='add what /diagnostics said, and its newest values',
    )
    return parser


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} must not be negative')
    return value


if __name__ == '__main__':
    main()
