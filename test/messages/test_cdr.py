from __future__ import annotations

import pytest

pytest.importorskip('rosbags', reason='needs rosbags')

from rosbags.typesys import Stores, get_typestore

from lsd_ros.errors import MessageError
from lsd_ros.messages import encode
from lsd_ros.messages.cdr import header_stamp_ns, with_header_stamp
from lsd_ros.messages.types import RosbagsTypes

STORE = get_typestore(Stores.ROS2_HUMBLE)
HEADER = 'std_msgs/msg/Header'
STAMPS_NS = (1_700_000_000_123_456_789, 5)


def header(stamp_ns: int, *, little_endian: bool) -> bytes:
    made = encode.header(RosbagsTypes(STORE), stamp_ns, 'camera')
    return bytes(STORE.serialize_cdr(made, HEADER, little_endian=little_endian))


@pytest.mark.parametrize('little_endian', [True, False])
def test_a_stamp_is_read_and_changed_alone(little_endian: bool) -> None:
    first = header(STAMPS_NS[0], little_endian=little_endian)
    for stamp_ns in STAMPS_NS:
        changed = with_header_stamp(first, stamp_ns)
        assert header_stamp_ns(changed) == stamp_ns
        assert changed == header(stamp_ns, little_endian=little_endian)


def test_what_holds_no_stamp_is_refused() -> None:
    with pytest.raises(MessageError, match='a message of 11 bytes is damaged'):
        header_stamp_ns(b'\x00\x01\x00\x00' + bytes(7))
    with pytest.raises(MessageError, match='stamp 3000000000000000000 ns does not fit'):
        with_header_stamp(header(0, little_endian=True), 3 * 10**18)
