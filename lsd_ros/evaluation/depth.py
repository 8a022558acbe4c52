"""Depth errors as the monocular literature counts them (Eigen et al. 2014; Monodepth2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError

Crop = Literal['garg', 'none']
# top, bottom, left, right as fractions of the image (Garg et al. 2016)
GARG = (0.40810811, 0.99189189, 0.03594771, 0.96405229)
GARG_ASPECT = 2.0
THRESHOLD = 1.25
MEANS = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'a1', 'a2', 'a3')


@dataclass(frozen=True)
class DepthErrors:
    """
    The errors of one frame.

    :param abs_rel: mean of |error| / truth
    :param sq_rel: mean of error squared / truth [m]
    :param rmse: root of the mean of error squared [m]
    :param rmse_log: the same of the logarithm of depth
    :param a1: share of pixels whose ratio to the truth, or its inverse, is below 1.25
    :param a2: below 1.25 squared
    :param a3: below 1.25 cubed
    :param scale: median truth over median prediction, whether or not it was applied
    :param pixels: how many were compared
    """

    abs_rel: float
    sq_rel: float
    rmse: float
    rmse_log: float
    a1: float
    a2: float
    a3: float
    scale: float
    pixels: int


@dataclass(frozen=True)
class DepthSummary:
    """
    The errors of many frames: means of the frames' errors.

    :param scale_median: median of the frames' scales
    :param scale_std: standard deviation of the frames' scales, relative to their median
    :param frames: how many
    :param pixels: how many were compared in all of them
    """

    abs_rel: float
    sq_rel: float
    rmse: float
    rmse_log: float
    a1: float
    a2: float
    a3: float
    scale_median: float
    scale_std: float
    frames: int
    pixels: int


def depth_errors(
    predicted: NDArray[Any],
    truth: NDArray[Any],
    *,
    median_scaling: bool,
    min_depth_m: float = 1e-3,
    max_depth_m: float = 80.0,
    crop: Crop = 'none',
) -> DepthErrors:
    """
    Compare a frame's depth with the truth, as Monodepth2 does.

    Pixels count where the truth lies between the bounds and inside the crop, and where something
    was predicted (not NaN). A prediction of another size is resized through its inverse, which
    is linear on planes. It is scaled first and clamped to the bounds afterwards.

    :param predicted: positive depth; +Inf counts as the far bound, -Inf as the near one (REP-117),
        shape (h, w) [m]
    :param truth: 0, NaN or Inf where there is none, shape (H, W) [m]
    :param median_scaling: whether the median of the prediction is made that of the truth
    :param crop: ``garg`` for the KITTI crop, or ``none``
    :raises FrameError: a shape is no image's, a prediction is not positive, or nothing remains to
        be compared
    """
    if predicted.ndim != 2 or truth.ndim != 2 or not predicted.size or not truth.size:
        raise FrameError(
            f'predicted depth of {predicted.shape} and true depth of {truth.shape} must both be '
            '(height, width)'
        )
    inverse = _resized(_inverse(predicted, min_depth_m), truth.shape)
    known = known_pixels(truth, min_depth_m=min_depth_m, max_depth_m=max_depth_m, crop=crop)
    known &= np.isfinite(inverse)
    if not known.any():
        raise FrameError(
            f'no pixel has both a prediction and a truth between {min_depth_m} and {max_depth_m} m'
        )
    with np.errstate(divide='ignore'):
        found = 1 / inverse[known]
    wanted = truth[known].astype(np.float64)
    scale = float(np.median(wanted) / np.median(found))
    if median_scaling and scale == 0:
        raise FrameError('most of the prediction is beyond range: it cannot be scaled')
    found = np.clip(found * (scale if median_scaling else 1.0), min_depth_m, max_depth_m)
    return _compared(found, wanted, scale)


def known_pixels(
    truth: NDArray[Any], *, min_depth_m: float, max_depth_m: float, crop: Crop
) -> NDArray[np.bool_]:
    """Return where the truth lies between the bounds and inside the crop, shape (H, W)."""
    with np.errstate(invalid='ignore'):
        return (truth > min_depth_m) & (truth < max_depth_m) & _inside(truth.shape, crop)


def crop_for(width: int, height: int) -> Crop:
    """Return the crop that is usual for an image: Garg's where it is wide as KITTI's are."""
    return 'garg' if width > GARG_ASPECT * height else 'none'


def summarise(errors: Sequence[DepthErrors]) -> DepthSummary:
    """
    Average the errors of many frames.

    :raises FrameError: there are none
    """
    if not errors:
        raise FrameError('no frame was compared: there is nothing to summarise')
    scales = np.array([error.scale for error in errors])
    median = float(np.median(scales))
    means = {name: float(np.mean([getattr(error, name) for error in errors])) for name in MEANS}
    return DepthSummary(
        **means,
        scale_median=median,
        scale_std=float(np.std(scales / median)),
        frames=len(errors),
        pixels=sum(error.pixels for error in errors),
    )


def _inverse(predicted: NDArray[Any], min_depth_m: float) -> NDArray[np.float64]:
    depth = np.where(np.isneginf(predicted), min_depth_m, predicted).astype(np.float64)
    if np.any(depth <= 0):
        raise FrameError(
            f'predicted depth {depth[depth <= 0].max()} m is not positive: NaN stands for none'
        )
    return np.asarray(1 / depth)


def _resized(inverse: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    if inverse.shape == shape:
        return inverse
    resized = cv2.resize(inverse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.float64)


def _inside(shape: tuple[int, ...], crop: Crop) -> NDArray[np.bool_]:
    inside = np.ones(shape, bool)
    if crop == 'none':
        return inside
    if crop != 'garg':
        raise FrameError(f'crop {crop!r} is unknown: choose garg or none')
    height, width = shape
    top, bottom = (int(fraction * height) for fraction in GARG[:2])
    left, right = (int(fraction * width) for fraction in GARG[2:])
    inside[:] = False
    inside[top:bottom, left:right] = True
    return inside


def _compared(
    found: NDArray[np.float64], wanted: NDArray[np.float64], scale: float
) -> DepthErrors:
    ratio = np.maximum(wanted / found, found / wanted)
    error = found - wanted
    within = [float(np.mean(ratio < THRESHOLD**power)) for power in (1, 2, 3)]
    return DepthErrors(
        abs_rel=float(np.mean(np.abs(error) / wanted)),
        sq_rel=float(np.mean(error**2 / wanted)),
        rmse=math.sqrt(np.mean(error**2)),
        rmse_log=math.sqrt(np.mean(np.log(found / wanted) ** 2)),
        a1=within[0],
        a2=within[1],
        a3=within[2],
        scale=scale,
        pixels=len(wanted),
    )
