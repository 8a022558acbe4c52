"""Bag files that were cut off or lost their index: read from the start as far as they go."""

from __future__ import annotations

import logging
import sqlite3
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
    An mcap file without an index, or one that was cut off: every whole chunk is read.

    Messages come in the order in which they were written.

    :raises DatasetError: not one message is readable
    """

    kind = 'mcap'

    def __init__(self, path: Path) -> None:
        """Scan the file once, for what it holds."""
        require('mcap')
        self._path = path
        self._file = path.open('rb')
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
        wanted = {connection.id: connection for connection in connections}
        for record in self._records():
            connection = wanted.get(getattr(record, 'channel_id', -1))
            if connection is not None:
                yield Record(connection, record.log_time, record.data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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
        from mcap.exceptions import McapError
        from mcap.records import Chunk, DataEnd
        from mcap.stream_reader import StreamReader

        self._file.seek(0)
        self._lost_chunks = 0
        try:
            for record in StreamReader(self._file, emit_chunks=True).records:
                if isinstance(record, DataEnd):
                    self._complete = True
                    return
                if isinstance(record, Chunk):
                    yield from self._unpacked(record)
                else:
                    yield record
        except (McapError, struct.error, ValueError, MemoryError) as error:
            _log.debug('%s ends with a broken record: %r', self._path, error)

    def _unpacked(self, chunk: Any) -> list[Any]:
        from mcap.exceptions import McapError, UnsupportedCompressionError
        from mcap.stream_reader import breakup_chunk

        zstandard = require('zstandard')
        damage = (McapError, zstandard.ZstdError, struct.error, ValueError, RuntimeError)
        try:
            return breakup_chunk(chunk, validate_crc=True)
        except UnsupportedCompressionError as error:
            raise DatasetError(f'cannot read {self._path}: {error}; install it') from error
        except damage as error:
            _log.debug('%s has a damaged chunk: %r', self._path, error)
            self._lost_chunks += 1
            return []


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
