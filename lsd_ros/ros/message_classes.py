"""The message classes of rclpy, found by the name of their type."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from lsd_ros.errors import MessageError


@functools.cache
def message_class(name: str) -> type[Any]:
    """
    Find a message class.

    :param name: for example ``sensor_msgs/msg/Image``
    :raises MessageError: the name is none of a type, or its package is not installed
    """
    package = name.partition('/')[0]
    try:
        _, kind, short = name.split('/')
        found: type[Any] = getattr(importlib.import_module(f'{package}.{kind}'), short)
    except (ImportError, AttributeError, ValueError) as error:
        raise MessageError(
            f'message type {name} is not installed: install the ROS package {package}'
        ) from error
    return found


def starts_with_header(kind: type[Any]) -> bool:
    """Return whether the first field of a message class is a std_msgs/Header."""
    types: dict[str, str] = kind.get_fields_and_field_types()
    return next(iter(types.values()), None) == 'std_msgs/Header'
