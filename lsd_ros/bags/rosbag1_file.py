"""
Bags of ROS 1: by their index where it is sound, else as far as anything is readable.

The format: http://wiki.ros.org/Bags/Format/2.0.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lsd_ros.bags.decompression import unpacked
from lsd_ros.bags.storage import Chunk, ChunkedStorage, Found
from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.limits import limits

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_MAGIC = b'#ROSBAG V2.0\n'
_MESSAGE, _BAG, _CHUNK, _CHUNK_INFO, _CONNECTION = 2, 3, 5, 6, 7
_LENGTH = struct.Struct('<I')
_LONGEST_HEADER = 2**20
# the lengths of the header and of this field; before it, fields op and size in any order
_BEFORE_COMPRESSION = (8, 16, 21, 29)
_CHUNK_FIELD = re.compile(rb'compression=(none|bz2|lz4)')


class _Raw(NamedTuple):
    """A record: the fields of its header, and where its data are."""

    fields: dict[str, bytes]
    start: int
    end: int

    @property
    def op(self) -> int:
        """Return what it is."""
        (op,) = self.fields['op']
        return op


class Rosbag1File(ChunkedStorage):
    """
    A bag of ROS 1; one that was cut off, or whose index is damaged, is salvaged.

    :raises DatasetError: not one message is readable
    """

    kind = 'rosbag1'

    def __init__(self, path: Path) -> None:
        """Read the index, or scan the file once where there is none."""
        self._counts: dict[int, dict[int, int]] = {}
        self._known: dict[int, Connection] = {}
        super().__init__(path)

    def _read_index(self) -> bool:
        """Take everything from the index at the end; False where that is not whole."""
        try:
            with ForeignCode(DatasetError, 'the index is damaged'):
                self._take_index()
        except DatasetError:
            self._known.clear()
            self._chunks.clear()
            self._counts.clear()
            return False
        self._finish(sum((Counter(counts) for counts in self._counts.values()), Counter()))
        return True

    def _take_index(self) -> None:
        bag = self._record(len(_MAGIC))
        if bag.fields.get('encryptor'):
            raise DatasetError(f'{self.path} is encrypted: decrypt it with ROS 1')
        (place,) = struct.unpack('<Q', bag.fields['index_pos'])
        connections, chunks = (
            _LENGTH.unpack(bag.fields[name])[0] for name in ('conn_count', 'chunk_count')
        )
        if not 0 < place <= self._size:
            raise DatasetError('there is no index')
        while place < self._size:
            record = self._record(place)
            data = self._data(record)
            if record.op == _CONNECTION:
                self._connect(record.fields, data)
            elif record.op == _CHUNK_INFO:
                self._take_chunk_info(record.fields, data)
            place = record.end
        if len(self._known) != connections or len(self._chunks) != chunks:
            raise DatasetError('the index is not whole')

    def _take_chunk_info(self, fields: dict[str, bytes], data: bytes) -> None:
        (place,) = struct.unpack('<Q', fields['chunk_pos'])
        record = self._record(place)
        if record.op != _CHUNK:
            raise DatasetError('the index names a chunk where there is none')
        counts = dict(struct.iter_unpack('<II', data))
        if not set(counts) <= set(self._known):
            raise DatasetError('the index counts messages of an unknown connection')
        self._counts[place] = counts
        start_ns, end_ns = (_nanoseconds(fields[name]) for name in ('start_time', 'end_time'))
        self._chunks.append(Chunk(place, start_ns, end_ns, record.end - place))

    def _scan(self) -> None:
        """Find the chunks by walking the file, and what is in them by reading all of it."""
        problem = 'its index is missing or damaged'
        place = previous = len(_MAGIC)
        counts: Counter[int] = Counter()
        chunks: list[Chunk] = []
        while place < self._size:
            try:
                with ForeignCode(DatasetError, 'the record is damaged'):
                    record = self._record(place, cut=True)
                    op = record.op
            except DatasetError:
                following = self._next_chunk(previous + 1)
                problem = f'it breaks off after byte {place}'
                if following is None:
                    break
                problem = f'some bytes before byte {following} are lost or damaged'
                previous = place = following
                continue
            if op == _CHUNK:
                cut = record.end > self._size
                chunks.append(Chunk(place, 0, 0, record.end - place, cut))
                following = self._next_chunk(place + 1) if cut else None
                previous, place = place, following or record.end
                continue
            if op == _CONNECTION and record.end <= self._size:
                self._connect(record.fields, self._data(record))
            previous, place = place, record.end
        for chunk in chunks:  # now that the connections at the end of the file are known
            self._look_into(chunk, counts)
        self._finish(counts)
        self.damage.note_salvaged(sum(counts.values()), problem)

    def _look_into(self, chunk: Chunk, counts: Counter[int]) -> None:
        stamps: list[int] = []
        try:
            with ForeignCode(DatasetError, 'it is damaged'):
                for key, stamp_ns, _ in self._unpacked(chunk):
                    counts[key] += 1
                    stamps.append(stamp_ns)
        except LsdError as error:
            self.damage.note(
                chunk.place,
                f'the chunk of {chunk.size} bytes at byte {chunk.place} cannot be read: {error}',
            )
        if stamps:
            self._chunks.append(chunk._replace(start_ns=min(stamps), end_ns=max(stamps)))

    def _finish(self, counts: Mapping[int, int]) -> None:
        self.connections = [
            connection._replace(msgcount=counts.get(key, 0))
            for key, connection in sorted(self._known.items())
        ]
        if self._chunks and any(counts.values()):
            self.start_ns = min(chunk.start_ns for chunk in self._chunks)
            self.end_ns = max(chunk.end_ns for chunk in self._chunks)

    def _lost(self, chunk: Chunk) -> Mapping[int, int]:
        return self._counts.get(chunk.place, {})

    def _unpacked(self, chunk: Chunk) -> Iterator[Found]:
        self._file.seek(chunk.place)
        raw = memoryview(self._file.read(chunk.size))
        (length,) = _LENGTH.unpack_from(raw)
        fields = _fields(bytes(raw[4 : 4 + length]))
        if fields['op'] != b'\x05' or (len(raw) < chunk.size and not chunk.cut):
            raise DatasetError('there is no whole chunk')
        (size,) = _LENGTH.unpack(fields['size'])
        limits().check_unpacked(size, None, DatasetError)
        data = unpacked(raw[8 + length :], fields['compression'].decode(), partial=chunk.cut)
        if len(data) != size and not chunk.cut:
            raise DatasetError(f'it has {len(data)} bytes instead of {size} when decompressed')
        yield from self._messages(memoryview(data), chunk.cut)

    def _messages(self, data: memoryview, cut: bool) -> Iterator[Found]:
        place = 0
        while place < len(data):
            try:
                with ForeignCode(DatasetError, 'a record in it is damaged'):
                    fields, start, end = _parsed(data, place)
            except DatasetError:
                if cut:
                    return
                raise
            if fields['op'] == b'\x02':
                (key,) = _LENGTH.unpack(fields['conn'])
                if key in self._known:
                    yield key, _nanoseconds(fields['time']), data[start:end]
                else:
                    problem = f'messages of connection {key} cannot be read: nothing says its type'
                    self.damage.note(('connection', key), problem)
            elif fields['op'] == b'\x07':
                self._connect(fields, bytes(data[start:end]))
            place = end

    def _connect(self, fields: dict[str, bytes], data: bytes) -> None:
        from rosbags.interfaces import (
            Connection,
            ConnectionExtRosbag1,
            MessageDefinition,
            MessageDefinitionFormat,
        )

        (key,) = _LENGTH.unpack(fields['conn'])
        if key in self._known:
            return
        about = _fields(data)
        latching = about.get('latching', b'') == b'1'
        topic = fields['topic'].decode()
        self._known[key] = Connection(
            key,
            '/' * topic.startswith('/') + '/'.join(filter(None, topic.split('/'))),
            about['type'].decode(),
            MessageDefinition(
                MessageDefinitionFormat.MSG,
                about.get('message_definition', b'').decode(errors='replace'),
            ),
            about.get('md5sum', b'').decode(errors='replace'),
            0,
            ConnectionExtRosbag1(about.get('callerid', b'').decode(errors='replace'), latching),
            None,
        )

    def _record(self, place: int, *, cut: bool = False) -> _Raw:
        """Read the header of a record; where that is allowed, its data may be cut off."""
        self._file.seek(place)
        (length,) = _LENGTH.unpack(self._file.read(4))
        if length > _LONGEST_HEADER:
            raise DatasetError('the header of a record is too long')
        fields = _fields(self._file.read(length))
        (size,) = _LENGTH.unpack(self._file.read(4))
        start = place + 8 + length
        if start + size > self._size and not cut:
            raise DatasetError('a record is longer than the file')
        return _Raw(fields, start, start + size)

    def _data(self, record: _Raw) -> bytes:
        self._file.seek(record.start)
        return self._file.read(record.end - record.start)

    def _next_chunk(self, start: int) -> int | None:
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for match in _CHUNK_FIELD.finditer(data, start):
                for before in _BEFORE_COMPRESSION:
                    place = match.start() - before
                    if place >= start and self._is_chunk(place):
                        return place
        return None

    def _is_chunk(self, place: int) -> bool:
        with suppress(DatasetError), ForeignCode(DatasetError, 'it is no chunk'):
            record = self._record(place, cut=True)
            return record.op == _CHUNK and 'compression' in record.fields
        return False


def _parsed(data: memoryview, place: int) -> tuple[dict[str, bytes], int, int]:
    """Return the fields of a record in a chunk, and where its data start and end."""
    (length,) = _LENGTH.unpack_from(data, place)
    if length > len(data) - place - 8:
        raise DatasetError('a record in it is longer than the chunk')
    start = place + 8 + length
    (size,) = _LENGTH.unpack_from(data, start - 4)
    if size > len(data) - start:
        raise DatasetError('a record in it is longer than the chunk')
    return _fields(bytes(data[place + 4 : start - 4])), start, start + size


def _fields(data: bytes) -> dict[str, bytes]:
    fields: dict[str, bytes] = {}
    place = 0
    while place < len(data):
        (size,) = _LENGTH.unpack_from(data, place)
        place += 4
        name, equals, value = data[place : place + size].partition(b'=')
        if place + size > len(data) or not equals:
            raise DatasetError('the header of a record is damaged')
        fields[name.decode()] = value
        place += size
    return fields


def _nanoseconds(time: bytes) -> int:
    sec, nanosec = struct.unpack('<II', time)
    return int(sec) * 1_000_000_000 + int(nanosec)
