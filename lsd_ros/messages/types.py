"""Where message classes come from: one interface for rclpy and for rosbags."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Protocol

import numpy as np

from lsd_ros.errors import MessageError


class MessageTypes(Protocol):
    """
    Make messages by name, so that one encoder serves every family of message classes.

    Field names are those of ROS 2. Arrays come as contiguous numpy arrays of the field's own type
    (uint8, float32 or float64); an implementation turns them into what its classes hold.
    """

    def make(self, name: str, /, **fields: Any) -> Any:
        """
        Make a message.

        :param name: for example ``sensor_msgs/msg/Image``
        :raises MessageError: there is no such type
        """
        ...


class RosbagsTypes:
    """
    The message classes of a rosbags typestore, of ROS 2 or of ROS 1.

    Their arrays share memory with what they were made from.

    :param typestore: as given by ``rosbags.typesys.get_typestore``
    """

    def __init__(self, typestore: Any) -> None:
        self._types = typestore.types

    def make(self, name: str, /, **fields: Any) -> Any:
        """Make a message; fields that only ROS 1 has get their names and defaults here."""
        if name not in self._types:
            raise MessageError(f'message type {name!r} is not in this typestore: register it')
        message_class = self._types[name]
        known = _field_names(message_class)
        fields = {key if key in known else key.upper(): value for key, value in fields.items()}
        if 'seq' in known:
            fields.setdefault('seq', 0)
        return message_class(**fields)


@functools.lru_cache(maxsize=256)
def _field_names(message_class: type[Any]) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(message_class))


def as_bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """View any array as the uint8 array of a ``data`` field, copied only if not contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
