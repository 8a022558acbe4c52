"""``lsd_ros mask``: propose a mask of the robot's own body from a recording of a drive."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.pictures import write_png
from lsd_ros.cli.printing import say
from lsd_ros.cli.progress import progress
from lsd_ros.datasets.source import open_source
from lsd_ros.inference.still_pixels import still_pixels
from lsd_ros.types.frame_source import FrameSource

MOST_IMAGES = 2000


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    shown: list[NDArray[np.uint8]] = []
    with open_source(given.input, image_topic=given.topic) as source:
        mask = still_pixels(_images(source, shown))
    if not mask.any():
        say('masked      nothing: whatever reaches in from the border changes')
        return 0
    white = np.uint8(255)
    write_png(given.out, np.repeat(np.where(mask, 0, white)[..., None].astype(np.uint8), 3, 2))
    preview = _preview_of(given.out)
    write_png(preview, _marked(shown[-1], mask))
    say(f'masked      {mask.mean():.1%} of the image')
    say(f'written     {given.out}, and {preview} to look at: red is masked')
    say(f'use it      -p mask.file:={given.out.resolve()}')
    return 0


def _images(source: FrameSource, shown: list[Any]) -> Iterator[NDArray[np.uint8]]:
    """Yield images from all over the source, and keep the newest."""
    every = max(1, (source.frame_count or 0) // MOST_IMAGES)
    with progress('mask', source.frame_count) as advance:
        for number, frame in enumerate(source):
            advance()
            if number % every == 0:
                shown[:] = [frame.image]
                yield frame.image


def _preview_of(path: Path) -> Path:
    return path.parent / f'{path.stem}_preview{path.suffix}'


def _marked(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    marked = image.copy()
    marked[mask] = marked[mask] // 2 + np.array([127, 0, 0], np.uint8)
    return marked
