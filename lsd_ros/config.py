"""
YAML files to settings and back.

Sections of the file are the groups of the settings: ``scale: {factor: 2.0}`` sets
``scale.factor``, and so does ``scale.factor: 2.0``. What is not given keeps its default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.foreign.yaml_text import check_size

T = TypeVar('T')


def load(path: str | Path, cls: type[T]) -> T:
    """
    Read settings from a YAML file.

    :param cls: settings dataclass, for example ``EngineSettings``
    :raises SettingError: the file cannot be read or is no YAML, or a setting in it is unknown,
        given twice, or not allowed
    """
    text = read_text(path, SettingError)
    try:
        return loads(text, cls)
    except SettingError as error:
        raise SettingError(f'configuration {path}: {error}') from error


def loads(text: str, cls: type[T]) -> T:
    """
    Read settings from YAML text.

    :raises SettingError: as :func:`load`
    """
    return settings.build(cls, given(text, cls))


def given(text: str, cls: type[Any]) -> dict[str, Any]:
    """
    Return what YAML text sets, by dotted names; the values are not checked yet.

    :raises SettingError: the text is no YAML, or a setting is given twice
    """
    found: dict[str, Any] = {}
    for name, value in _parsed(text):
        if value is None and _is_group(name, cls):
            continue  # a section with all its lines commented out
        if name in found:
            raise SettingError(f'{name} is given twice: delete one of them')
        found[name] = value
    return found


def dump(instance: Any) -> str:
    """Return settings as YAML text, every value included, which :func:`loads` reads back."""
    tree: dict[str, Any] = {}
    for name, value in settings.values(instance).items():
        *groups, leaf = name.split('.')
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[leaf] = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def save(instance: Any, path: str | Path) -> None:
    """
    Write settings to a YAML file, wholly or not at all.

    :raises SettingError: the file cannot be written
    """
    problem = f'cannot write configuration {path}'
    write_atomically(Path(path), dump(instance).encode(), kind=SettingError, problem=problem)


def _parsed(text: str) -> list[tuple[str, Any]]:
    try:
        with ForeignCode(SettingError, 'no valid YAML'):
            check_size(text)
            tree = yaml.load(text, _Loader)
            if tree is None:
                return []
            if not isinstance(tree, dict):
                kind = type(tree).__name__
                raise SettingError(f'it holds a {kind}: write one "name: value" per line')
            return list(_flattened(tree, ''))
    except SettingError as error:
        cause = error.__cause__
        if isinstance(cause, yaml.MarkedYAMLError):
            line = cause.problem_mark.line + 1 if cause.problem_mark else 1
            raise SettingError(f'line {line} is no valid YAML: {cause.problem}') from error
        raise


def _is_group(name: str, cls: type) -> bool:
    return any(leaf.name.startswith(name + '.') for leaf in settings.leaves(cls))


def _flattened(tree: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f'{prefix}{key}'
        if isinstance(value, dict):
            yield from _flattened(value, name + '.')
        else:
            yield name, value


class _Loader(yaml.SafeLoader):
    """YAML without two traps: keys given twice pass unseen, and 1e-3 is a text in YAML 1.1."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is given twice."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'{key.value} is given twice', key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    'tag:yaml.org,2002:float', re.compile(r'[-+]?\d+(\.\d*)?[eE][-+]?\d+$'), list('-+0123456789')
)
