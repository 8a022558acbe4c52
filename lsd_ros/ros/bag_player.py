"""The executable ``bag_player``: plays a bag of any format to a ROS system, in real time."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsd_ros.errors import LsdError, RosError
from lsd_ros.foreign.printable import printable
from lsd_ros.ros import environment

if TYPE_CHECKING:
    from lsd_ros.ros.playback import Player

EXAMPLES = """\
examples:
  bag_player drive.mcap
  bag_player drive.bag --rate 0.5 --loop --remap /cam0/image_raw:=/image
  bag_player drive --clock --wait-for-subscribers /camera/image_raw
  bag_player drive --restamp --loop
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Play a bag; a known error is one line and exit code 1."""
    environment.prepare()
    try:
        environment.require_rclpy()
        _play(sys.argv[1:] if argv is None else list(argv))
    except LsdError as error:
        sys.exit(str(error))


def _play(argv: list[str]) -> None:
    from lsd_ros.bags.reader import BagReader
    from lsd_ros.ros.playback import Playback, Player
    from lsd_ros.ros.session import session, split_arguments

    own, ros = split_arguments(argv)
    given = _parser().parse_args(own)
    playback = Playback(
        topics=tuple(given.topics),
        rate=given.rate,
        loop=given.loop,
        start_s=given.start,
        clock_hz=given.clock,
        wait_for=tuple(given.wait_for_subscribers),
        sensor_data=given.qos == 'sensor_data',
        restamp=given.restamp,
    )
    remaps = [word for rule in given.remap for word in ('--remap', rule)]
    with session('bag_player', [*ros, *remaps]) as running, BagReader(given.bag) as reader:
        player = Player(running.node, reader, playback, running.stop)
        count = player.play()
        running.node.get_logger().info(printable(f'played {count} messages of {given.bag}'))
        if given.report is not None:
            _write_report(given.report, player)


def _write_report(path: Path, player: Player) -> None:
    try:
        path.write_text(json.dumps({'delay_ns': player.delay_ns, 'messages': player.counts}))
    except OSError as error:
        raise RosError(f'cannot write the report {path}: {error.strerror}') from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='bag_player',
        description='Play a bag (rosbag1, sqlite3 or mcap) over the middleware, in real time.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('bag', type=Path, help='bag folder or file')
    add('--topics', nargs='+', default=[], metavar='TOPIC', help='play only these')
    add('--rate', type=_positive, default=1.0, help='2 is twice as fast (default: 1)')
    add('--start', type=_not_negative, default=0.0, metavar='S', help='seconds to skip')
    add('--loop', action='store_true', help='begin again at the end, until interrupted')
    add(
        '--restamp',
        action='store_true',
        help='move header stamps to the present, so that the age of a message is that of a live '
        'one; what does not start with a std_msgs/Header, such as TF, stays as it is',
    )
    add('--remap', nargs='+', default=[], metavar='FROM:=TO', help='publish under other names')
    add(
        '--clock',
        nargs='?',
        type=_positive,
        const=100.0,
        default=0.0,
        metavar='HZ',
        help='publish /clock, so that others can take their time from the bag (default: 100)',
    )
    add(
        '--wait-for-subscribers',
        nargs='+',
        default=[],
        metavar='TOPIC',
        help='begin when each of these topics has a subscriber',
    )
    add(
        '--qos',
        choices=('reliable', 'sensor_data'),
        default='reliable',
        help='reliable loses nothing; sensor_data is what cameras do (default: reliable)',
    )
    add(
        '--report',
        type=Path,
        metavar='FILE',
        help='write at the end, as JSON, how many messages were published on each topic, and by '
        'how much their times are later than their stamps',
    )
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} must be greater than 0')
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} must not be negative')
    return value


if __name__ == '__main__':
    main()
