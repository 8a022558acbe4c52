"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
