"""The settings of the mask: light, for whoever only names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.settings import setting

Polygon = list[tuple[float, float]]


@dataclass(frozen=True)
class MaskSettings:
    """Where the robot itself is in the images of its camera."""

    file: str = setting(
        '',
        'Picture (PNG) of the size or at least the aspect of the camera image, black where the '
        'robot itself is seen; lsd_ros mask proposes one',
    )
    polygons: str = setting(
        '',
        'The same as polygons, corners "x y" in shares of width and height from the upper left, '
        'separated by commas, and polygons by semicolons: "0 1, 0.3 0.8, 0.7 0.8, 1 1"',
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
        list(polygons(self.polygons))


def polygons(text: str) -> Iterator[Polygon]:
    """
    Read polygons in normalised coordinates.

    :raises SettingError: the text is none
    """
    for part in filter(str.strip, text.split(';')):
        try:
            corners = [(float(x), float(y)) for x, y in (c.split() for c in part.split(','))]
        except ValueError:
            raise SettingError(
                f'mask.polygons holds {part.strip()!r}: write corners as "x y", with commas '
                'between them'
            ) from None
        if len(corners) < 3 or not all(0 <= value <= 1 for c in corners for value in c):
            raise SettingError(
                f'mask.polygons holds {part.strip()!r}: a polygon takes three corners or more, '
                'each of two shares between 0 and 1'
            )
        yield corners
