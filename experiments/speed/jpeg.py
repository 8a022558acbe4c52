"""
What does a JPEG cost on its way to the input of the network, in turns?

    python experiments/speed/jpeg.py [--rounds 12] [--quality 90]

It is read whole and shrunk at once, read whole and halved first, or read smaller. Ratios are to
the first; ``again`` is that one a second time. One thread.
"""

from __future__ import annotations

import argparse
import functools
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.benchmark.interleaved import AGAIN, ROW_HEAD, in_turns, ratio_rows, ratios
from lsd_ros.cli.printing import say, table
from lsd_ros.geometry.resize import resize_image
from lsd_ros.messages.decode import frame_from_message, image_to_rgb
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.types import Camera

SIZES = ((1242, 375), (1280, 720), (1920, 1080), (3840, 2160))
BOXES = 400


def main() -> None:
    """Measure every size, all of them in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=12)
    parser.add_argument('--quality', type=int, default=90)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    for width, height in SIZES:
        message, camera = compressed(width, height, given.quality), camera_of(width, height)
        whole, reduced = Preparation(message, camera), Preparation(message, camera, reduced=True)
        wide, high = whole.preprocessing.network_size(width, height)
        factor = whole.preprocessing.reduction(width, height)
        say(f'{width} x {height}, {len(message.data)} bytes, to {wide} x {high}, read by {factor}')
        at_once = functools.partial(shrunk_at_once, message, wide, high)
        apart = np.abs(at_once().astype(int) - reduced())
        say(f'grey levels apart: {apart.mean():.2f} in the mean, {apart.max()} at most')
        contenders = {
            'whole, shrunk at once': at_once,
            'whole': whole,
            'smaller': reduced,
            AGAIN: at_once,
        }
        turns = in_turns(contenders, rounds=given.rounds)
        say('\n'.join(table(['of an image', *ROW_HEAD], list(ratio_rows(ratios(turns))))))


def shrunk_at_once(message: Any, width: int, height: int) -> NDArray[np.uint8]:
    """Read and shrink an image without any short cut."""
    return resize_image(image_to_rgb(message), width, height)


class Preparation:
    """From a message to the input of the network."""

    def __init__(self, message: Any, camera: Camera, *, reduced: bool = False) -> None:
        self.preprocessing = Preprocessing()
        self._message, self._camera = message, camera
        self._factor_of = self.preprocessing.reduction if reduced else None

    def __call__(self) -> NDArray[np.uint8]:
        """Do it once."""
        frame = frame_from_message(
            self._message, self._camera, turned=True, factor_of=self._factor_of
        )
        small, _ = self.preprocessing.prepare(
            frame.image, frame.camera, whole=frame.size, factor=frame.factor
        )
        return small


def camera_of(width: int, height: int) -> Camera:
    """Return a camera of some size."""
    return Camera(width, height, 0.6 * width, 0.6 * width, (width - 1) / 2, (height - 1) / 2)


def compressed(width: int, height: int, quality: int) -> Any:
    """Return the message of a picture of boxes of all sizes, with the noise of a sensor."""
    rng = np.random.default_rng(0)
    image = np.full((height, width, 3), 140, np.uint8)
    low = -width // 8, -height // 8, 4, 4, 10, 10, 10
    high = width, height, width // 4, height // 4, 240, 240, 240
    for left, top, wide, tall, *colour in rng.integers(low, high, (BOXES, 7)).tolist():
        cv2.rectangle(image, (left, top), (left + wide, top + tall), colour, -1)
    noisy = cv2.GaussianBlur(image, (0, 0), 0.8) + rng.normal(0, 2, image.shape)
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].ravel()
    header = SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=0), frame_id='camera')
    return SimpleNamespace(format='jpeg', data=data, header=header)


if __name__ == '__main__':
    main()
