"""One sheet of pictures for each sequence: its best, its median and its worst image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.panels import (
    InverseColours,
    bar,
    below,
    beside,
    coloured,
    enlarged,
    fitted,
    framed,
    signed_errors,
    titled,
)
from lsd_ros.cli.pictures import Picture

Depth = NDArray[np.float32]
PANEL_WIDTH = 480
DENSE = 0.3  # share of known pixels from which on true depth is not drawn larger
DOT = 5  # pixels of a panel that sparse truth is drawn with
WORST_ERROR = 0.5


@dataclass(frozen=True)
class SheetRow:
    """
    An image and what was made of it.

    :param label: ``best``, ``median`` or ``worst``
    :param abs_rel: mean relative error after median scaling
    :param image: RGB, shape (H, W, 3)
    :param depth: estimated, scaled by the medians [m], shape (H, W)
    :param truth: [m], NaN where unknown, shape (H, W)
    :param deviation: the standard deviation that the weights expect, as a share; None: not known
    """

    label: str
    index: int
    abs_rel: float
    image: NDArray[np.uint8]
    depth: Depth
    truth: Depth
    deviation: Depth | None = None


def sheet(rows: list[SheetRow]) -> Picture:
    """
    Draw image, depth, true depth, signed error and, where it is known, the expected error.

    :param rows: at least one, of one image size
    :return: RGB
    """
    return framed(below(*(_drawn(row) for row in rows)))


def _drawn(row: SheetRow) -> Picture:
    height, width = row.truth.shape
    size = (PANEL_WIDTH, round(PANEL_WIDTH * height / width))
    truth = np.where(np.isfinite(row.truth), row.truth, np.nan).astype(np.float32)
    predicted = row.depth
    if np.isfinite(truth).mean() < DENSE:
        truth = enlarged(truth, max(3, round(DOT * width / PANEL_WIDTH)))
    colours = InverseColours.of(truth)
    depth_bar = colours.bar(PANEL_WIDTH)
    no_bar = np.full_like(depth_bar, 255)
    panels = [
        (f'{row.label}: image {row.index}, AbsRel {row.abs_rel:.3f}', row.image, no_bar),
        ('estimated depth, scaled by the medians', colours(predicted), depth_bar),
        ('true depth', colours(truth), depth_bar),
        ('error of the depth', signed_errors(predicted, truth, WORST_ERROR), _error_bar()),
    ]
    if row.deviation is not None:
        expected = coloured(row.deviation / WORST_ERROR, cv2.COLORMAP_CIVIDIS)
        panels.append(('expected error', expected, _expected_bar()))
    return beside(
        *(np.vstack([titled(title, fitted(shown, size)), scale]) for title, shown, scale in panels)
    )


def _error_bar() -> Picture:
    errors = np.linspace(-WORST_ERROR, WORST_ERROR, PANEL_WIDTH, dtype=np.float32)[None]
    colours = signed_errors(1 + errors, np.ones_like(errors), WORST_ERROR)
    return bar(colours, [f'{WORST_ERROR:.0%} too near', 'right', f'{WORST_ERROR:.0%} too far'])


def _expected_bar() -> Picture:
    shares = np.linspace(0, 1, PANEL_WIDTH)[None]
    return bar(coloured(shares, cv2.COLORMAP_CIVIDIS), ['0 %', f'{WORST_ERROR:.0%} and more'])
