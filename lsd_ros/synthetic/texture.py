"""Procedural textures of the synthetic world: tileable pictures and their mip pyramids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 512  # of a tile [texels]
LEVELS = 8  # of the pyramid, from 512 texels down to 4
MARGIN = 2  # texels that every level goes on around its border, for bilinear reading

Array = NDArray[np.float32]
Painter = Callable[[np.random.Generator], Array]


def noise(rng: np.random.Generator, cells: int, octaves: int, fade: float = 0.6) -> Array:
    """
    Paint value noise of many octaves that tiles.

    :param cells: of the coarsest octave along one side, a power of 2
    :param octaves: each twice as fine as the one before
    :param fade: strength of an octave relative to the one before
    :return: mean 0, standard deviation 1, shape (512, 512)
    """
    total = np.zeros((SIZE, SIZE), np.float32)
    for octave in range(octaves):
        count = min(cells << octave, SIZE)
        grid = np.pad(rng.standard_normal((count, count), np.float32), 2, mode='wrap')
        step = SIZE // count
        side = (count + 4) * step
        smooth = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
        inner = slice(2 * step, 2 * step + SIZE)
        total += fade**octave * smooth[inner, inner]
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def _tinted(value: Array, rng: np.random.Generator, colour: float = 0.02) -> Array:
    """Give a grey picture slowly changing colour."""
    hues = np.stack([noise(rng, 4, 4) for _ in range(3)], 2)
    return np.asarray(value[..., None] * (1 + colour * hues), np.float32)


def _grid(rows: int, columns: int, shift: float, gap: float) -> tuple[Array, NDArray[np.int64]]:
    """Return how far inside its cell every texel is (0 in the gap, 1 inside), and which cell."""
    v, u = np.mgrid[:SIZE, :SIZE].astype(np.float32) / SIZE
    row = np.floor(v * rows).astype(np.int64)
    along = (u * columns + shift * row) % columns
    column = np.floor(along).astype(np.int64)
    from_edge_u = np.abs(along - column - 0.5) * -1 + 0.5
    from_edge_v = np.abs(v * rows - row - 0.5) * -1 + 0.5
    distance = np.minimum(from_edge_u / columns, from_edge_v / rows) * SIZE
    inside = np.clip(distance / (gap * SIZE) - 0.5, 0, 1).astype(np.float32)
    return inside, row * columns + column


def _rgb(red: float, green: float, blue: float) -> Array:
    return np.array((red, green, blue), np.float32)


def plaster(rng: np.random.Generator) -> Array:
    """Paint a rough wall with stains."""
    value = 0.72 + 0.045 * noise(rng, 4, 7, 0.75) - 0.10 * (noise(rng, 8, 4) > 1.6)
    return _tinted(value, rng)


def bricks(rng: np.random.Generator) -> Array:
    """Paint bricks, 16 courses of 8."""
    inside, cell = _grid(16, 8, 0.5, 0.008)
    shade = rng.uniform(0.42, 0.78, 16 * 8).astype(np.float32)[cell]
    value = inside * shade + (1 - inside) * 0.62 + 0.04 * noise(rng, 16, 5, 0.8)
    return _tinted(value, rng, 0.03) * _rgb(1.12, 0.86, 0.74) ** inside[..., None]


def boards(rng: np.random.Generator) -> Array:
    """Paint a wooden floor, 10 boards wide."""
    inside, cell = _grid(10, 2, 0.37, 0.003)
    shade = rng.uniform(0.45, 0.75, 10 * 2).astype(np.float32)[cell]
    grain = cv2.blur(noise(rng, 64, 4, 0.9), (61, 1), borderType=cv2.BORDER_REFLECT)
    value = (shade + 0.12 * grain + 0.03 * noise(rng, 8, 5)) * (0.35 + 0.65 * inside)
    return _tinted(value, rng) * _rgb(1.12, 0.9, 0.66)


def tiles(rng: np.random.Generator) -> Array:
    """Paint floor tiles, 8 by 8, every one a little different."""
    inside, cell = _grid(8, 8, 0.0, 0.006)
    shade = rng.uniform(0.55, 0.8, 64).astype(np.float32)[cell]
    value = (shade + 0.05 * noise(rng, 8, 6, 0.8)) * (0.5 + 0.5 * inside)
    return _tinted(value, rng)


def checker(rng: np.random.Generator) -> Array:
    """Paint a checkered floor with wear."""
    _, cell = _grid(8, 8, 0.0, 0.006)
    dark = (cell // 8 + cell % 8) % 2
    return _tinted(0.72 - 0.42 * dark + 0.06 * noise(rng, 8, 6, 0.8), rng)


def carpet(rng: np.random.Generator) -> Array:
    """Paint a carpet with a woven pattern and spots."""
    v, u = np.mgrid[:SIZE, :SIZE].astype(np.float32) * (2 * np.pi / SIZE)
    pattern = np.sin(6 * u + 2 * np.sin(4 * v)) * np.sin(6 * v + 2 * np.sin(4 * u))
    value = 0.52 + 0.10 * np.sign(pattern) + 0.08 * noise(rng, 32, 5, 0.9)
    return _tinted(value.astype(np.float32), rng, 0.05)


def wood(rng: np.random.Generator) -> Array:
    """Paint furniture wood with long grain."""
    rings = noise(rng, 4, 3)
    grain = cv2.blur(noise(rng, 64, 4, 0.9), (1, 41), borderType=cv2.BORDER_REFLECT)
    value = 0.55 + 0.06 * np.sin(5 * rings) + 0.08 * grain + 0.03 * noise(rng, 8, 4)
    return _tinted(value, rng, 0.03) * _rgb(1.1, 0.88, 0.64)


def books(rng: np.random.Generator) -> Array:
    """Paint a filled bookshelf, 5 shelves."""
    picture = np.full((SIZE, SIZE, 3), 0.16, np.float32)
    height = SIZE // 5
    for shelf in range(5):
        left = 4
        bottom = (shelf + 1) * height - 8
        while left < SIZE - 30:
            width, tall = int(rng.integers(10, 30)), int(rng.integers(60, height - 12))
            colour = rng.uniform(0.15, 0.9, 3).astype(np.float32)
            picture[bottom - tall : bottom, left : left + width - 1] = colour
            stripe = bottom - int(rng.integers(20, 55))
            picture[stripe : stripe + 6, left + 2 : left + width - 3] = 1 - colour
            left += width + (40 if rng.random() < 0.06 else 0)
        picture[bottom : bottom + 8] = (0.5, 0.38, 0.25)
    return picture * (1 + 0.05 * noise(rng, 32, 4, 0.8))[..., None]


def poster(rng: np.random.Generator) -> Array:
    """Paint an abstract picture in a frame."""
    picture = np.stack([0.5 + 0.16 * noise(rng, 2, 5, 0.7) for _ in range(3)], 2)
    for _ in range(14):
        centre = tuple(int(x) for x in rng.integers(40, SIZE - 40, 2))
        axes = tuple(int(x) for x in rng.integers(12, 120, 2))
        colour = rng.uniform(0.05, 0.95, 3).tolist()
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    cv2.rectangle(picture, (0, 0), (SIZE - 1, SIZE - 1), (0.15, 0.1, 0.08), 48)
    return np.asarray(picture, np.float32)


def door(rng: np.random.Generator) -> Array:
    """Paint a door with panels, a plate and a handle."""
    picture = wood(rng) * rng.uniform(0.7, 1.2, 3).astype(np.float32)
    for top, bottom in ((40, 220), (270, 470)):
        cv2.rectangle(picture, (90, top), (420, bottom), (0.25, 0.2, 0.16), 6)
    cv2.rectangle(picture, (430, 250), (480, 262), (0.85, 0.85, 0.8), -1)
    cv2.rectangle(picture, (150, 90), (360, 150), rng.uniform(0.5, 1, 3).tolist(), -1)
    cv2.rectangle(picture, (0, 0), (SIZE - 1, SIZE - 1), (0.3, 0.3, 0.3), 24)
    return picture


def fabric(rng: np.random.Generator) -> Array:
    """Paint cloth with folds and stripes."""
    v, u = np.mgrid[:SIZE, :SIZE].astype(np.float32) * (2 * np.pi / SIZE)
    stripes = np.sin(16 * u + 0.4 * noise(rng, 4, 3)) * np.sign(np.sin(4 * v))
    value = 0.55 + 0.08 * stripes + 0.07 * noise(rng, 16, 6, 0.85)
    return _tinted(value.astype(np.float32), rng, 0.04)


def asphalt(rng: np.random.Generator) -> Array:
    """Paint a road with patches, cracks and gravel."""
    cracks = np.abs(noise(rng, 4, 5)) < 0.02
    patches = 0.05 * (noise(rng, 2, 2) > 0.9)
    value = 0.37 + 0.045 * noise(rng, 8, 7, 0.9) - 0.12 * cracks - patches
    return _tinted(value, rng, 0.01)


def pavement(rng: np.random.Generator) -> Array:
    """Paint the slabs of a sidewalk."""
    inside, cell = _grid(8, 8, 0.5, 0.005)
    shade = rng.uniform(0.5, 0.66, 64).astype(np.float32)[cell]
    value = (shade + 0.05 * noise(rng, 16, 6, 0.85)) * (0.6 + 0.4 * inside)
    return _tinted(value, rng)


def leaves(rng: np.random.Generator) -> Array:
    """Paint foliage."""
    value = np.clip(0.38 + 0.17 * noise(rng, 16, 5, 0.8), 0.06, 0.9)
    return _tinted(value, rng, 0.08) * _rgb(0.75, 1.05, 0.5)


def grass(rng: np.random.Generator) -> Array:
    """Paint grass."""
    value = np.clip(0.42 + 0.10 * noise(rng, 8, 7, 0.85), 0.1, 0.9)
    return _tinted(value, rng, 0.05) * _rgb(0.8, 1.0, 0.55)


def metal(rng: np.random.Generator) -> Array:
    """Paint painted sheet metal with smudges and scratches."""
    value = 0.66 + 0.035 * noise(rng, 4, 6, 0.75) - 0.08 * (np.abs(noise(rng, 8, 3)) < 0.015)
    return _tinted(value, rng, 0.02)


def cloud(rng: np.random.Generator) -> Array:
    """Paint clouds on a blue sky."""
    cover = np.clip(0.35 + 0.33 * noise(rng, 4, 6, 0.55), 0, 1)[..., None]
    blue = _rgb(0.48, 0.66, 0.92)
    return np.asarray(blue * (1 - cover) + _rgb(0.97, 0.97, 0.98) * cover, np.float32)


def facade(rng: np.random.Generator) -> Array:
    """Paint four storeys of four windows each on plaster or bricks."""
    picture = plaster(rng) if rng.random() < 0.5 else bricks(rng)
    cell = SIZE // 4
    width, height = int(rng.integers(44, 70)), int(rng.integers(66, 88))
    for index in range(16):
        left = index % 4 * cell + (cell - width) // 2
        top = index // 4 * cell + 24
        _window(picture, rng, left, top, width, height)
    for storey in range(4):
        picture[storey * cell : storey * cell + 5] *= 0.7
    return picture


def _window(
    picture: Array, rng: np.random.Generator, left: int, top: int, width: int, height: int
) -> None:
    right, bottom = left + width, top + height
    cv2.rectangle(picture, (left - 4, top - 4), (right + 4, bottom + 7), (0.85, 0.84, 0.8), -1)
    glass = np.linspace(rng.uniform(0.2, 0.5), 0.12, height)[:, None, None]
    picture[top:bottom, left:right] = glass * _rgb(0.85, 0.95, 1.1)
    if rng.random() < 0.6:  # a curtain
        drawn = int(rng.integers(8, width // 2))
        picture[top:bottom, left : left + drawn] = rng.uniform(0.4, 0.85, 3)
    middle = (left + right) // 2
    picture[top:bottom, middle - 1 : middle + 2] = 0.8
    bar = top + int(height * rng.uniform(0.3, 0.6))
    picture[bar : bar + 3, left:right] = 0.8


def shopfront(rng: np.random.Generator) -> Array:
    """Paint a ground floor: two shop windows, a door and a sign."""
    picture = plaster(rng) * rng.uniform(0.4, 1.0, 3).astype(np.float32)
    for left, right in ((30, 200), (310, 480)):
        cv2.rectangle(picture, (left, 150), (right, 440), (0.8, 0.8, 0.78), -1)
        goods = np.stack([0.35 + 0.15 * noise(rng, 8, 4) for _ in range(3)], 2)
        picture[160:430, left + 8 : right - 8] = goods[160:430, left + 8 : right - 8]
    cv2.rectangle(picture, (225, 140), (290, 511), (0.2, 0.16, 0.14), -1)
    cv2.rectangle(picture, (20, 40), (490, 110), rng.uniform(0.1, 0.9, 3).tolist(), -1)
    for left in range(60, 440, 36):
        height = int(rng.integers(14, 46))
        cv2.rectangle(picture, (left, 98 - height), (left + 20, 98), (0.95, 0.95, 0.9), -1)
    return picture


def plain(rng: np.random.Generator) -> Array:
    """Paint almost nothing: for lamps, marks and wheels."""
    return _tinted(0.9 + 0.03 * noise(rng, 16, 5, 0.8), rng, 0.01)


METRES: dict[Painter, float] = {
    plaster: 4.0,
    bricks: 2.0,
    boards: 2.0,
    tiles: 3.2,
    checker: 3.2,
    carpet: 2.0,
    wood: 1.6,
    books: 1.2,
    poster: 1.0,
    door: 1.0,
    fabric: 1.5,
    asphalt: 7.0,
    pavement: 4.0,
    leaves: 3.0,
    grass: 5.0,
    metal: 3.0,
    cloud: 1.0,
    facade: 12.8,
    shopfront: 5.0,
    plain: 2.0,
}


@dataclass(frozen=True)
class Atlas:
    """
    All pyramids of a world in one picture, so that one remap textures a whole frame.

    :param picture: RGB, shape (rows, columns, 3), uint8
    :param left: first column of a level of a texture, shape (textures, levels), float32
    :param top: first row of a level of a texture, shape (textures, levels), float32
    """

    picture: NDArray[np.uint8]
    left: Array
    top: Array

    @classmethod
    def painted(cls, painters: Sequence[Painter], rng: np.random.Generator) -> Atlas:
        """Paint every texture and its pyramid."""
        sides = [(SIZE >> level) + 2 * MARGIN for level in range(LEVELS)]
        columns = max(sides[0], sum(sides[1:]))
        block = sides[0] + sides[1]
        picture = np.zeros((block * len(painters), columns, 3), np.uint8)
        left = np.zeros((len(painters), LEVELS), np.float32)
        top = np.zeros((len(painters), LEVELS), np.float32)
        for index, paint in enumerate(painters):
            tile = np.clip(paint(rng), 0, 1).astype(np.float32)
            for level, side in enumerate(sides):
                row = index * block + (sides[0] if level else 0)
                column = sum(sides[1:level])
                padded = np.pad(tile, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode='wrap')
                picture[row : row + side, column : column + side] = np.rint(padded * 255)
                left[index, level], top[index, level] = column + MARGIN, row + MARGIN
                halves = tile.reshape(len(tile) // 2, 2, len(tile) // 2, 2, 3)
                tile = halves.mean((1, 3))
        return cls(picture, left, top)

    def read(self, index: NDArray[np.intp], u: Array, v: Array, level: Array) -> Array:
        """
        Read textures, trilinearly.

        :param index: of the texture, shape (H, W)
        :param u: tiles to the right, shape (H, W)
        :param v: tiles up, shape (H, W)
        :param level: of the pyramid, shape (H, W)
        :return: RGB from 0 to 255, shape (H, W, 3)
        """
        level = np.clip(level, 0, np.float32(LEVELS - 1.001))
        u, v = u - np.floor(u), np.floor(v) - v + 1
        fine = level.astype(np.intp)
        weight = (level - fine.astype(np.float32))[..., None]
        near = self._read_level(index, u, v, fine).astype(np.float32)
        near += weight * (self._read_level(index, u, v, fine + 1) - near)
        return near

    def _read_level(
        self, index: NDArray[np.intp], u: Array, v: Array, level: NDArray[np.intp]
    ) -> NDArray[np.uint8]:
        place = index * LEVELS + level
        side = np.float32(SIZE) * np.exp2(-np.arange(LEVELS, dtype=np.float32)).take(level)
        columns = self.left.take(place) + u * side - np.float32(0.5)
        rows = self.top.take(place) + v * side - np.float32(0.5)
        read = cv2.remap(self.picture, columns, rows, cv2.INTER_LINEAR)
        return np.asarray(read, np.uint8)
