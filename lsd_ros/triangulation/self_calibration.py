"""
The camera of a video that has no calibration, by structure from motion.

COLMAP finds the focal length and one coefficient of radial distortion; the principal point is
taken for the middle of the image. Every other image and the rest are solved apart: how far they
differ says how sure the result is. A drive straight ahead does not tell, turns and steps aside do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.job_processes import run_jobs
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.optional import check_installed
from lsd_ros.triangulation.structure_from_motion import keep_quiet, mapped, write_grey
from lsd_ros.triangulation.triangulation_settings import StructureSettings
from lsd_ros.types import Camera, Distortion

NARROWEST, WIDEST = 4.0, 0.3  # focal lengths that are believed, as shares of the width
FEWEST = 10  # images of a half that must hang together
NO_TURN = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class SelfCalibration:
    """
    A camera that was estimated.

    :param camera: with one coefficient of radial distortion
    :param deviation: relative difference of the focal lengths by every other image and by the rest
    :param images: that hang together
    """

    camera: Camera
    deviation: float
    images: int


def calibrate(images: Sequence[NDArray[np.uint8]], given: StructureSettings) -> SelfCalibration:
    """
    Estimate the camera of images in the order of time.

    :param images: RGB, all of shape (H, W, 3)
    :raises DatasetError: pycolmap is not installed, or the images do not say what their camera is
    """
    check_installed('pycolmap', 'the calibration of a camera from its images', 'sfm')
    height, width = images[0].shape[:2]
    scale = min(1.0, given.width / width)
    size = (round(scale * width), round(scale * height))
    with tempfile.TemporaryDirectory(prefix='lsd_ros_calibration_') as folder:
        jobs = []
        for number, half in enumerate((images[::2], images[1::2])):
            work = Path(folder) / str(number)
            work.mkdir()
            for index, image in enumerate(half):
                write_grey(work, index, image, size)
            jobs.append((work, given))
        outcomes = list(run_jobs(_solved, jobs, 1, lambda _done, _more: None, apart=True))
    for outcome in outcomes:
        if outcome.problem:
            raise DatasetError(f'the calibration of a camera: {outcome.problem}')
    found = [outcome.result for outcome in outcomes if outcome.result is not None]
    if len(found) < 2:
        raise DatasetError(
            'the images do not hang together well enough to say what their camera is: record '
            'slower and past things with texture, or give --camera'
        )
    focals = [focal for focal, _, _ in found]
    focal, radial = float(np.mean(focals)) / scale, float(np.mean([k for _, k, _ in found]))
    if not WIDEST * width <= focal <= NARROWEST * width:
        raise DatasetError(
            f'the images say that the focal length is {focal:.0f} pixels at {width} pixels '
            'width, which no camera of a robot has: give --camera'
        )
    camera = _camera((width, height), focal, radial)
    count = sum(number for _, _, number in found)
    return SelfCalibration(camera, abs(focals[0] - focals[1]) / float(np.mean(focals)), count)


def _camera(size: tuple[int, int], focal: float, radial: float) -> Camera:
    width, height = size
    plain = (focal, focal, (width - 1) / 2, (height - 1) / 2)
    lens = Distortion('plumb_bob', (radial, 0.0, 0.0, 0.0, 0.0), NO_TURN, plain)
    return Camera(width, height, *plain, distortion=lens)


def _solved(work: Path, given: StructureSettings, _: object) -> tuple[float, float, int] | None:
    """Return focal length [pixels], radial distortion and number of images of the largest part."""
    keep_quiet(work)
    models = mapped(work, 'SIMPLE_RADIAL', (), given, refined=True)
    if not models:
        return None
    largest = max(models, key=lambda model: model.num_reg_images())
    count = int(largest.num_reg_images())
    if count < FEWEST:
        return None
    (camera,) = largest.cameras.values()
    focal, _, _, radial = (float(value) for value in camera.params)
    return focal, radial, count
