"""The files of a bag, whatever their format, as connections and CDR messages."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from lsd_ros.datasets.optional import require
from lsd_ros.datasets.salvage import Record, ScannedMcap, ScannedSqlite
from lsd_ros.errors import DatasetError

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

_log = logging.getLogger(__name__)

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
_MAGIC = {
    b'#ROSBAG V': 'rosbag1',
    b'\x89MCAP0\r\n': 'mcap',
    b'SQLite format 3\0': 'sqlite3',
    ZSTD_MAGIC: 'zstd',
}
_SUFFIXES = ('.bag', '.mcap', '.db3', '.zstd')


class Storage(Protocol):
    """
    One file of a bag, open for reading.

    ``start_ns`` and ``end_ns`` are the times of the first and last record [ns], None where there
    is none.
    """

    kind: str
    connections: list[Connection]
    start_ns: int | None
    end_ns: int | None

    def messages(self, connections: Collection[Connection]) -> Iterator[Record]:
        """Read the messages of some connections, as far as they are readable."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def kind_of(path: Path) -> str | None:
    """
    Tell the format of a file from its first bytes.

    :return: ``rosbag1``, ``mcap``, ``sqlite3``, ``zstd`` or None where it is something else
    :raises DatasetError: the file cannot be read
    """
    try:
        with path.open('rb') as file:
            start = file.read(16)
    except OSError as error:
        raise DatasetError(f'cannot read {path}: {error.strerror}') from error
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def bag_files(path: Path) -> list[Path]:
    """
    List the files that a bag consists of, in the order of recording.

    :param path: bag folder or lone file
    :raises DatasetError: there is no such path, or there is no bag in it
    """
    try:
        if not path.exists():
            raise DatasetError(f'{path} does not exist: give a bag folder or a bag file')
        if path.is_file():
            return [path]
        return _listed(path) or _found(path)
    except OSError as error:
        raise DatasetError(f'cannot read {path}: {error.strerror}') from error


def _listed(folder: Path) -> list[Path]:
    """List the files that metadata.yaml names; empty where it is missing or damaged."""
    try:
        metadata = yaml.safe_load((folder / 'metadata.yaml').read_text())
        names = metadata['rosbag2_bagfile_information']['relative_file_paths']
        files = [folder / Path(name).name for name in names]
    except FileNotFoundError:
        return []
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        _log.warning('%s is damaged, its folder is searched instead: %s', folder, error)
        return []
    missing = [file.name for file in files if not file.exists()]
    if missing:
        _log.warning('%s names files that are missing: %s', folder, ', '.join(missing))
    return [file for file in files if file.exists()]


def _found(folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.is_file()]
    if not files:
        raise DatasetError(
            f'{folder} is not a bag: it holds no .mcap, .db3 or .bag file; give the folder that '
            'holds metadata.yaml'
        )
    return sorted(files, key=lambda file: (len(file.name), file.name))


def open_storage(path: Path, stack: ExitStack) -> Storage:
    """
    Open one file of a bag; a truncated one is salvaged as far as it goes.

    :param stack: what closes the file, and removes what had to be decompressed
    :raises DatasetError: the file is empty, unreadable or not a bag
    """
    kind = kind_of(path)
    if kind == 'zstd':
        unpacked = _decompressed(path, stack)
        kind, path = kind_of(unpacked), unpacked
    if kind is None or kind == 'zstd':
        size = path.stat().st_size
        what = f'its {size} bytes do not start like one' if size else 'it is empty'
        raise DatasetError(
            f'{path} is not a bag: {what}; rosbag1 (.bag), mcap and sqlite3 (.db3) can be read'
        )
    require('rosbags')
    storage = {'rosbag1': _open_rosbag1, 'mcap': _open_mcap, 'sqlite3': _open_sqlite}[kind](path)
    stack.callback(storage.close)
    return storage


class IndexedStorage:
    """A sound file, through its index."""

    def __init__(self, path: Path, kind: str, reader: Any) -> None:
        """Take an open reader of rosbags over."""
        self.kind = kind
        self.connections: list[Connection] = list(reader.connections)
        times = getattr(reader, 'metadata', reader)
        empty = not any(connection.msgcount for connection in self.connections)
        self.start_ns = None if empty else int(times.start_time)
        self.end_ns = None if empty else int(times.end_time) - 1
        self._path = path
        self._reader = reader
        self._warned = False

    def messages(self, connections: Collection[Connection]) -> Iterator[Record]:
        """Read the messages of some connections up to the first damaged one."""
        count = 0
        try:
            for connection, stamp_ns, data in self._reader.messages(connections):
                yield Record(connection, stamp_ns, data)
                count += 1
        except _damage() as error:
            level = logging.DEBUG if self._warned else logging.WARNING
            self._warned = True
            _log.log(level, '%s breaks off after %d messages: %s', self._path, count, error)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def _open_rosbag1(path: Path) -> Storage:
    from rosbags.rosbag1 import Reader

    try:
        reader = Reader(path)
        reader.open()
    except _damage() as error:
        raise DatasetError(
            f'{path} is truncated or damaged ({error}): repair it with `rosbag reindex`'
        ) from error
    return IndexedStorage(path, 'rosbag1', reader)


def _open_mcap(path: Path) -> Storage:
    from rosbags.rosbag2.storage_mcap import McapReader

    reader = McapReader(path)
    try:
        reader.open()
    except _damage() as error:
        _log.debug('%s has no usable index: %s', path, error)
        return ScannedMcap(path)
    if not reader.chunks:  # rosbags refuses these where records are out of order
        reader.close()
        return ScannedMcap(path)
    return IndexedStorage(path, 'mcap', reader)


def _open_sqlite(path: Path) -> Storage:
    from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader

    reader = Sqlite3Reader(path)
    try:
        reader.open()
    except _damage() as error:
        _log.debug('%s cannot be read in order: %s', path, error)
        return ScannedSqlite(path)
    return IndexedStorage(path, 'sqlite3', reader)


def _damage() -> tuple[type[Exception], ...]:
    """Return what rosbags and its storage libraries raise on damaged files."""
    import apsw
    from rosbags.rosbag1 import ReaderError as ReaderError1
    from rosbags.rosbag2 import ReaderError as ReaderError2

    # the rest are what their parsers trip over in garbage
    parsers = (ValueError, LookupError, TypeError, AssertionError, EOFError, RuntimeError)
    return (ReaderError1, ReaderError2, apsw.Error, sqlite3.Error, OSError, *parsers)


def _decompressed(path: Path, stack: ExitStack) -> Path:
    zstandard = require('zstandard')
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='lsd_ros_')))
    unpacked = folder / path.stem
    try:
        with path.open('rb') as source, unpacked.open('wb') as target:
            zstandard.ZstdDecompressor().copy_stream(source, target)
    except (OSError, zstandard.ZstdError) as error:
        raise DatasetError(f'cannot decompress {path}: {error}') from error
    return unpacked
