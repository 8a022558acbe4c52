"""A table of what geometry alone says of weights."""

from __future__ import annotations

from collections.abc import Iterator

from lsd_ros.adaptation.held_out import HeldOut
from lsd_ros.cli.printing import MISSING, table

ROWS = {
    'abs_rel': 'difference from triangulated depth, median scaled',
    'a1': 'share within a factor of 1.25 of it',
    'unscaled': 'difference as the weights say it',
    'photometric': 'difference of images by that depth',
    'one_depth': 'the same by one depth everywhere',
    'still': 'the same without any motion',
    'consistency': 'difference of depth from image to image',
    'epipolar_px': 'distance of points from the motions [pixels]',
    'turn_deg': 'error of the turn from image to image [deg]',
    'length': 'relative error of the length of a step',
    'direction': 'cosine between the steps',
}


def held_out_table(columns: dict[str, HeldOut]) -> Iterator[str]:
    """Yield the lines of a table with a column for each set of figures."""
    rows = [
        [text, *(_figure(getattr(figures, name)) for figures in columns.values())]
        for name, text in ROWS.items()
    ]
    yield from table(['', *columns], rows)


def _figure(value: float | None) -> str:
    return MISSING if value is None else f'{value:.3f}'
