"""
MCAP files: by their index where it is sound, else chunk by chunk as far as anything is readable.

The format: https://mcap.dev/spec.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsd_ros.bags.decompression import unpacked
from lsd_ros.bags.mcap_scan import Contents, scan
from lsd_ros.bags.storage import Chunk, ChunkedStorage, Found
from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.optional import require

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_RECORD = struct.Struct('<BQ')
_MESSAGE = struct.Struct('<HIQQ')
_CHUNK = struct.Struct('<QQQII')  # times, size and CRC unpacked, length of what follows
_FOOTER = struct.Struct('<BQQQI8s')
_MAGIC = b'\x89MCAP0\r\n'
_OP_SCHEMA, _OP_CHANNEL, _OP_MESSAGE, _OP_CHUNK = 3, 4, 5, 6
_OP_CHUNK_INDEX, _OP_STATISTICS, _OP_FOOTER = 8, 11, 2


class McapFile(ChunkedStorage):
    """
    An mcap file; one that was cut off, or whose index is damaged, is salvaged.

    :raises DatasetError: not one message is readable
    """

    kind = 'mcap'

    def __init__(self, path: Path) -> None:
        """Read the index, or scan the file once where there is none."""
        require('mcap')
        self._indexes: dict[int, Any] = {}
        super().__init__(path)

    def _read_index(self) -> bool:
        """Take everything from the summary; False where that is not whole."""
        try:
            with ForeignCode(DatasetError, 'the index is damaged'):
                found = self._summary()
        except DatasetError:
            return False
        counts = found.statistics.channel_message_counts if found.statistics else None
        if counts is None or not set(counts) <= set(found.channels):
            return False
        if found.statistics.message_count and not found.indexes:
            return False  # not in chunks
        if len(found.indexes) != found.statistics.chunk_count:
            return False
        self.connections = _connections(found.schemas, found.channels, counts)
        self._indexes = {index.chunk_start_offset: index for index in found.indexes}
        self._chunks = [
            Chunk(
                index.chunk_start_offset,
                index.message_start_time,
                index.message_end_time,
                index.chunk_length,
            )
            for index in found.indexes
        ]
        if found.statistics.message_count:
            self.start_ns = found.statistics.message_start_time
            self.end_ns = found.statistics.message_end_time
        return True

    def _summary(self) -> Contents:
        from mcap import records
        from mcap.data_stream import ReadDataStream

        self._file.seek(max(0, self._size - _FOOTER.size))
        op, _, start, _, crc, magic = _FOOTER.unpack(self._file.read(_FOOTER.size))
        end = self._size - _FOOTER.size
        if op != _OP_FOOTER or magic != _MAGIC or not 0 < start <= end:
            raise DatasetError('it has no summary')
        self._file.seek(start)
        data = self._file.read(end - start)
        footer_start = _RECORD.pack(_OP_FOOTER, 20)
        self._file.seek(end + len(footer_start))
        if crc and zlib.crc32(data + footer_start + self._file.read(16)) != crc:
            raise DatasetError('the CRC of its summary is wrong')
        found = Contents()
        place = 0
        while place < len(data):
            op, length = _RECORD.unpack_from(data, place)
            place += _RECORD.size
            if length > len(data) - place:
                raise DatasetError('a record of its summary is too long')
            stream = ReadDataStream(BytesIO(data[place : place + length]))
            place += length
            if op == _OP_SCHEMA:
                schema = records.Schema.read(stream)
                found.schemas[schema.id] = schema
            elif op == _OP_CHANNEL:
                channel = records.Channel.read(stream)
                found.channels[channel.id] = channel
            elif op == _OP_CHUNK_INDEX:
                found.indexes.append(records.ChunkIndex.read(stream))
            elif op == _OP_STATISTICS:
                found.statistics = records.Statistics.read(stream)
        return found

    def _scan(self) -> None:
        """Find the chunks, and what is in them, by reading everything once."""
        found = scan(self._file, self._size)
        counts: Counter[int] = Counter()
        for chunk in found.chunks:
            first = last = None
            for op, data in self._inner_of(chunk):
                if op != _OP_MESSAGE:
                    with suppress(LsdError), ForeignCode(DatasetError, 'it is damaged'):
                        found.take(op, bytes(data))
                    continue
                with suppress(struct.error):
                    key, _, stamp_ns, _ = _MESSAGE.unpack_from(data)
                    counts[key] += 1
                    first = stamp_ns if first is None else min(first, stamp_ns)
                    last = stamp_ns if last is None else max(last, stamp_ns)
            if first is not None and last is not None:
                self._chunks.append(chunk._replace(start_ns=first, end_ns=last))
        self.connections = _connections(found.schemas, found.channels, counts)
        count = sum(connection.msgcount for connection in self.connections)
        if self._chunks:
            self.start_ns = min(chunk.start_ns for chunk in self._chunks)
            self.end_ns = max(chunk.end_ns for chunk in self._chunks)
        if found.problem:
            self.damage.note_salvaged(count, found.problem)

    def _inner_of(self, chunk: Chunk) -> list[tuple[int, memoryview]]:
        """Return the records in a chunk; what is damaged is noted."""
        records: list[tuple[int, memoryview]] = []
        try:
            with ForeignCode(DatasetError, 'it is damaged'):
                records.extend(self._inner(chunk))
        except LsdError as error:
            self.damage.note(
                chunk.place,
                f'the chunk of {chunk.size} bytes at byte {chunk.place} cannot be read: {error}',
            )
        return records

    def _unpacked(self, chunk: Chunk) -> Iterator[Found]:
        for op, data in self._inner(chunk):
            if op == _OP_MESSAGE:
                key, _, stamp_ns, _ = _MESSAGE.unpack_from(data)
                yield key, stamp_ns, data[_MESSAGE.size :]

    def _inner(self, chunk: Chunk) -> Iterator[tuple[int, memoryview]]:
        """Walk the records in a chunk, or in a stretch of messages outside of chunks."""
        self._file.seek(chunk.place)
        data = memoryview(self._file.read(chunk.size))
        if len(data) < chunk.size and not chunk.cut:
            raise DatasetError('the file ends before it does')
        op, length = _RECORD.unpack_from(data)
        if op == _OP_CHUNK:
            verify = chunk.place not in self._verified
            record = data[_RECORD.size :][:length]
            data = memoryview(_chunk_content(record, cut=chunk.cut, verify=verify))
            self._verified.add(chunk.place)
        elif op != _OP_MESSAGE:
            raise DatasetError('there is no chunk')
        place = 0
        while place < len(data):
            if len(data) - place < _RECORD.size:
                break
            op, length = _RECORD.unpack_from(data, place)
            place += _RECORD.size
            if length > len(data) - place:
                if chunk.cut:
                    return
                raise DatasetError('a record in it is longer than the chunk')
            yield op, data[place : place + length]
            place += length

    def _lost(self, chunk: Chunk) -> Mapping[int, int]:
        index = self._indexes.get(chunk.place)
        lost: dict[int, int] = {}
        for key, place in (index.message_index_offsets if index else {}).items():
            with suppress(struct.error, OSError, OverflowError, ValueError):
                self._file.seek(place)
                op, _, _, size = struct.unpack('<BQHI', self._file.read(15))
                if op == 7 and size <= self._size:
                    lost[key] = size // 16
        return lost


def _chunk_content(data: memoryview, *, cut: bool, verify: bool) -> bytes | memoryview:
    """
    Decompress a chunk record.

    :param cut: whether as much as there is will do
    :param verify: whether to check its CRC
    :raises DatasetError: it is damaged, or its sizes or its CRC do not fit
    """
    _, _, size, crc, length = _CHUNK.unpack_from(data)
    compression = bytes(data[_CHUNK.size :][:length]).decode()
    body = data[_CHUNK.size + length :]
    (packed,) = struct.unpack_from('<Q', body)
    if packed > len(body) - 8 and not cut:
        raise DatasetError('its length is damaged')
    content = unpacked(body[8 : 8 + packed], compression, partial=cut)
    if cut:
        return content
    if len(content) != size:
        raise DatasetError(f'it has {len(content)} bytes instead of {size} when decompressed')
    if verify and crc and zlib.crc32(content) != crc:
        raise DatasetError('its CRC is wrong')
    return content


def _connections(
    schemas: Mapping[int, Any], channels: Mapping[int, Any], counts: Mapping[int, int]
) -> list[Connection]:
    return [
        _connection(channel, schemas.get(channel.schema_id), counts.get(key, 0))
        for key, channel in sorted(channels.items())
    ]


def _connection(channel: Any, schema: Any, count: int) -> Connection:
    from rosbags.interfaces import (
        Connection,
        ConnectionExtRosbag2,
        MessageDefinition,
        MessageDefinitionFormat,
    )

    formats = {
        'ros1msg': MessageDefinitionFormat.MSG,
        'ros2msg': MessageDefinitionFormat.MSG,
        'ros2idl': MessageDefinitionFormat.IDL,
    }
    encoding = schema.encoding if schema else ''
    text = schema.data.decode(errors='replace') if schema and encoding in formats else ''
    return Connection(
        id=channel.id,
        topic=channel.topic,
        msgtype=schema.name if schema else '',
        msgdef=MessageDefinition(formats.get(encoding, MessageDefinitionFormat.NONE), text),
        digest='',
        msgcount=count,
        ext=ConnectionExtRosbag2(channel.message_encoding, []),
        owner=None,
    )
