"""
YAML of others: plain data, or one sentence.

PyYAML alone hangs on a few lines of aliases that stand for each other a billion times, runs out of
stack on deep nesting, and raises what it likes on odd dates and numbers.
"""

from __future__ import annotations

from typing import Any

import yaml

from lsd_ros.errors import LsdError
from lsd_ros.foreign.door import ForeignCode

MAX_BYTES = 8 * 2**20  # the metadata of a bag of some 10,000 files
MAX_DEPTH = 64
MAX_VALUES = 1_000_000  # after aliases are resolved


class _Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):  # type: ignore[misc]
    """Dates stay text: half of them would not be valid, and nobody here counts with them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, found) for tag, found in resolvers if tag != 'tag:yaml.org,2002:timestamp']
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# OpenCV marks its matrices, which are mappings
_Loader.add_constructor('tag:yaml.org,2002:opencv-matrix', yaml.SafeLoader.construct_yaml_map)


def parse_yaml(text: str, name: str, error: type[LsdError]) -> Any:
    """
    Parse YAML as plain data.

    :param text: one document
    :param name: of where it is from, for the sentence
    :raises LsdError: of the given type: it is no YAML, too large, too deep, or an alias bomb
    """
    with ForeignCode(error, f'{name} is not YAML'):
        check_size(text)
        return yaml.load(text, _Loader)


def check_size(text: str) -> None:
    """
    Check that text becomes no more values, and no deeper ones, than can be handled.

    :raises yaml.YAMLError: it does, or it is no YAML
    """
    if len(text) > MAX_BYTES:
        raise yaml.YAMLError(f'its {len(text)} characters are more than {MAX_BYTES}')
    counted = _Counted()
    loader = _Loader(text)
    try:
        while loader.check_event():
            counted.take(loader.get_event())
    finally:
        loader.dispose()


class _Counted:
    """The values of a document so far, those that aliases stand for included."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = [(None, 0)]  # anchor, and values so far

    def take(self, event: Any) -> None:
        """Take the next event of the parser."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._sizes:
                raise yaml.YAMLError(f'the alias {event.anchor} stands for nothing before it')
            self._add(None, self._sizes[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            self._add(event.anchor, 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, 1))
            if len(self._open) > MAX_DEPTH:
                raise yaml.YAMLError(f'it is nested more than {MAX_DEPTH} deep')
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(*self._open.pop())

    def _add(self, anchor: str | None, size: int) -> None:
        parent, count = self._open.pop()
        self._open.append((parent, count + size))
        if count + size > MAX_VALUES:
            raise yaml.YAMLError(f'it, or its aliases, stand for more than {MAX_VALUES} values')
        if anchor is not None:
            self._sizes[anchor] = size
