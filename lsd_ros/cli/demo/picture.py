"""The picture of a demo: what the camera saw, true and estimated depth, and the way from above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.demo.score import ScoredView
from lsd_ros.cli.panels import (
    TEXT,
    TITLE_HEIGHT,
    WHITE,
    InverseColours,
    below,
    beside,
    coloured,
    fitted,
    framed,
    titled,
    write_text,
)
from lsd_ros.cli.pictures import Picture
from lsd_ros.types import Trajectory

PANEL_WIDTH = 640
MARGIN = 24  # around the way [pixels]
LEGEND_HEIGHT = 70  # below the way
WORST_ERROR = 0.5
BAR_SHARE = 0.27  # of the map's width, at most

TRUTH = (60, 60, 60)
ESTIMATE = (214, 90, 20)


def demo_picture(
    view: ScoredView, truth: Trajectory, estimate: Trajectory | None, estimate_title: str
) -> Picture:
    """
    Draw everything about a demo that fits a picture.

    :param estimate: laid upon the truth; None: there is none
    :param estimate_title: what to say of the estimated depth
    :return: RGB
    """
    height = round(PANEL_WIDTH * view.truth.shape[0] / view.truth.shape[1])
    size = (PANEL_WIDTH, height)
    scaled = view.estimate * _median_scale(view)
    colours = InverseColours.of(view.truth)
    left = [
        titled('image', fitted(view.image, size)),
        titled(estimate_title, fitted(colours(scaled), size)),
    ]
    right = [
        titled('true depth', fitted(colours(view.truth), size)),
        titled(f'relative error: blue 0, yellow {WORST_ERROR:.0%} and more', _error(view, size)),
    ]
    grid = beside(below(*left), below(*right))
    side = grid.shape[0] - TITLE_HEIGHT
    ways = [truth] if estimate is None else [truth, estimate]
    way = titled('trajectory from above', _Map.of(ways, side).drawn(truth, estimate))
    return framed(beside(grid, way))


def _median_scale(view: ScoredView) -> np.float32:
    both = np.isfinite(view.truth) & np.isfinite(view.estimate)
    if not both.any():
        return np.float32(1.0)
    return np.float32(np.median(view.truth[both]) / np.median(view.estimate[both]))


def _error(view: ScoredView, size: tuple[int, int]) -> Picture:
    """Colour the error after median scaling; where there is no truth, such as sky, is grey."""
    with np.errstate(invalid='ignore'):
        error = np.abs(view.estimate * _median_scale(view) - view.truth) / view.truth
    error = np.where(np.isinf(view.estimate), WORST_ERROR, error)
    error[~np.isfinite(view.truth)] = np.nan
    return fitted(coloured(error / WORST_ERROR, cv2.COLORMAP_CIVIDIS), size)


@dataclass(frozen=True)
class _Map:
    """
    A square seen from above, x to the right and y up.

    :param side: of the square [pixels]
    :param pixels_per_m: its scale
    :param middle: what is in its middle: x, y [m]
    """

    side: int
    pixels_per_m: float
    middle: tuple[float, float]

    @classmethod
    def of(cls, ways: Sequence[Trajectory], side: int) -> _Map:
        """Make a map that the ways fill."""
        places = np.concatenate([way.world_from_camera[:, :2, 3] for way in ways])
        low, high = places.min(axis=0), places.max(axis=0)
        room = np.array([side, side - LEGEND_HEIGHT]) - 2 * MARGIN
        x, y = (low + high) / 2
        scale = float((room / np.maximum(high - low, 1e-3)).min())
        return cls(side, scale, (float(x), float(y)))

    def drawn(self, truth: Trajectory, estimate: Trajectory | None) -> Picture:
        """Draw both ways, a scale and what is what."""
        picture = np.full((self.side, self.side, 3), WHITE, np.uint8)
        self._line(picture, truth, TRUTH, 5)
        if estimate is not None:
            self._line(picture, estimate, ESTIMATE, 2)
        start = self._pixels(truth)[0]
        cv2.circle(picture, (int(start[0]), int(start[1])), 8, TRUTH, 2, cv2.LINE_AA)
        picture[-LEGEND_HEIGHT:] = WHITE
        self._scale_bar(picture)
        said = 'estimate, turned and scaled to fit' if estimate is not None else 'no estimate'
        write_text(picture, 'truth', (self.side // 3, self.side - 36), TRUTH)
        write_text(picture, said, (self.side // 3, self.side - 14), ESTIMATE)
        return picture

    def _pixels(self, way: Trajectory) -> NDArray[np.int32]:
        places = way.world_from_camera[:, :2, 3] - self.middle
        middle = (self.side / 2, (self.side - LEGEND_HEIGHT) / 2)
        return np.rint(places * self.pixels_per_m * (1, -1) + middle).astype(np.int32)

    def _line(
        self, picture: Picture, way: Trajectory, colour: tuple[int, int, int], width: int
    ) -> None:
        cv2.polylines(picture, [self._pixels(way)], False, colour, width, cv2.LINE_AA)

    def _scale_bar(self, picture: Picture) -> None:
        longest = BAR_SHARE * self.side / self.pixels_per_m
        power = 10.0 ** math.floor(math.log10(longest))
        length = power * max(step for step in (1, 2, 5) if step * power <= longest)
        left, bottom = 14, self.side - 14
        right = left + round(length * self.pixels_per_m)
        cv2.line(picture, (left, bottom), (right, bottom), TEXT, 2)
        write_text(picture, f'{length:g} m', (left, bottom - 8), TEXT)
