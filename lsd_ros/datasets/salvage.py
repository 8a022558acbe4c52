"""Bag files that were cut off or lost their index: read from the start as far as they go."""

from __future__ import annotations

import logging
import sqlite3
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from lsd_ros.datasets.optional import require
from lsd_ros.errors import DatasetError

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_log = logging.getLogger(__name__)


class Record(NamedTuple):
    """One message as it lies in the file; compressed or in ROS 1 serialisation as it may be."""

    connection: Connection
    stamp_ns: int
    data: bytes


class ScannedMcap:
    """
    An mcap file without an index, or one that was cut off: every whole message is read.

    Messages come in the order in which they were written.

    :raises DatasetError: not one message is readable
    """

    kind = 'mcap'

    def __init__(self, path: Path) -> None:
        """Scan the file once, for what it holds."""
        require('mcap')
        self._path = path
        self._complete = False
        self._lost_chunks = 0
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        self.connections: list[Connection] = self._scan()
        count = sum(connection.msgcount for connection in self.connections)
        if not self._complete:
            _warn_salvaged(path, count)
        if self._lost_chunks:
            _log.warning('%s has %d damaged chunks, skipped', path, self._lost_chunks)

    def messages(self, connections: Collection[Connection]) -> Iterator[Record]:
        """Read the messages of some connections."""
        from mcap.records import Message

        wanted = {connection.id: connection for connection in connections}
        for record in self._records():
            if isinstance(record, Message) and record.channel_id in wanted:
                yield Record(wanted[record.channel_id], record.log_time, record.data)

    def close(self) -> None:
        """Do nothing: the file is only open while it is read."""

    def _scan(self) -> list[Connection]:
        from mcap.records import Channel, Message, Schema

        schemas: dict[int, Schema] = {}
        channels: dict[int, Channel] = {}
        counts: Counter[int] = Counter()
        stamps: list[int] = []
        for record in self._records():
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message):
                counts[record.channel_id] += 1
                stamps = _widened(stamps, record.log_time)
        self.start_ns, self.end_ns = stamps or (None, None)
        return [
            _connection(channel.id, channel, schemas.get(channel.schema_id), counts[channel.id])
            for channel in channels.values()
        ]

    def _records(self) -> Iterator[Any]:
        """Walk schemas, channels and messages up to the summary or the first broken record."""
        from mcap.records import Chunk, DataEnd
        from mcap.stream_reader import StreamReader

        self._lost_chunks = 0
        with self._path.open('rb') as file:
            start = 0
            try:
                for record in StreamReader(file, emit_chunks=True).records:
                    start = file.tell()
                    if isinstance(record, DataEnd):
                        self._complete = True
                        return
                    if isinstance(record, Chunk):
                        yield from self._unpacked(record)
                    else:
                        yield record
            except _damage() as error:
                _log.debug('%s ends with a broken record: %r', self._path, error)
                file.seek(start)
                yield from _started_chunk(file)

    def _unpacked(self, chunk: Any) -> list[Any]:
        from mcap.exceptions import UnsupportedCompressionError
        from mcap.stream_reader import breakup_chunk

        try:
            return breakup_chunk(chunk, validate_crc=True)
        except UnsupportedCompressionError as error:
            raise DatasetError(f'cannot read {self._path}: {error}; install it') from error
        except _damage() as error:
            _log.debug('%s has a damaged chunk: %r', self._path, error)
            self._lost_chunks += 1
            return []


def _started_chunk(file: BinaryIO) -> Iterator[Any]:
    """Walk the whole records in a chunk of which only the start is there."""
    from mcap.data_stream import ReadDataStream
    from mcap.opcode import Opcode
    from mcap.records import Chunk
    from mcap.stream_reader import StreamReader

    if file.read(9)[:1] != bytes([Opcode.CHUNK]):
        return
    try:
        chunk = Chunk.read(ReadDataStream(file))
        data = chunk.data
        if chunk.compression == 'zstd':
            data = require('zstandard').ZstdDecompressor().decompressobj().decompress(data)
        elif chunk.compression == 'lz4':
            data = require('lz4.frame').LZ4FrameDecompressor().decompress(data)
        yield from StreamReader(BytesIO(data), skip_magic=True).records
    except _damage() as error:
        _log.debug('the last chunk ends: %r', error)


def _damage() -> tuple[type[Exception], ...]:
    """Return what mcap and its decompressors raise on damaged files."""
    from mcap.exceptions import McapError

    zstd_error = require('zstandard').ZstdError
    return (McapError, zstd_error, struct.error, ValueError, RuntimeError, MemoryError)


def _connection(key: int, channel: Any, schema: Any, count: int) -> Connection:
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
        id=key,
        topic=channel.topic,
        msgtype=schema.name if schema else '',
        msgdef=MessageDefinition(formats.get(encoding, MessageDefinitionFormat.NONE), text),
        digest='',
        msgcount=count,
        ext=ConnectionExtRosbag2(channel.message_encoding, []),
        owner=None,
    )


class ScannedSqlite:
    """
    A rosbag2 database that was cut off: its rows are read until the first missing page.

    Messages come in the order in which they were written.

    :raises DatasetError: it is no rosbag2 database, or not one message is readable
    """

    kind = 'sqlite3'

    def __init__(self, path: Path) -> None:
        """Scan the file once, for what it holds."""
        self._path = path
        self._database = sqlite3.connect(f'{path.absolute().as_uri()}?immutable=1', uri=True)
        # SQLite refuses a file that is shorter than its header says, unless it is to be repaired
        self._database.execute('PRAGMA writable_schema=ON')
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        self.connections: list[Connection] = self._scan()
        _warn_salvaged(path, sum(connection.msgcount for connection in self.connections))

    def messages(self, connections: Collection[Connection]) -> Iterator[Record]:
        """Read the messages of some connections."""
        wanted = {connection.id: connection for connection in connections}
        for key, stamp_ns, data in self._rows('topic_id, timestamp, data'):
            if key in wanted:
                yield Record(wanted[key], stamp_ns, data)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _scan(self) -> list[Connection]:
        from rosbags.interfaces import (
            Connection,
            ConnectionExtRosbag2,
            MessageDefinition,
            MessageDefinitionFormat,
        )

        nothing = MessageDefinition(MessageDefinitionFormat.NONE, '')
        try:
            topics = self._database.execute(
                'SELECT id, name, type, serialization_format FROM topics'
            ).fetchall()
        except sqlite3.Error as error:
            raise DatasetError(
                f'{self._path} is no rosbag2 database, or too damaged to read: {error}'
            ) from error
        # the data is read too: it lies on pages of its own, which may be the missing ones
        counts: Counter[int] = Counter()
        stamps: list[int] = []
        for key, stamp_ns, _ in self._rows('topic_id, timestamp, data'):
            counts[key] += 1
            stamps = _widened(stamps, stamp_ns)
        self.start_ns, self.end_ns = stamps or (None, None)
        return [
            Connection(
                key, name, kind, nothing, '', counts[key], ConnectionExtRosbag2(form, []), None
            )
            for key, name, kind, form in topics
        ]

    def _rows(self, columns: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._database.execute(f'SELECT {columns} FROM messages NOT INDEXED')
        except sqlite3.Error as error:
            _log.debug('%s breaks off: %s', self._path, error)


def _widened(interval: list[int], stamp_ns: int) -> list[int]:
    return [min([stamp_ns, *interval]), max([stamp_ns, *interval])]


def _warn_salvaged(path: Path, count: int) -> None:
    if count == 0:
        raise DatasetError(
            f'{path} is truncated before its first whole message: nothing can be salvaged'
        )
    _log.warning('%s is truncated or damaged: %d messages were salvaged', path, count)
