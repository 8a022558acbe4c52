"""Where the chunks of an mcap file are, found without its index, also behind what is damaged."""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO

from lsd_ros.bags.storage import Chunk
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode

_RECORD = struct.Struct('<BQ')
_START = 8  # behind the magic
_OP_SCHEMA, _OP_CHANNEL, _OP_MESSAGE, _OP_CHUNK, _OP_DATA_END = 3, 4, 5, 6, 15
_KNOWN = range(1, 16)
_PRIVATE = 0x80  # and above: of others, to be skipped
# opcode, length (below a tebibyte), fixed fields, and the name of the compression with its length
_CHUNK = re.compile(
    rb'(?=\x06.{5}\x00\x00\x00.{28}'
    rb'(\x00\x00\x00\x00|\x03\x00\x00\x00lz4|\x04\x00\x00\x00zstd))',
    re.DOTALL,
)
_STRETCH = 8 * 2**20  # messages outside of chunks are read so many bytes at a time


@dataclass
class Contents:
    """
    What is in a file.

    :param problem: why it is not all; empty where it is
    """

    schemas: dict[int, Any] = field(default_factory=dict)
    channels: dict[int, Any] = field(default_factory=dict)
    indexes: list[Any] = field(default_factory=list)
    statistics: Any = None
    chunks: list[Chunk] = field(default_factory=list)
    problem: str = ''

    def take(self, op: int, data: bytes) -> None:
        """
        Take a schema or channel; other records are left alone.

        :raises DatasetError: it is damaged
        """
        from mcap import records
        from mcap.data_stream import ReadDataStream

        with ForeignCode(DatasetError, 'a record is damaged'):
            if op == _OP_SCHEMA:
                schema = records.Schema.read(ReadDataStream(BytesIO(data)))
                self.schemas.setdefault(schema.id, schema)
            elif op == _OP_CHANNEL:
                channel = records.Channel.read(ReadDataStream(BytesIO(data)))
                self.channels.setdefault(channel.id, channel)


def scan(file: BinaryIO, size: int) -> Contents:
    """
    Walk the records of a file up to the end of its data; behind a broken one the next chunk is
    looked for.

    :param size: of the file [bytes]
    """
    found = Contents(problem='it has no end')
    place = previous = _START
    stretch: Chunk | None = None
    while place + _RECORD.size <= size:
        file.seek(place)
        op, length = _RECORD.unpack(file.read(_RECORD.size))
        end = place + _RECORD.size + length
        if op == _OP_MESSAGE and end <= size:
            stretch = _grown(found, stretch, place, end)
            previous, place = place, end
            continue
        stretch = None
        if op == _OP_DATA_END and end <= size:
            found.problem = '' if found.problem == 'it has no end' else found.problem
            return found
        if end > size or op == 0 or (op not in _KNOWN and op < _PRIVATE):
            # where bytes were lost, the next chunk starts before this one should have ended
            following = _next_chunk(file, previous + 1, size)
            if following is None:
                found.problem = f'it breaks off after byte {place}'
                if op == _OP_CHUNK:
                    found.chunks.append(Chunk(place, 0, 0, size - place, cut=True))
                return found
            found.problem = f'some bytes before byte {following} are lost or damaged'
            previous = place = following
            continue
        if op == _OP_CHUNK:
            found.chunks.append(Chunk(place, 0, 0, end - place))
        elif op in (_OP_SCHEMA, _OP_CHANNEL):
            _take(found, op, file.read(length), place)
        previous, place = place, end
    return found


def _take(found: Contents, op: int, data: bytes, place: int) -> None:
    try:
        found.take(op, data)
    except DatasetError as error:
        found.problem = f'at byte {place} {error}'


def _grown(found: Contents, stretch: Chunk | None, place: int, end: int) -> Chunk:
    """Add a message to the stretch of messages that ends where it starts."""
    if stretch is None or end - stretch.place > _STRETCH:
        found.chunks.append(Chunk(place, 0, 0, end - place))
    else:
        found.chunks[-1] = stretch._replace(size=end - stretch.place)
    return found.chunks[-1]


def _next_chunk(file: BinaryIO, start: int, size: int) -> int | None:
    """Find a chunk by its header, whose two lengths must fit each other."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for match in _CHUNK.finditer(data, start):
            behind = match.end(1)
            if behind + 8 > size:
                break
            (length,) = struct.unpack_from('<Q', data, match.start() + 1)
            (packed,) = struct.unpack_from('<Q', data, behind)
            if length == behind + 8 - (match.start() + _RECORD.size) + packed:
                return match.start()
    return None
