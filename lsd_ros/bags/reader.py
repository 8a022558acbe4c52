"""
Bags of ROS 1 and ROS 2: their topics and messages.

Damage costs what is damaged and nothing else: a file, a chunk, a row or a message. The log and
:attr:`BagReader.damage` say what it was; a message that is damaged raises when it is decoded, so
that the others can be had.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsd_ros.bags import message_types
from lsd_ros.bags.bag_files import bag_files, open_storage
from lsd_ros.bags.storage import Storage
from lsd_ros.errors import DatasetError

if TYPE_CHECKING:
    from types import TracebackType

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Topic:
    """One topic of a bag."""

    name: str
    type: str
    count: int


@dataclass(frozen=True)
class BagMessage:
    """
    One message of a bag, decoded when it is asked for.

    :param stamp_ns: when it was recorded [ns]
    :param data: as it lies in the bag, maybe compressed or in the serialisation of ROS 1
    """

    topic: str
    type: str
    stamp_ns: int
    data: bytes
    codec: message_types.Codec

    @cached_property
    def raw(self) -> bytes:
        """
        Return the message as CDR.

        :raises MessageError: the bytes are damaged, or their type is unknown
        """
        return self.codec.to_cdr(self.data)

    @cached_property
    def message(self) -> Any:
        """
        Return the message object, as rosbags makes it.

        :raises MessageError: the bytes are damaged, or their type is unknown
        """
        return self.codec.decode(self.raw)

    @property
    def header_stamp_ns(self) -> int:
        """
        Return the stamp of the header that the message starts with [ns], without decoding it.

        :raises MessageError: the bytes are damaged
        """
        return self.codec.header_stamp_ns(self.data)


class BagReader:
    """
    A bag, open for reading: rosbag1, rosbag2 sqlite3 or mcap, a folder or a lone file.

    :param path: bag folder (metadata.yaml is not needed) or bag file
    :raises DatasetError: the path is missing, unreadable, empty or not a bag
    """

    def __init__(self, path: str | Path) -> None:
        """Open the bag."""
        self.path = Path(path)
        with ExitStack() as stack:
            self._files = bag_files(self.path)
            self._unreadable: list[str] = []
            self.storages = self._opened(stack)
            self._codecs = message_types.codecs(
                connection for storage in self.storages for connection in storage.connections
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> BagReader:
        """Return the reader; it is open already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bag."""
        self.close()

    def close(self) -> None:
        """Close the files of the bag."""
        self._stack.close()

    @property
    def size_bytes(self) -> int:
        """Return the size of all files of the bag."""
        return sum(file.stat().st_size for file in self._files)

    @property
    def damage(self) -> list[str]:
        """
        Return what cannot be read, a sentence each.

        What is damaged behind an index shows only when it is read.
        """
        sentences = [one for storage in self.storages for one in storage.damage.sentences]
        return self._unreadable + sentences

    def lost(self, topic: str) -> int:
        """Return how many messages of a topic were found to be damaged, as far as is known."""
        return sum(
            storage.damage.lost[connection.id]
            for storage in self.storages
            for connection in storage.connections
            if connection.topic == topic
        )

    def topics(self) -> list[Topic]:
        """Return every topic, by name, with the number of its messages."""
        counts: Counter[tuple[str, str]] = Counter()
        for storage in self.storages:
            for connection in storage.connections:
                kind = self._codecs[id(connection)].message_type
                counts[connection.topic, kind] += connection.msgcount
        return [Topic(name, kind, count) for (name, kind), count in sorted(counts.items())]

    def messages(self, topics: Sequence[str] | None = None) -> Iterator[BagMessage]:
        """
        Read messages in the order of recording.

        Files without an index are read in the order in which they were written.

        :param topics: names; None: all
        :raises DatasetError: one of the topics is not in the bag
        """
        if topics is not None:
            self._check_known(topics)
        return self._messages(None if topics is None else set(topics))

    def _opened(self, stack: ExitStack) -> list[Storage]:
        """Open every file; one of several that cannot be read costs only itself."""
        storages: list[Storage] = []
        for file in self._files:
            try:
                storages.append(open_storage(file, stack))
            except DatasetError as error:
                if len(self._files) == 1:
                    raise
                self._unreadable.append(str(error))
        if not storages:
            raise DatasetError(f'{self.path}: {"; ".join(self._unreadable)}')
        for sentence in self._unreadable:
            _log.warning('%s', sentence)
        return storages

    def _check_known(self, topics: Sequence[str]) -> None:
        known = {topic.name for topic in self.topics()}
        for topic in topics:
            if topic not in known:
                raise DatasetError(
                    f'{self.path} has no topic {topic!r}: its topics are '
                    f'{", ".join(sorted(known)) or "none"}'
                )

    def _messages(self, topics: set[str] | None) -> Iterator[BagMessage]:
        for storage in self.storages:
            wanted = [c for c in storage.connections if topics is None or c.topic in topics]
            if not wanted:
                continue
            for connection, stamp_ns, data in storage.messages(wanted):
                codec = self._codecs[id(connection)]
                yield BagMessage(connection.topic, codec.message_type, stamp_ns, data, codec)
