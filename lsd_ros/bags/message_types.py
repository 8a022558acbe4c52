"""From the bytes of a bag to CDR and to message objects, by the definitions that the bag holds."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from lsd_ros.bags.bag_files import ZSTD_MAGIC
from lsd_ros.bags.decompression import unpacked
from lsd_ros.errors import MessageError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.messages.cdr import header_stamp_ns

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, MessageDefinition
    from rosbags.typesys.store import Typestore

_log = logging.getLogger(__name__)
_HEADER = 'std_msgs/msg/Header'
_IDL_RULE = '=' * 80 + '\n'


class Codec:
    """
    Turns what one connection of a bag holds into CDR and into messages.

    Definitions are looked into when the first message is decoded: one that is not understood costs
    its own topic, and that only if it is asked for.
    """

    def __init__(self, connection: Connection) -> None:
        """Set the codec up."""
        self.message_type = normalised(connection.msgtype)
        self._connection = connection
        form = getattr(connection.ext, 'serialization_format', 'ros1')
        self._ros1 = form == 'ros1'

    def to_cdr(self, data: bytes) -> bytes:
        """
        Return a message as CDR, decompressed and converted from ROS 1 where need be.

        :raises MessageError: the bytes are damaged, or their type is unknown
        """
        data = _decompressed(data)
        if not self._ros1:
            return bytes(data)
        with self._door():
            return bytes(self._typestore.ros1_to_cdr(data, self.message_type))

    def decode(self, cdr: bytes) -> Any:
        """
        Return the message object of a message in CDR.

        :raises MessageError: the bytes are damaged, or their type is unknown
        """
        with self._door():
            return self._typestore.deserialize_cdr(cdr, self.message_type)

    def header_stamp_ns(self, data: bytes) -> int:
        """
        Read the stamp of a message that starts with a header, without decoding the rest.

        :raises MessageError: the bytes are damaged
        """
        data = _decompressed(data)
        if not self._ros1:
            return header_stamp_ns(data)
        with self._door():
            sec, nanosec = struct.unpack_from('<4xII', data)
            return int(sec) * 1_000_000_000 + int(nanosec)

    def _door(self) -> ForeignCode:
        return ForeignCode(MessageError, f'a {self.message_type} cannot be decoded')

    @cached_property
    def _typestore(self) -> Typestore:
        return _typestore(self._connection.msgtype, self._connection.msgdef)


def codecs(connections: Iterable[Connection]) -> dict[int, Codec]:
    """Make the codec of every connection, by the ``id()`` of the connection."""
    return {id(connection): Codec(connection) for connection in connections}


def normalised(message_type: str) -> str:
    """Return a type name with ``/msg/`` in it, which the earliest ROS 2 bags leave out."""
    package, _, name = message_type.rpartition('/')
    if not package or package.endswith(('/msg', '/srv', '/action')):
        return message_type
    return f'{package}/msg/{name}'


@lru_cache(maxsize=256)  # files of one bag, and bags of one robot, say the same
def _typestore(message_type: str, definition: MessageDefinition) -> Typestore:
    """Collect the definitions of one type; those of ROS 2 Humble stand in for missing ones."""
    from rosbags.typesys import Stores, get_typestore

    definitions = _definitions(message_type, definition)
    if normalised(message_type) not in definitions or _is_incomplete(definitions):
        definitions = {**_humble(), **definitions}
    if _HEADER in definitions:  # rosbags drops seq on the way from ROS 1 to CDR
        constants, fields = definitions[_HEADER]
        definitions[_HEADER] = (constants, [field for field in fields if field[0] != 'seq'])
    typestore = get_typestore(Stores.EMPTY)
    typestore.register(definitions)
    return typestore


def _definitions(message_type: str, definition: MessageDefinition) -> dict[str, Any]:
    """Parse the definition of a type and of those inside it; empty where not understood."""
    from rosbags.interfaces import MessageDefinitionFormat

    if definition.format is MessageDefinitionFormat.NONE:
        return {}
    problem = f'the definition of {message_type} is not understood'
    try:
        with ForeignCode(MessageError, problem):
            return _parsed(definition, normalised(message_type))
    except MessageError as error:
        _log.warning('%s', error)
        return {}


def _parsed(definition: MessageDefinition, message_type: str) -> dict[str, Any]:
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.typesys import get_types_from_idl, get_types_from_msg

    text = definition.data
    if definition.format is MessageDefinitionFormat.MSG:
        return dict(get_types_from_msg(text, message_type))
    parts = text.split(_IDL_RULE) if text.startswith(_IDL_RULE) else [text]
    types: dict[str, Any] = {}
    for part in filter(None, parts):
        types.update(get_types_from_idl(part.partition('\n')[2] if len(parts) > 1 else part))
    return types


def _is_incomplete(definitions: dict[str, Any]) -> bool:
    """Tell whether a field is of a type that is not among the definitions."""
    from rosbags.interfaces import Nodetype

    def names(descriptor: Any) -> Iterator[str]:
        kind, content = descriptor
        if kind == Nodetype.NAME:
            yield content
        elif kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            yield from names(content[0])

    return any(
        name not in definitions
        for _, fields in definitions.values()
        for _, descriptor in fields
        for name in names(descriptor)
    )


@cache
def _humble() -> dict[str, Any]:
    from rosbags.typesys import Stores, get_typestore

    return dict(get_typestore(Stores.ROS2_HUMBLE).fielddefs)


def _decompressed(data: bytes) -> bytes:
    """Undo the message compression of rosbag2; no CDR starts like a zstd frame."""
    if not data.startswith(ZSTD_MAGIC):
        return data
    return bytes(unpacked(data, 'zstd', MessageError))
