"""What every file of a bag offers, whatever its format, and the chunks that two of them share."""

from __future__ import annotations

import heapq
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import open_file
from lsd_ros.foreign.printable import printable

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

# Messages of chunks that overlap in time wait for their turn; beyond this they come early.
HELD_BYTES = 256 * 2**20
_LOGGED_SENTENCES = 10
_log = logging.getLogger(__name__)


class Record(NamedTuple):
    """One message as it lies in the file; compressed or in ROS 1 serialisation as it may be."""

    connection: Connection
    stamp_ns: int
    data: bytes


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
    damage: Damage

    def messages(self, connections: Collection[Connection]) -> Iterator[Record]:
        """Read the messages of some connections, as far as they are readable."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Damage:
    """
    What of a file cannot be read.

    ``sentences`` name it, ``lost`` counts messages by the id of their connection, as far as an
    index says how many there were.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[object] = set()
        self.sentences: list[str] = []
        self.lost: Counter[int] = Counter()

    def note(self, key: object, sentence: str, lost: Mapping[int, int] | None = None) -> None:
        """
        Note what cannot be read, and warn of it; what is noted already is not noted again.

        :param key: what tells it from others of the same file
        """
        if key in self._seen:
            return
        self._seen.add(key)
        self.lost.update(lost or {})
        self.sentences.append(f'{printable(str(self._path))}: {printable(sentence)}')
        if len(self.sentences) <= _LOGGED_SENTENCES:
            _log.warning('%s', self.sentences[-1])
        if len(self.sentences) == _LOGGED_SENTENCES:
            _log.warning('further damage of %s is only counted', self._path)

    def note_salvaged(self, count: int, why: str) -> None:
        """
        Note that a whole file could only be salvaged.

        :param count: of messages that were
        :raises DatasetError: there are none
        """
        if not count:
            raise DatasetError(
                f'{self._path} is truncated before its first whole message, or damaged: nothing '
                f'can be salvaged ({why})'
            )
        self.note(
            'salvaged', f'it is truncated or damaged ({why}): {count} messages were salvaged'
        )


class Chunk(NamedTuple):
    """
    A part of a file that is read as a whole.

    :param place: of its first byte
    :param start_ns: of its first message
    :param end_ns: of its last message
    :param size: how many bytes there are of it
    :param cut: whether its end is not there
    """

    place: int
    start_ns: int
    end_ns: int
    size: int
    cut: bool = False


Message = tuple[int, int, bytes]  # id of the connection, stamp [ns], data
Found = tuple[int, int, memoryview]  # the same, while it lies in its chunk


class ChunkedStorage(ABC):
    """
    A file that consists of chunks: a damaged one costs its own messages alone.

    :param path: of the file
    """

    kind = ''

    def __init__(self, path: Path) -> None:
        """Read the index, or scan the file once where there is none."""
        self.path = path
        self.damage = Damage(path)
        self.connections: list[Connection] = []
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        self._chunks: list[Chunk] = []
        self._verified: set[int] = set()  # places of chunks whose CRC was right once
        self._file = open_file(path, DatasetError)
        try:
            self._size = path.stat().st_size
            if not self._read_index():
                self._scan()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @abstractmethod
    def _read_index(self) -> bool:
        """Take everything from the index; False where that is not whole."""

    @abstractmethod
    def _scan(self) -> None:
        """
        Read the file once, for what its index does not say.

        :raises DatasetError: not one message is readable
        """

    def messages(self, connections: Collection[Connection]) -> Iterator[Record]:
        """Read the messages of some connections in the order of their stamps."""
        wanted = {connection.id: connection for connection in connections}
        for key, stamp_ns, data in self._merged(wanted):
            yield Record(wanted[key], stamp_ns, data)

    @abstractmethod
    def _unpacked(self, chunk: Chunk) -> Iterator[Found]:
        """
        Read the messages of a chunk, in the order in which they were written.

        :raises LsdError: it is damaged
        """

    def _lost(self, chunk: Chunk) -> Mapping[int, int]:
        """Count the messages of a damaged chunk by connection, as far as an index knows."""
        return {}

    def _readable(self, chunk: Chunk, wanted: Collection[int]) -> list[Message]:
        found: list[Message] = []
        read: Counter[int] = Counter()
        try:
            with ForeignCode(DatasetError, 'it is damaged'):
                for key, stamp_ns, data in self._unpacked(chunk):
                    read[key] += 1
                    if key in wanted:
                        found.append((key, stamp_ns, bytes(data)))
        except LsdError as error:
            sentence = f'the chunk of {chunk.size} bytes at byte {chunk.place} cannot be read'
            lost = Counter(self._lost(chunk)) - read
            count = sum(lost.values())
            lost_here = f', which costs {count} messages' if count else ''
            self.damage.note(chunk.place, f'{sentence}{lost_here}: {error}', lost)
        return found

    def _merged(self, wanted: Collection[int]) -> Iterator[Message]:
        waiting: list[tuple[int, int, Message]] = []
        number = held = 0
        chunks = sorted(self._chunks, key=lambda chunk: (chunk.start_ns, chunk.place))
        for chunk in chunks:
            while waiting and (waiting[0][0] < chunk.start_ns or held > HELD_BYTES):
                message = heapq.heappop(waiting)[2]
                held -= len(message[2])
                yield message
            for message in self._readable(chunk, wanted):
                heapq.heappush(waiting, (message[1], number, message))
                number += 1
                held += len(message[2])
        while waiting:
            yield heapq.heappop(waiting)[2]
