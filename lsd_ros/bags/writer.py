"""
Bags for ROS 2: mcap or sqlite3, whole or not at all, the same bytes for the same messages.

Metadata is of version 8, the newest that ROS 2 Humble reads as well as Kilted; message definitions
lie in the bag, so that Foxglove and foreign machines can read it without the packages.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lsd_ros.bags.reader import BagReader
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import AtomicFolder
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.foreign.optional import require
from lsd_ros.foreign.printable import printable
from lsd_ros.foreign.yaml_text import parse_yaml
from lsd_ros.messages.types import RosbagsTypes

if TYPE_CHECKING:
    from types import TracebackType

    from rosbags.interfaces import Connection, Qos
    from rosbags.typesys.store import Typestore

STORAGES = ('mcap', 'sqlite3')
_METADATA_VERSION: Literal[8] = 8
_LATCHED = ('/tf_static',)


def check_name(path: Path) -> None:
    """
    Check that the metadata of a bag can tell its name.

    :raises DatasetError: the name is not of UTF-8
    """
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f'{printable(str(path))} cannot be written: the metadata of a bag tells its name in '
            'UTF-8; choose another name'
        ) from error


def bag_names(path: Path) -> set[str]:
    """Return the names of the files that a bag folder has by its metadata, and of ours in it."""
    names = {'metadata.yaml', 'config.yaml'}
    with suppress(DatasetError), ForeignCode(DatasetError, f'{path} has no sound metadata'):
        text = read_text(path / 'metadata.yaml', DatasetError)
        metadata = parse_yaml(text, str(path), DatasetError)
        files = metadata['rosbag2_bagfile_information']['relative_file_paths']
        for name in files if isinstance(files, list) else ():
            names |= {str(name), f'{name}-wal', f'{name}-shm'}
    return names


class BagWriter:
    """
    A bag that appears at its path only when the ``with`` block ends without an error.

    :param path: bag folder to make
    :param storage: ``mcap`` or ``sqlite3``
    :param overwrite: whether a file or folder at the path is replaced; it stays if writing fails
    :raises DatasetError: the path exists, cannot be written, or the storage is unknown
    """

    def __init__(
        self, path: str | Path, storage: str = 'mcap', *, overwrite: bool = False
    ) -> None:
        """Check the arguments; nothing is written yet."""
        self.path = Path(path)
        if storage not in STORAGES:
            raise DatasetError(f'storage {storage!r} is unknown: choose {" or ".join(STORAGES)}')
        check_name(self.path)
        own = bag_names(self.path) if overwrite else set[str]()
        self._staging = AtomicFolder(self.path, overwrite=overwrite, is_ours=own.__contains__)
        self._storage = storage
        self._typestore = _typestore()
        self.types = RosbagsTypes(self._typestore)
        self._connections: dict[str, Connection] = {}
        self._writer: Any = None

    def __enter__(self) -> BagWriter:
        """Open a bag beside the path, under a name of its own."""
        from rosbags.rosbag2 import StoragePlugin, Writer

        self._folder = self._staging.open()
        try:
            plugin = StoragePlugin[self._storage.upper()]
            writer = _quoting_writer() if self._storage == 'sqlite3' else Writer
            self._writer = writer(self._folder, version=_METADATA_VERSION, storage_plugin=plugin)
            self._writer.open()
        except BaseException as error:  # an interrupt, too, must leave nothing
            self._staging.discard()
            with self._door():
                raise error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the bag where it belongs; after an error, remove it."""
        writer, self._writer = self._writer, None
        try:
            if kind is not None:
                with suppress(Exception):  # what matters is the error that is on its way
                    writer.abort()
                return
            with self._door():
                writer.close()
            self._check_readable(dict(writer.counts))
            self._staging.commit()
        finally:
            self._staging.discard()

    def add(self, topic: str, message: Any, stamp_ns: int) -> None:
        """
        Write a message made by :attr:`types`.

        :param stamp_ns: time of the record [ns]
        :raises DatasetError: the topic holds another type, or the message cannot be serialised
        """
        message_type = message.__msgtype__
        with ForeignCode(DatasetError, f'cannot serialise a {message_type} for {topic}'):
            raw = self._typestore.serialize_cdr(message, message_type, little_endian=True)
        self.add_raw(topic, message_type, raw, stamp_ns)

    def add_raw(
        self, topic: str, message_type: str, raw: bytes | memoryview, stamp_ns: int
    ) -> None:
        """
        Write a message that is CDR already.

        :param message_type: with ``/msg/`` in the middle
        :param stamp_ns: time of the record [ns]
        :raises DatasetError: the topic holds another type, the type is unknown, or the stamp is
            negative
        """
        if self._writer is None:
            raise DatasetError(f'{self.path} is not open: write inside a with block')
        if stamp_ns < 0:
            raise DatasetError(f'stamp {stamp_ns} ns on {topic} is negative: a bag cannot hold it')
        connection = self._connections.get(topic) or self._connect(topic, message_type)
        if connection.msgtype != message_type:
            raise DatasetError(
                f'{topic} holds {connection.msgtype}: {message_type} needs another topic'
            )
        with self._door():
            self._writer.write(connection, stamp_ns, raw)

    def add_text(self, name: str, text: str) -> None:
        """
        Put a text file beside the messages; readers of bags ignore it.

        :raises DatasetError: the file cannot be written
        """
        if self._writer is None:
            raise DatasetError(f'{self.path} is not open: write inside a with block')
        with self._door():
            (self._folder / name).write_text(printable(text), encoding='utf-8')

    def register(self, definitions: dict[str, Any]) -> None:
        """
        Make further message types known, for :meth:`add_raw`.

        :param definitions: as ``rosbags.typesys.get_types_from_msg`` gives them
        """
        self._typestore.register(definitions)

    def _connect(self, topic: str, message_type: str) -> Connection:
        if message_type not in self._typestore.fielddefs:
            raise DatasetError(
                f'{topic}: message type {message_type!r} is unknown: register its definition'
            )
        with self._door():
            connection: Connection = self._writer.add_connection(
                topic,
                message_type,
                typestore=self._typestore,
                offered_qos_profiles=[_qos(latched=topic in _LATCHED)],
            )
        self._connections[topic] = connection
        return connection

    def _check_readable(self, counts: dict[int, int]) -> None:
        """
        Read the bag by its name, before it is announced.

        :raises DatasetError: it does not hold what was written
        """
        wanted = {topic: counts[c.id] for topic, c in self._connections.items()}
        with BagReader(self._folder) as bag:
            found = {topic.name: topic.count for topic in bag.topics()}
            if found != wanted or bag.damage:
                raise DatasetError(
                    f'cannot write {self.path}: what was written there cannot be read again '
                    f'({found} messages instead of {wanted}): try another folder'
                )

    def _door(self) -> ForeignCode:
        return ForeignCode(DatasetError, f'cannot write {self.path}')


def _quoting_writer() -> Any:
    """
    Return a writer of databases whose folder may have any name.

    That of rosbags hands the path to SQLite as a URI as it is, in which # and ? end a path, and %
    starts a character.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer

    class QuotingSqlite3Writer(Sqlite3Writer):
        def __init__(self, path: Path, compression: Any) -> None:
            self.path = path / f'{path.name}.db3'
            self.conn = sqlite3.connect(self.path.absolute().as_uri(), uri=True)
            self.conn.executescript(self.SQLITE_SCHEMA)
            self.cursor = self.conn.cursor()

    class QuotingWriter(Writer):
        pass

    plugins = {**Writer.STORAGE_PLUGINS, StoragePlugin.SQLITE3: QuotingSqlite3Writer}
    QuotingWriter.STORAGE_PLUGINS = plugins
    return QuotingWriter


def _typestore() -> Typestore:
    require('rosbags')
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_HUMBLE)


def _qos(latched: bool) -> Qos:
    """Return what ``ros2 bag play`` shall offer: reliable, as the node publishes."""
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    forever = QosTime(9223372036, 854775807)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )
