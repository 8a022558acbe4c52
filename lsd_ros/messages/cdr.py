"""The stamp of a serialised message that starts with a header, without deserialising the rest."""

from __future__ import annotations

import struct

from lsd_ros.errors import MessageError

# The encapsulation comes first: four bytes, the second of which is odd where bytes are swapped.
_AFTER_ENCAPSULATION = 4
_SECOND_NS = 1_000_000_000


def header_stamp_ns(cdr: bytes) -> int:
    """
    Read the stamp [ns] of a message in CDR whose first field is a std_msgs/Header.

    :raises MessageError: the message is too short to have one
    """
    try:
        sec, nanosec = struct.unpack_from(_layout(cdr), cdr, _AFTER_ENCAPSULATION)
    except struct.error as error:
        raise MessageError(
            f'a message of {len(cdr)} bytes is damaged: it is too short for a header'
        ) from error
    return int(sec) * _SECOND_NS + int(nanosec)


def with_header_stamp(cdr: bytes, stamp_ns: int) -> bytes:
    """
    Return a message in CDR, whose first field is a std_msgs/Header, with another stamp [ns].

    :raises MessageError: the message is too short to have one, or the stamp does not fit
    """
    header_stamp_ns(cdr)
    changed = bytearray(cdr)
    try:
        struct.pack_into(
            _layout(cdr), changed, _AFTER_ENCAPSULATION, *divmod(stamp_ns, _SECOND_NS)
        )
    except struct.error as error:
        raise MessageError(
            f'stamp {stamp_ns} ns does not fit a header: its seconds must fit 32 bits'
        ) from error
    return bytes(changed)


def _layout(cdr: bytes) -> str:
    return '<iI' if len(cdr) > 1 and cdr[1] & 1 else '>iI'
