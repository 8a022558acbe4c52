"""From the bytes of a bag to CDR and to message objects, by the definitions that the bag holds."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lsd_ros.datasets.bag_storage import ZSTD_MAGIC
from lsd_ros.datasets.optional import require
from lsd_ros.errors import MessageError
from lsd_ros.messages.cdr import header_stamp_ns

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.typesys.store import Typestore

_log = logging.getLogger(__name__)
_HEADER = 'std_msgs/msg/Header'
_IDL_RULE = '=' * 80 + '\n'


class Codec:
    """Turns what one connection of a bag holds into CDR and into messages."""

    def __init__(self, typestore: Typestore, message_type: str, ros1: bool) -> None:
        """
        Set the codec up.

        :param message_type: with ``/msg/`` in the middle
        :param ros1: whether the bytes are serialised as ROS 1 does it
        """
        self.message_type = message_type
        self._typestore = typestore
        self._ros1 = ros1

    def to_cdr(self, data: bytes) -> bytes:
        """
        Return a message as CDR, decompressed and converted from ROS 1 where need be.

        :raises MessageError: the bytes are damaged, or their type is unknown
        """
        data = _decompressed(data)
        if not self._ros1:
            return bytes(data)
        try:
            return bytes(self._typestore.ros1_to_cdr(data, self.message_type))
        except _serde_errors() as error:
            raise self._damaged(error) from error

    def decode(self, cdr: bytes) -> Any:
        """
        Return the message object of a message in CDR.

        :raises MessageError: the bytes are damaged, or their type is unknown
        """
        try:
            return self._typestore.deserialize_cdr(cdr, self.message_type)
        except _serde_errors() as error:
            raise self._damaged(error) from error

    def header_stamp_ns(self, data: bytes) -> int:
        """
        Read the stamp of a message that starts with a header, without decoding the rest.

        :raises MessageError: the bytes are damaged
        """
        data = _decompressed(data)
        if not self._ros1:
            return header_stamp_ns(data)
        try:
            sec, nanosec = struct.unpack_from('<4xII', data)
        except struct.error as error:
            raise self._damaged(error) from error
        return int(sec) * 1_000_000_000 + int(nanosec)

    def _damaged(self, error: Exception) -> MessageError:
        detail = str(error) or type(error).__name__
        return MessageError(f'a {self.message_type} cannot be decoded: {detail}')


def codecs(connections: Iterable[Connection]) -> dict[int, Codec]:
    """Make the codec of every connection, by the ``id()`` of the connection."""
    connections = list(connections)
    typestore = _typestore(connections)
    return {
        id(connection): Codec(typestore, normalised(connection.msgtype), _is_ros1(connection))
        for connection in connections
    }


def normalised(message_type: str) -> str:
    """Return a type name with ``/msg/`` in it, which the earliest ROS 2 bags leave out."""
    package, _, name = message_type.rpartition('/')
    if not package or package.endswith(('/msg', '/srv', '/action')):
        return message_type
    return f'{package}/msg/{name}'


def _is_ros1(connection: Connection) -> bool:
    return getattr(connection.ext, 'serialization_format', 'ros1') == 'ros1'


def _typestore(connections: list[Connection]) -> Typestore:
    """Collect the definitions in the bag; those of ROS 2 Humble stand in for missing ones."""
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.typesys import Stores, get_typestore

    definitions: dict[str, Any] = {}
    defined = [c for c in connections if c.msgdef.format is not MessageDefinitionFormat.NONE]
    for connection in {connection.msgtype: connection for connection in defined}.values():
        definitions.update(_definitions(connection))
    if any(normalised(connection.msgtype) not in definitions for connection in connections):
        definitions = {**get_typestore(Stores.ROS2_HUMBLE).fielddefs, **definitions}
    if _HEADER in definitions:  # rosbags drops seq on the way from ROS 1 to CDR
        constants, fields = definitions[_HEADER]
        definitions[_HEADER] = (constants, [field for field in fields if field[0] != 'seq'])
    typestore = get_typestore(Stores.EMPTY)
    typestore.register(definitions)
    return typestore


def _definitions(connection: Connection) -> dict[str, Any]:
    """Parse the definition of a type and of those inside it; empty where not understood."""
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.typesys import TypesysError, get_types_from_idl, get_types_from_msg

    text = connection.msgdef.data
    try:
        if connection.msgdef.format is MessageDefinitionFormat.MSG:
            return dict(get_types_from_msg(text, normalised(connection.msgtype)))
        parts = text.split(_IDL_RULE) if text.startswith(_IDL_RULE) else [text]
        types: dict[str, Any] = {}
        for part in filter(None, parts):
            types.update(get_types_from_idl(part.partition('\n')[2] if len(parts) > 1 else part))
        return types
    except TypesysError as error:
        _log.warning('the definition of %s is not understood: %s', connection.msgtype, error)
        return {}


def _decompressed(data: bytes) -> bytes:
    """Undo the message compression of rosbag2; no CDR starts like a zstd frame."""
    if not data.startswith(ZSTD_MAGIC):
        return data
    zstandard = require('zstandard')
    try:
        return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(data))
    except zstandard.ZstdError as error:
        raise MessageError(f'a compressed message cannot be decompressed: {error}') from error


def _serde_errors() -> tuple[type[Exception], ...]:
    from rosbags.serde import SerdeError

    # the rest are what the generated code trips over in damaged bytes
    return (SerdeError, struct.error, ValueError, LookupError, TypeError, AssertionError)
