"""The project's one way to shrink an image: training and run time must see the same pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional


def size_in_aspect(pixels: int, width: int, height: int, multiple: int) -> tuple[int, int]:
    """
    Return (width, height) of about so many pixels in about the aspect of an image.

    :param pixels: wanted product of width and height
    :param width: of the image
    :param height: of the image
    :param multiple: what the result is a multiple of, both ways
    """
    columns = _nearest(math.sqrt(pixels * width / height), multiple)
    return columns, _nearest(columns * height / width, multiple)


def _nearest(length: float, multiple: int) -> int:
    return max(multiple, multiple * round(length / multiple))


def resize_image(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """
    Resize with a triangle filter as wide as the shrinking asks for, so that nothing aliases.

    OpenCV's linear resizing is faster, but it aliases and differs by several grey levels.

    :param image: shape (H, W, 3), uint8
    :param width: new width [pixels]
    :param height: new height [pixels]
    :return: shape (height, width, 3), uint8, contiguous; the image itself where the size is right
    """
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    if not image.flags.writeable or any(stride < 0 for stride in image.strides):
        image = image.copy()  # torch refuses views that nobody may write to
    channels_last = torch.from_numpy(image).permute(2, 0, 1)[None]
    resized = functional.interpolate(
        channels_last, size=(height, width), mode='bilinear', antialias=True
    )
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())


THUMBNAIL = (64, 48)


def thumbnail_difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the mean difference of two images [grey levels], seen from afar, without noise."""
    return float(cv2.norm(thumbnail(first), thumbnail(second), cv2.NORM_L1)) / np.prod(THUMBNAIL)


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a small grey image, shape (48, 64)."""
    small = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
