"""
Databases of rosbag2, with what lies in their write-ahead log, read without changing anything.

SQLite has no checksums: a damaged page shows when its rows are read. Those rows are skipped.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsd_ros.bags.storage import Damage, Record
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode, iterated
from lsd_ros.foreign.files import open_file
from lsd_ros.foreign.limits import MEBI, limits

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, MessageDefinition

_TABLES = ('topics', 'messages')
_LIMIT_LENGTH = 0  # SQLITE_LIMIT_LENGTH
_ROW_BYTES = 8  # no row is smaller: more of them than fit into the file are those of a loop


class SqliteFile:
    """
    A rosbag2 database; of a damaged one, the rows that can be read.

    :raises DatasetError: it is no rosbag2 database, or not one message is readable
    """

    kind = 'sqlite3'

    def __init__(self, path: Path) -> None:
        """Read the topics, and count the messages."""
        self.path = path
        self.damage = Damage(path)
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        open_file(path, DatasetError).close()  # says what is wrong with a path better than SQLite
        self._files = [path, *_beside(path, '-wal')]
        self._most_rows = sum(file.stat().st_size for file in self._files) // _ROW_BYTES
        with ForeignCode(DatasetError, f'{path} cannot be read'):
            self._database = _connected(path, with_log=len(self._files) > 1)
        try:
            self.connections = self._connections(self._counted())
        except BaseException:
            self.close()
            raise
        if _beside(path, '-journal'):
            self.damage.note('journal', 'its recorder was stopped while it wrote (-journal)')

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def messages(self, connections: Collection[Connection]) -> Iterator[Record]:
        """Read the messages of some connections in the order of their stamps."""
        wanted = {connection.id: connection for connection in connections}
        last = (-(2**63), -(2**63))  # stamp and id of the last row
        try:
            for row, key, stamp_ns, data in self._whole(list(wanted)):
                last = (stamp_ns, row)
                if isinstance(data, bytes):
                    yield Record(wanted[key], stamp_ns, data)
            return
        except DatasetError:
            pass  # a page is damaged: go on row by row
        for row, key, stamp_ns in self._in_order(wanted, last):
            content = self._data(row, key, stamp_ns)
            if content is not None:
                yield Record(wanted[key], stamp_ns, content)

    def _counted(self) -> Counter[int]:
        """Count the messages by topic, and find the first and the last stamp."""
        try:
            with ForeignCode(DatasetError, 'its pages are damaged'):
                rows = self._database.execute(
                    'SELECT topic_id, count(*), min(timestamp), max(timestamp) FROM messages '
                    'GROUP BY topic_id'
                ).fetchall()
                counts = Counter({int(key): int(count) for key, count, _, _ in rows})
                stamps = [int(stamp) for row in rows for stamp in row[2:]]
                # a file that was cut off has its messages on pages that are not there any more
                self._database.execute(
                    'SELECT length(data) FROM messages ORDER BY id DESC LIMIT 1'
                ).fetchall()
                if _is_cut(self._files):
                    raise DatasetError('it is shorter than its header says')
        except DatasetError as error:
            counts, stamps = self._salvaged()
            self.damage.note_salvaged(sum(counts.values()), str(error))
        if stamps:
            self.start_ns, self.end_ns = min(stamps), max(stamps)
        return counts

    def _salvaged(self) -> tuple[Counter[int], list[int]]:
        _check_tables(self._database, self.path)
        counts: Counter[int] = Counter()
        stamps: list[int] = []
        for row in self._by_row():
            if self._data(*row) is not None:
                counts[row[1]] += 1
                stamps = [min([row[2], *stamps]), max([row[2], *stamps])]
        return counts, stamps

    def _whole(self, wanted: list[int]) -> Iterator[tuple[int, int, int, Any]]:
        """
        Yield id, topic, stamp and data of each row of some topics by its stamp.

        :raises DatasetError: the next row is damaged
        """
        marks = ','.join('?' * len(wanted))
        with ForeignCode(DatasetError, 'its pages are damaged'):
            found = self._database.execute(
                'SELECT id, topic_id, timestamp, data FROM messages '
                f'WHERE topic_id IN ({marks}) ORDER BY timestamp, id',
                wanted,
            )
        with closing(found):
            for row in iterated(found, DatasetError, 'its pages are damaged'):
                if all(isinstance(value, int) for value in row[:3]):
                    yield row

    def _in_order(
        self, wanted: Collection[int], last: tuple[int, int]
    ) -> Iterator[tuple[int, int, int]]:
        """
        Yield id, topic and stamp of each row by its stamp; behind damage, by its id.

        :param last: stamp and id of the row to go on behind
        """
        start = last
        try:
            for row in self._rows(
                'SELECT id, topic_id, timestamp FROM messages ORDER BY timestamp, id'
            ):
                last = max(last, (row[2], row[0]))
                if row[1] in wanted and (row[2], row[0]) > start:
                    yield row
            return
        except DatasetError as error:
            self.damage.note('order', f'some of its messages cannot be read: {error}')
        for row in self._by_row():
            if (row[2], row[0]) > last and row[1] in wanted:
                yield row

    def _by_row(self) -> Iterator[tuple[int, int, int]]:
        """Yield the rows by their id; where a page is damaged, try again further on."""
        start, step = -(2**63), 1
        highest = self._highest()
        left = self._most_rows  # in all: damaged pages may give the same rows again and again
        while start <= highest and left > 0:
            try:
                for row in self._rows(
                    'SELECT id, topic_id, timestamp FROM messages NOT INDEXED '
                    f'WHERE id >= {start} ORDER BY id'
                ):
                    left -= 1
                    if left <= 0:
                        return
                    if row[0] >= start:  # else it was asked for before
                        start, step = row[0] + 1, 1
                        yield row
                return
            except DatasetError:
                left -= 1
                start, step = max(start, 0) + step, 2 * step

    def _highest(self) -> int:
        try:
            with ForeignCode(DatasetError, 'its pages are damaged'):
                found = self._database.execute('SELECT max(id) FROM messages').fetchone()[0]
                return min(int(found or 0), self._most_rows)
        except DatasetError:
            return self._most_rows

    def _rows(self, query: str) -> Iterator[tuple[int, int, int]]:
        with ForeignCode(DatasetError, 'its pages are damaged'):
            found = self._database.execute(query)
        count = 0
        with closing(found):
            for row in iterated(found, DatasetError, 'its pages are damaged'):
                count += 1
                if count > self._most_rows:
                    raise DatasetError('its pages point to each other in a circle')
                if all(isinstance(value, int) for value in row):
                    yield row

    def _data(self, row: int, key: int, stamp_ns: int) -> bytes | None:
        """Return the data of a row; None where they cannot be read."""
        problem = 'it is no blob'
        try:
            with ForeignCode(DatasetError, 'its page is damaged'):
                found = self._database.execute('SELECT data FROM messages WHERE id = ?', (row,))
                (data,) = found.fetchone() or (None,)
                if isinstance(data, bytes):
                    return data
        except DatasetError as error:
            problem = str(error)
        self.damage.note(
            row, f'message {row} of {stamp_ns} ns cannot be read: {problem}', {key: 1}
        )
        return None

    def _connections(self, counts: Counter[int]) -> list[Connection]:
        from rosbags.interfaces import Connection, ConnectionExtRosbag2

        definitions = self._definitions()
        with ForeignCode(DatasetError, f'{self.path} is no rosbag2 database, or too damaged'):
            _check_tables(self._database, self.path)
            topics = self._database.execute(
                'SELECT id, name, type, serialization_format FROM topics ORDER BY id'
            ).fetchall()
            return [
                Connection(
                    int(key),
                    str(name),
                    str(kind),
                    definitions.get(str(kind), _nothing()),
                    '',
                    counts[key],
                    ConnectionExtRosbag2(str(form), []),
                    None,
                )
                for key, name, kind, form in topics
            ]

    def _definitions(self) -> dict[str, MessageDefinition]:
        """Read the message definitions, which databases have since ROS 2 Iron."""
        from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat

        formats = {
            'ros2msg': MessageDefinitionFormat.MSG,
            'ros2idl': MessageDefinitionFormat.IDL,
        }
        try:
            with ForeignCode(DatasetError, 'there are none'):
                rows = self._database.execute(
                    'SELECT topic_type, encoding, encoded_message_definition '
                    'FROM message_definitions'
                ).fetchall()
        except DatasetError:
            return {}
        return {
            str(kind): MessageDefinition(formats[form], str(text))
            for kind, form, text in rows
            if form in formats
        }


def _connected(path: Path, *, with_log: bool) -> sqlite3.Connection:
    """
    Open a database without writing anything, not even the index of a write-ahead log.

    The VFS ``unix-none`` locks nothing and an exclusive connection keeps that index in memory, so
    that a log is read even from media that cannot be written.
    """
    options = 'mode=ro&vfs=unix-none' if with_log else 'mode=ro&immutable=1'
    # a URI, in which the path must be quoted: # and ? end it otherwise
    database = sqlite3.connect(f'{path.absolute().as_uri()}?{options}', uri=True)
    try:
        database.text_factory = lambda data: data.decode(errors='replace')
        if with_log:
            database.execute('PRAGMA locking_mode=EXCLUSIVE')
        database.execute('PRAGMA trusted_schema=OFF')
        # SQLite refuses a file that is shorter than its header says, unless it is to be repaired
        database.execute('PRAGMA writable_schema=ON')
        if hasattr(database, 'setlimit'):  # since Python 3.11
            most = min(2**31 - 1, int(limits().unpacked_mib * MEBI))
            database.setlimit(_LIMIT_LENGTH, most)
        _check_tables(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _check_tables(database: sqlite3.Connection, path: Path) -> None:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    missing = [table for table in _TABLES if (table,) not in found]
    if missing:
        raise DatasetError(f'{path} is no rosbag2 database: it has no table {missing[0]}')


def _is_cut(files: list[Path]) -> bool:
    """Tell whether a database is shorter than its header says; a log may hold the rest."""
    if len(files) > 1:
        return False
    with open_file(files[0], DatasetError) as file:
        header = file.read(100)
    page = int.from_bytes(header[16:18], 'big')
    pages = int.from_bytes(header[28:32], 'big')
    return files[0].stat().st_size < (65536 if page == 1 else page) * pages


def _beside(path: Path, ending: str) -> list[Path]:
    file = path.with_name(path.name + ending)
    return [file] if file.is_file() and file.stat().st_size else []


def _nothing() -> MessageDefinition:
    from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat

    return MessageDefinition(MessageDefinitionFormat.NONE, '')
