"""Panels of pictures for people: titles, one colour scale for several depths, maps from above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.pictures import Picture
from lsd_ros.types import Scan

Depth = NDArray[np.float32]
Colour = tuple[int, int, int]

TITLE_HEIGHT = 30
GAP = 10
NEAR_PERCENTILE = 98.0
INDOORS_M = 10.0  # up to which a map has a ring every metre

WHITE: Colour = (255, 255, 255)
TEXT: Colour = (40, 40, 40)
GREY: Colour = (128, 128, 128)
TRUTH_GREEN: Colour = (60, 200, 60)
ESTIMATE_RED: Colour = (240, 70, 60)


def titled(title: str, picture: Picture) -> Picture:
    """Put a title over a picture."""
    strip = np.full((TITLE_HEIGHT, picture.shape[1], 3), WHITE, np.uint8)
    write_text(strip, title, (2, TITLE_HEIGHT - 9), TEXT)
    return np.vstack([strip, picture])


def write_text(
    picture: Picture, text: str, place: tuple[int, int], colour: Colour, size: float = 0.55
) -> None:
    """Write into a picture, the left end of the base line at a place."""
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, size, colour, 1, cv2.LINE_AA)


def fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture in another size: width, height."""
    smaller = picture.shape[1] > size[0]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def below(*pictures: Picture) -> Picture:
    """Put pictures of one width below each other."""
    gap = np.full((GAP, pictures[0].shape[1], 3), WHITE, np.uint8)
    return np.vstack([part for one in pictures for part in (gap, one)][1:])


def beside(*pictures: Picture) -> Picture:
    """Put pictures of one height beside each other."""
    gap = np.full((pictures[0].shape[0], GAP, 3), WHITE, np.uint8)
    return np.hstack([part for one in pictures for part in (gap, one)][1:])


def framed(picture: Picture) -> Picture:
    """Put a white border around a picture."""
    border = (GAP, GAP, GAP, GAP)
    return np.asarray(
        cv2.copyMakeBorder(picture, *border, cv2.BORDER_CONSTANT, value=WHITE), np.uint8
    )


def coloured(share: NDArray[np.floating], colours: int) -> Picture:
    """
    Colour values of 0 .. 1; NaN is grey.

    :param colours: a colour map of OpenCV
    """
    levels = (np.nan_to_num(np.clip(share, 0, 1)) * 255).astype(np.uint8)
    rgb = np.asarray(cv2.cvtColor(cv2.applyColorMap(levels, colours), cv2.COLOR_BGR2RGB), np.uint8)
    rgb[np.isnan(share)] = GREY
    return rgb


@dataclass(frozen=True)
class InverseColours:
    """
    One colour scale for several depth maps: bright is near, black is far, grey is unknown.

    :param nearest: inverse depth that is the brightest [1/m]
    """

    nearest: float

    @classmethod
    def of(cls, depth: Depth) -> InverseColours:
        """Make the scale that this depth fills."""
        inverse = 1 / depth[np.isfinite(depth)]
        return cls(float(np.percentile(inverse, NEAR_PERCENTILE)) if inverse.size else 1.0)

    def bar(self, width: int) -> Picture:
        """Return the scale: from the nearest depth to five times as far, then infinity."""
        shares = np.linspace(1, 0, width)[None]
        labels = [f'{1 / share / self.nearest:.2g} m' for share in (1, 0.8, 0.6, 0.4, 0.2)]
        return bar(coloured(shares, cv2.COLORMAP_INFERNO), [*labels, 'inf'])

    def __call__(self, depth: Depth) -> Picture:
        """Return the picture of a depth map."""
        with np.errstate(divide='ignore', invalid='ignore'):
            share = np.where(np.isneginf(depth), 1.0, 1 / depth / self.nearest)
        return coloured(share, cv2.COLORMAP_INFERNO)


def bar(colours: Picture, labels: Sequence[str]) -> Picture:
    """
    Put labels under a strip of colours: the scale of a picture.

    :param colours: shape (height, width, 3)
    :param labels: from the left end to the right end, at equal distances
    """
    width = colours.shape[1]
    strip = np.full((TITLE_HEIGHT, width, 3), WHITE, np.uint8)
    strip[4:14] = cv2.resize(colours, (width, 10), interpolation=cv2.INTER_LINEAR)
    for number, label in enumerate(labels):
        (length, _), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_DUPLEX, 0.4, 1)
        left = round(number * (width - length) / max(1, len(labels) - 1))
        write_text(strip, label, (left, TITLE_HEIGHT - 3), TEXT, 0.4)
    return strip


def enlarged(depth: Depth, pixels: int) -> Depth:
    """
    Draw the known pixels of sparse depth larger, the nearest one on top.

    :param depth: NaN where unknown, shape (H, W)
    :param pixels: width and height of each
    """
    inverse = np.nan_to_num(1 / depth, nan=0.0, posinf=0.0, neginf=0.0)
    grown = cv2.dilate(inverse, np.ones((pixels, pixels), np.uint8))
    return np.divide(1, grown, out=np.full_like(depth, np.nan), where=grown > 0)


def signed_errors(predicted: Depth, truth: Depth, worst: float) -> Picture:
    """
    Colour relative errors: red is too near, blue is too far, white is right, grey is unknown.

    :param truth: NaN where unknown, shape (H, W)
    :param worst: relative error that has the full colour
    """
    with np.errstate(divide='ignore', invalid='ignore'):
        error = np.clip((predicted - truth) / truth / worst, -1, 1)
    error = np.where(np.isfinite(truth), error, np.nan)
    fade = 255 * (1 - np.abs(np.nan_to_num(error)))
    rgb = np.stack([fade, fade, fade], axis=2)
    rgb[..., 0] = np.where(error < 0, 255, fade)
    rgb[..., 2] = np.where(error > 0, 255, fade)
    rgb[np.isnan(error)] = GREY
    return rgb.astype(np.uint8)


def scans_from_above(
    scans: Sequence[tuple[Scan, Colour, int]], limit_m: float, side: int
) -> Picture:
    """
    Draw scans from above, the robot at the bottom, a ring every metre or, outdoors, every five.

    :param scans: each with its colour and the radius of its dots [pixels]
    :param limit_m: what is farther is left out [m]
    :return: shape (side, side, 3)
    """
    picture = np.full((side, side, 3), 24, np.uint8)
    pixels_per_m = 0.95 * side / limit_m
    origin = (side // 2, side - 4)
    step = 1 if limit_m <= INDOORS_M else 5
    for radius in range(step, math.ceil(limit_m) + 1, step):
        cv2.circle(picture, origin, round(radius * pixels_per_m), (64, 64, 64), 1)
        place = (origin[0] + 3, origin[1] - round(radius * pixels_per_m) + 12)
        cv2.putText(
            picture, f'{radius} m', place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, (150, 150, 150), 1
        )
    for scan, colour, size in scans:
        angles = scan.angle_min + scan.angle_increment * np.arange(len(scan.ranges))
        for angle, distance in zip(angles, scan.ranges, strict=True):
            if np.isfinite(distance) and distance < limit_m:
                x = origin[0] - math.sin(angle) * distance * pixels_per_m
                y = origin[1] - math.cos(angle) * distance * pixels_per_m
                cv2.circle(picture, (round(x), round(y)), size, colour, -1)
    return picture
