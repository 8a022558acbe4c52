"""``lsd_ros inspect``: what a weights file, bag, sequence, image folder or video holds."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.summary import summary
from lsd_ros.cli.printing import MISSING, json_text, say, table
from lsd_ros.datasets.source import kind_of_source, open_source
from lsd_ros.errors import DatasetError
from lsd_ros.models.shipped import shipped_names, weights_file

WEIGHTS_SUFFIX = '.safetensors'
LAST_DATE_NS = 253_402_300_800 * 10**9  # the year 10000
UNKNOWN_IF_ZERO = ('focal_px', 'camera_height_m')  # of the card of weights


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    content = describe(given.path)
    text = json_text(content) if given.json else '\n'.join(lines(content))
    say(text)
    return 0


def describe(path: Path) -> dict[str, Any]:
    """
    Say what is at a path, in values that JSON can carry.

    :param path: the name of weights that come with the package will do, where no file is called so
    :raises WeightsError: it is a weights file that cannot be used
    :raises DatasetError: it is nothing that can be read
    """
    path = path if path.exists() else weights_file(path)
    if not path.exists() and path.suffix != WEIGHTS_SUFFIX:
        raise DatasetError(
            f'{path} does not exist: give weights (a {WEIGHTS_SUFFIX} file, or the name '
            f'{" or ".join(shipped_names())}), a bag, sequence, folder or video'
        )
    if path.suffix == WEIGHTS_SUFFIX:
        return _weights(path)
    if kind_of_source(path) == 'bag':
        with BagReader(path) as bag:  # not as a source of frames: a bag may have none
            return summary(bag)
    with open_source(path) as source:
        return source.describe()


def _weights(path: Path) -> dict[str, Any]:
    from lsd_ros.models.checkpoint import describe_weights, load_weights  # bags need no torch

    weights = load_weights(path)
    head = {'kind': 'weights', 'path': str(path), 'size_bytes': path.stat().st_size}
    return {**head, **describe_weights(weights)}


def lines(content: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    """Lay a description out for people: one value a line, lists of like things as tables."""
    margin = ' ' * indent
    flat = [name for name, value in content.items() if not _is_nested(value)]
    width = max(map(len, flat), default=0)
    for name, value in sorted(content.items(), key=lambda item: _is_nested(item[1])):
        if isinstance(value, Mapping):
            yield f'{margin}{name}'
            yield from lines(value, indent + 2)
        elif _is_nested(value):
            yield f'{margin}{name}'
            yield from _items(value, indent + 2)
        else:
            yield f'{margin}{name:{width}}  {_text(name, value)}'


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    )


def _items(items: Sequence[Mapping[str, Any]], indent: int) -> Iterator[str]:
    flat = not any(isinstance(value, Mapping | list) for item in items for value in item.values())
    if flat and len({tuple(item) for item in items}) == 1:
        yield from table(
            list(items[0]),
            [[_text(name, value) for name, value in item.items()] for item in items],
            indent,
        )
        return
    for number, item in enumerate(items):
        if number:
            yield ''
        yield from lines(item, indent)


def _text(name: str, value: Any) -> str:
    if value is None or value in ('', [], ()) or (name in UNKNOWN_IF_ZERO and not value):
        return MISSING
    if isinstance(value, list | tuple):
        return ', '.join(_text(name, one) for one in value)
    if name.endswith('_bytes') and isinstance(value, int | float):
        return f'{value / 1e6:.2f} MB'
    if name.endswith('_ns') and isinstance(value, int) and 0 < value < LAST_DATE_NS:
        moment = datetime.datetime.fromtimestamp(value / 1e9, datetime.timezone.utc)
        return f'{value} ({moment:%Y-%m-%d %H:%M:%S} UTC)'
    if isinstance(value, float):
        return f'{value:.6g}'
    return str(value).replace('\n', '\\n')  # a name is one line, whatever it holds
