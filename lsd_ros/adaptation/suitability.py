"""Whether a recording can show depth at all; if not, why, and what to record instead."""

from __future__ import annotations

import numpy as np

from lsd_ros.datasets.parallax import Motion, motion_between
from lsd_ros.datasets.training_sequence import TrainingSequence

FEWEST_IMAGES = 30
PAIRS = 16
GAPS = (1, 3, 10, 30)
DARK = 12.0  # mean grey level
STILL_PX = 0.5  # at 416 pixels width, over the largest gap
LEAST_PARALLAX_PX = 0.7
LEAST_FOLLOWED = 0.3  # share of the points from one image to the next


def unsuitable(sequence: TrainingSequence) -> str:
    """
    Say why nothing can be learned from a recording; empty: something can.

    :return: a sentence with the remedy
    :raises DatasetError: an image cannot be read
    """
    count, name = len(sequence), sequence.name
    if count < FEWEST_IMAGES:
        return (
            f'{name} has only {count} images: record a minute or more, {FEWEST_IMAGES} images at '
            'the least'
        )
    places = np.unique(np.linspace(0, count - 2, PAIRS).round().astype(int)).tolist()
    light = float(np.median([sequence.image(place).mean() for place in places]))
    if light < DARK:
        return (
            f'{name} is dark, {light:.0f} of 255 grey levels in the median: record with more '
            'light or longer exposure'
        )
    motions = {gap: _motions(sequence, places, gap) for gap in GAPS if gap < count}
    return _fault_of_motion(name, len(places), motions)


def _fault_of_motion(name: str, pairs: int, motions: dict[int, list[Motion]]) -> str:
    followed = [motion.followed for motion in motions[1]]
    if len(followed) < pairs / 2 or float(np.median(followed)) < LEAST_FOLLOWED:
        return (
            f'hardly a point of {name} is found again in the next image: it is blurred, without '
            'texture, or moves too fast; record slower, with a shorter exposure or more images a '
            'second'
        )
    known = [found for found in motions.values() if found]
    flow, parallax = (
        max(float(np.median([getattr(motion, kind) for motion in found])) for found in known)
        for kind in ('flow_px', 'parallax_px')
    )
    if flow < STILL_PX:
        return (
            f'the camera of {name} stands still: drive it through the places that it will work in'
        )
    if parallax < LEAST_PARALLAX_PX:
        return (
            f'the camera of {name} only turns, by {flow:.1f} pixels with {parallax:.2f} pixels of '
            'parallax: depth is seen by driving, to the side of things best'
        )
    return ''


def _motions(sequence: TrainingSequence, places: list[int], gap: int) -> list[Motion]:
    found = (
        motion_between(sequence.image(place), sequence.image(place + gap), sequence.camera)
        for place in places
        if place + gap < len(sequence)
    )
    return [motion for motion in found if motion is not None]
