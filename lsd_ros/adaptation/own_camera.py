"""The camera of a recording that has no calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.source import open_source
from lsd_ros.errors import DatasetError
from lsd_ros.triangulation.self_calibration import SelfCalibration, calibrate
from lsd_ros.triangulation.triangulation_settings import StructureSettings

IMAGES, FEWEST = 100, 40
STEP_NS = 150_000_000  # between images that are looked at
LARGEST_DEVIATION = 0.1  # between two halves


def estimate_camera(path: Path, given: StructureSettings) -> SelfCalibration:
    """
    Estimate the camera of a bag, a video or a folder of images by its first images.

    :raises DatasetError: there are too few, of several sizes, or they do not say what their camera
        is
    """
    images: list[NDArray[np.uint8]] = []
    last_ns: int | None = None
    with open_source(path) as source:
        for frame in source:
            if last_ns is not None and frame.stamp_ns - last_ns < STEP_NS:
                continue
            if images and frame.image.shape != images[0].shape:
                raise DatasetError(f'{path} has images of several sizes: give each its --camera')
            images.append(frame.image)
            last_ns = frame.stamp_ns
            if len(images) == IMAGES:
                break
    if len(images) < FEWEST:
        raise DatasetError(
            f'{path} has {len(images)} images that are {STEP_NS / 1e9:g} s apart: {FEWEST} are '
            'needed to estimate a camera; record longer, or give --camera'
        )
    found = calibrate(images, given)
    if found.deviation > LARGEST_DEVIATION:
        raise DatasetError(
            f'the camera of {path} cannot be estimated: two halves of the images say focal '
            f'lengths that differ by {100 * found.deviation:.0f} %; calibrate it, and give '
            '--camera, or record turns and steps aside'
        )
    return found
