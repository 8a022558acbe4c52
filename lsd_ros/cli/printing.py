"""The one place that prints: nothing of a file reaches a terminal raw, JSON is JSON; tables."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from lsd_ros.foreign.printable import printable


def say(text: str, file: TextIO | None = None, *, colour: str = '', coloured: int = 0) -> None:
    """
    Print text at once; what would steer a terminal is shown, not done.

    :param file: None: stdout
    :param colour: code of SGR, at a terminal, for the start of the text
    :param coloured: how many characters that is
    """
    shown = printable(text)
    if colour and (file or sys.stdout).isatty():
        shown = f'\033[{colour}m{shown[:coloured]}\033[0m{shown[coloured:]}'
    print(shown, file=file, flush=True)


def json_text(value: Any) -> str:
    """Return a value as JSON, in which what is not finite is null: JSON has no NaN."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


MISSING = '-'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 0) -> Iterator[str]:
    """Lay rows out in columns, each as wide as it must be; numbers to the right."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [all(map(_is_number, column[1:])) for column in columns]
    for row in (head, *rows):
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        yield (' ' * indent + '  '.join(cells)).rstrip()


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell[:1] == MISSING
