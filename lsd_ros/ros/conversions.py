"""The message classes of rclpy, made by name for the encoder that all doors share."""

from __future__ import annotations

import array
import importlib
from typing import Any

import numpy as np

from lsd_ros.errors import MessageError

_TYPECODES = {'uint8': 'B', 'double': 'd'}


class RclpyTypes:
    """Makes messages of rclpy; what :class:`lsd_ros.messages.types.MessageTypes` asks for."""

    def __init__(self) -> None:
        """Know no class yet: each is imported when it is first made."""
        self._classes: dict[str, type[Any]] = {}

    def make(self, name: str, /, **fields: Any) -> Any:
        """
        Make a message.

        :param name: for example ``sensor_msgs/msg/Image``
        :raises MessageError: the package or the type is not there
        """
        message_class = self._classes.get(name) or self._find(name)
        kinds = message_class.get_fields_and_field_types()
        packed = {
            key: _packed(value, kinds[key]) if isinstance(value, np.ndarray) else value
            for key, value in fields.items()
        }
        return message_class(**packed)

    def _find(self, name: str) -> type[Any]:
        package, kind, short = name.split('/')
        try:
            found: type[Any] = getattr(importlib.import_module(f'{package}.{kind}'), short)
        except (ImportError, AttributeError) as error:
            raise MessageError(
                f'message type {name} is not installed: install the ROS package {package}'
            ) from error
        self._classes[name] = found
        return found


def _packed(value: np.ndarray[Any, Any], kind: str) -> Any:
    if not kind.startswith('sequence<'):
        return value  # arrays of fixed size are numpy arrays in rclpy
    # Through frombytes: array.array('B', bytes) walks the bytes one by one.
    result = array.array(_TYPECODES[kind[len('sequence<') : -1]])
    result.frombytes(np.ascontiguousarray(value).view(np.uint8).data)
    return result
