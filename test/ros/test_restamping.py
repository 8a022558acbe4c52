from __future__ import annotations

import struct

from lsd_ros.messages.cdr import header_stamp_ns
from lsd_ros.ros.restamping import Restamping

NOW_NS = 1_900_000_000_000_000_000
OLD_NS = 1_500_000_000_000_000_000


def message(stamp_ns: int) -> bytes:
    return b'\x00\x01\x00\x00' + struct.pack('<iI', *divmod(stamp_ns, 10**9)) + b'the rest'


def moved(restamping: Restamping, *stamps_ns: int) -> list[int]:
    return [header_stamp_ns(restamping.moved(message(stamp))) for stamp in stamps_ns]


def test_stamps_keep_their_distances_and_begin_now() -> None:
    restamping = Restamping(1.0, lambda: NOW_NS)
    stamps = moved(restamping, OLD_NS, OLD_NS, OLD_NS + 33, OLD_NS - 5)
    assert stamps == [NOW_NS, NOW_NS, NOW_NS + 33, NOW_NS - 5]


def test_distances_shrink_with_the_rate() -> None:
    assert moved(Restamping(4.0, lambda: NOW_NS), OLD_NS, OLD_NS + 400) == [NOW_NS, NOW_NS + 100]


def test_stamps_go_on_in_the_next_pass_even_where_the_clock_does_not() -> None:
    restamping = Restamping(1.0, lambda: NOW_NS)
    first = moved(restamping, OLD_NS, OLD_NS + 100)
    restamping.begin_pass()
    assert moved(restamping, OLD_NS)[0] > first[-1]


def test_no_stamp_stays_no_stamp() -> None:
    restamping = Restamping(1.0, lambda: NOW_NS)
    assert moved(restamping, 0, OLD_NS) == [0, NOW_NS]
    assert restamping.moved(message(OLD_NS + 7))[12:] == b'the rest'
