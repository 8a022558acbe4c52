"""
What a setting is: a dataclass field with a default, a description and a range, checked at birth.

Every configurable part owns one small frozen dataclass of settings; ROS parameters, YAML files
and command lines are derived from it, so that there is no second list of names or ranges.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import math
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lsd_ros.errors import SettingError

T = TypeVar('T')
LARGEST_INT = 2**62  # what counts, and what numpy and ROS parameters can hold
_KEY = 'lsd_ros.setting'


@dataclass(frozen=True)
class Setting:
    """
    One leaf of a tree of settings.

    :param name: dotted name, for example ``points.decimation``
    :param kind: ``bool``, ``int``, ``float``, ``str`` or a tuple of these as ``tuple``
    :param minimum: smallest allowed number, included; None: unbounded
    :param maximum: largest allowed number, included; None: unbounded
    :param choices: allowed values; empty: any
    :param item: type of the values in a tuple; None: it is no tuple, or they may be anything
    """

    name: str
    kind: type
    default: Any
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    item: type | None = None


def setting(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] = (),
) -> Any:
    """Declare a dataclass field that is a setting; the arguments are those of :class:`Setting`."""
    meta = {'description': description, 'minimum': minimum, 'maximum': maximum, 'choices': choices}
    return dataclasses.field(default=default, metadata={_KEY: meta})


def leaves(cls: type, prefix: str = '') -> Iterator[Setting]:
    """Walk every setting of a settings dataclass and of the settings dataclasses inside it."""
    yield from _leaves(cls, prefix)


@functools.cache  # a node asks a hundred times for each parameter that is set
def _leaves(cls: type, prefix: str) -> tuple[Setting, ...]:
    return tuple(_walk(cls, prefix))


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _walk(cls: type, prefix: str) -> Iterator[Setting]:
    hints = _hints(cls)
    for field in dataclasses.fields(cls):
        kind = hints[field.name]
        name = prefix + field.name
        if dataclasses.is_dataclass(kind):
            yield from _leaves(typing.cast(type, kind), name + '.')
        elif _KEY in field.metadata:
            meta = field.metadata[_KEY]
            items = typing.get_args(kind) if typing.get_origin(kind) is tuple else ()
            item = items[0] if items and isinstance(items[0], type) else None
            plain = typing.get_origin(kind) or kind
            yield Setting(name, plain, field.default, **meta, item=item)
        else:
            raise TypeError(f'{cls.__name__}.{field.name} is not declared with setting()')


def allowed(leaf: Setting) -> str:
    """Say in words what a setting may be; empty: anything of its type."""
    if leaf.choices:
        return ', '.join(map(str, leaf.choices))
    if leaf.minimum is not None and leaf.maximum is not None:
        return f'{leaf.minimum:g} to {leaf.maximum:g}'
    if leaf.minimum is not None:
        return f'at least {leaf.minimum:g}'
    return '' if leaf.maximum is None else f'at most {leaf.maximum:g}'


def values(instance: Any, prefix: str = '') -> dict[str, Any]:
    """Return every setting of an instance as ``{dotted name: value}``."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if dataclasses.is_dataclass(value):
            result.update(values(value, prefix + field.name + '.'))
        else:
            result[prefix + field.name] = value
    return result


def build(cls: type[T], given: Mapping[str, Any]) -> T:
    """
    Make settings from dotted names; what is not given keeps its default.

    :param given: ``{dotted name: value}``
    :raises SettingError: a name is unknown or a value is not allowed
    """
    known = {leaf.name: leaf for leaf in leaves(cls)}
    for name, value in given.items():
        if name not in known:
            raise SettingError(_unknown(name, known))
        check_value(known[name], _converted(known[name], value))
    return _build(cls, given, '')


def _unknown(name: str, known: Mapping[str, Setting]) -> str:
    inside = [other for other in known if other.startswith(name + '.')]
    if inside:
        return f'{name!r} is a group of settings: set {", ".join(inside)}'
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f'did you mean {close[0]!r}?' if close else f'the known ones are {", ".join(known)}'
    return f'unknown setting {name!r}: {remedy}'


def _build(cls: type[T], given: Mapping[str, Any], prefix: str) -> T:
    hints = _hints(typing.cast(type, cls))
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = prefix + field.name
        if dataclasses.is_dataclass(hints[field.name]):
            arguments[field.name] = _build(hints[field.name], given, name + '.')
        elif name in given:
            arguments[field.name] = given[name]
    return cls(**arguments)


def check(instance: Any) -> None:
    """
    Check every own setting of a dataclass; call it from ``__post_init__``.

    A whole number becomes the declared float, and a list the declared tuple.

    :raises SettingError: a value has the wrong type or is out of its range
    """
    for leaf in leaves(type(instance)):
        if '.' in leaf.name:
            continue  # a part checks its own settings
        value = _converted(leaf, getattr(instance, leaf.name))
        object.__setattr__(instance, leaf.name, value)
        check_value(leaf, value)


def _converted(leaf: Setting, value: Any) -> Any:
    if leaf.kind is tuple and isinstance(value, list | tuple):
        return tuple(_as_float(one) if leaf.item is float else one for one in value)
    return _as_float(value) if leaf.kind is float else value


def _as_float(value: Any) -> Any:
    """Return a whole number as a float; anything else as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            return float(value)
    return value


def check_value(leaf: Setting, value: Any) -> None:
    """
    Check one value against its setting.

    :raises SettingError: the value has the wrong type or is out of its range
    """
    if not isinstance(value, leaf.kind) or (leaf.kind is not bool and isinstance(value, bool)):
        raise SettingError(f'{leaf.name} is {value!r}: it must be of type {leaf.kind.__name__}')
    if leaf.item is not None and isinstance(value, tuple):
        for one in value:
            if not _is_of(one, leaf.item):
                raise SettingError(
                    f'{leaf.name} holds {one!r}: all in it must be of type {leaf.item.__name__}'
                )
    if leaf.choices and value not in leaf.choices:
        allowed = ', '.join(repr(choice) for choice in leaf.choices)
        raise SettingError(f'{leaf.name} is {value!r}: choose one of {allowed}')
    if isinstance(value, int | float) and leaf.kind is not bool:
        _check_range(leaf, value)


def _is_of(value: Any, kind: type) -> bool:
    """Tell whether a value is of a type; a truth value is no number, and NaN is none either."""
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, kind):
        return False
    return not isinstance(value, float) or math.isfinite(value)


def _check_range(leaf: Setting, value: float) -> None:
    widest = LARGEST_INT if leaf.kind is int else math.inf
    low = -widest if leaf.minimum is None else leaf.minimum
    high = widest if leaf.maximum is None else leaf.maximum
    finite = isinstance(value, int) or math.isfinite(value)
    if not finite or not low <= value <= high:
        raise SettingError(f'{leaf.name} is {value}: it must be within {low} and {high}')
