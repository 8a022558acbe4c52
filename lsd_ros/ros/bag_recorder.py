"""The executable ``bag_recorder``: records topics into a bag until it is interrupted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsd_ros.errors import LsdError, RosError
from lsd_ros.ros import environment

if TYPE_CHECKING:
    from lsd_ros.ros.raw_subscriptions import Recorder
    from lsd_ros.ros.session import Session

EXAMPLES = """\
examples:
  bag_recorder run.mcap /points /odom
  bag_recorder run /depth/image_rect /depth/camera_info --ros-args -p use_sim_time:=true
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Record topics; a known error is one line and exit code 1."""
    environment.prepare()
    try:
        environment.require_rclpy()
        _record(sys.argv[1:] if argv is None else list(argv))
    except LsdError as error:
        sys.exit(str(error))


def _record(argv: list[str]) -> None:
    from lsd_ros.bags.writer import BagWriter
    from lsd_ros.ros.raw_subscriptions import Recorder
    from lsd_ros.ros.session import session, spin, split_arguments

    own, ros = split_arguments(argv)
    given = _parser().parse_args(own)
    with session('bag_recorder', ros) as running:
        with BagWriter(given.bag) as writer:
            recorder = Recorder(running.node, writer, given.topics)
            spin(running)
        _report(running, recorder, given.bag)


def _report(running: Session, recorder: Recorder, bag: Path) -> None:
    log = running.node.get_logger()
    if recorder.missing:
        log.warning(f'nobody published {", ".join(sorted(recorder.missing))}')
    if not recorder.counts:
        raise RosError(f'no message was recorded: {bag} is empty')
    counts = ', '.join(f'{count} of {topic}' for topic, count in sorted(recorder.counts.items()))
    log.info(f'recorded into {bag}: {counts}')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='bag_recorder',
        description='Record topics into a bag until interrupted (SIGINT or SIGTERM).',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('bag', type=Path, help='bag to write')
    parser.add_argument('topics', nargs='+', metavar='TOPIC', help='topics to record')
    return parser


if __name__ == '__main__':
    main()
