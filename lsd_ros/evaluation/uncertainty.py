"""Whether a claimed uncertainty of depth covers the error, and whether it finds the bad pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError

ONE_SIGMA, TWO_SIGMA = 0.6827, 0.9545  # shares of a normal distribution
STEP = 0.05  # share of the pixels that each step of sparsification leaves out
QUANTILES = 512


@dataclass(frozen=True)
class UncertaintyErrors:
    """
    How a frame's uncertainty fits its errors.

    :param coverage_1: share of pixels whose error is below one claimed standard deviation
    :param coverage_2: below two
    :param ause: area between two curves: the mean relative error of what remains when the most
        uncertain pixels are left out, and when the worst are; 0: the order is perfect
    :param aurg: area by which the first of them is below leaving out pixels at random; below 0 the
        uncertainty is worse than none
    :param ratios: quantiles of |error| / standard deviation, as many of every frame
    """

    coverage_1: float
    coverage_2: float
    ause: float
    aurg: float
    ratios: NDArray[np.float64]


@dataclass(frozen=True)
class UncertaintySummary:
    """
    The same of many frames: means of the frames' figures.

    :param factor: what to multiply the claimed deviations with, so that one covers 68.27 %
    :param frames: how many
    """

    coverage_1: float
    coverage_2: float
    ause: float
    aurg: float
    factor: float
    frames: int


def uncertainty_errors(
    predicted: NDArray[Any],
    uncertainty: NDArray[Any],
    truth: NDArray[Any],
    known: NDArray[np.bool_],
    *,
    scale: float,
) -> UncertaintyErrors:
    """
    Compare a frame's claimed deviation with its error.

    :param predicted: depth [m], shape (H, W)
    :param uncertainty: its standard deviation [m], NaN where there is none, shape (H, W)
    :param truth: [m], shape (H, W)
    :param known: where the truth counts, shape (H, W)
    :param scale: true metres per predicted one, which depth and deviation are multiplied with
    :raises FrameError: shapes differ, or nothing remains to be compared
    """
    if not predicted.shape == uncertainty.shape == truth.shape == known.shape:
        raise FrameError(
            f'depth of {predicted.shape}, uncertainty of {uncertainty.shape}, truth of '
            f'{truth.shape} and its pixels of {known.shape} must have one shape'
        )
    counts = known & np.isfinite(predicted) & (uncertainty > 0)
    if not counts.any():
        raise FrameError('no pixel has a depth, an uncertainty and a truth')
    found, deviation, wanted = (
        part[counts].astype(np.float64) for part in (predicted, uncertainty, truth)
    )
    error = np.abs(found * scale - wanted)
    ratios = error / (deviation * scale)
    oracle, claimed, at_random = _sparsification(error / wanted, deviation / found)
    return UncertaintyErrors(
        coverage_1=float(np.mean(ratios < 1)),
        coverage_2=float(np.mean(ratios < 2)),
        ause=float(np.mean(claimed - oracle)),
        aurg=float(np.mean(at_random - claimed)),
        ratios=np.quantile(ratios, (np.arange(QUANTILES) + 0.5) / QUANTILES),
    )


def summarise_uncertainty(errors: Sequence[UncertaintyErrors]) -> UncertaintySummary:
    """
    Average the figures of many frames, each of which counts as much as another.

    :raises FrameError: there are none
    """
    if not errors:
        raise FrameError('no frame was compared: there is nothing to summarise')
    names = ('coverage_1', 'coverage_2', 'ause', 'aurg')
    means = {name: float(np.mean([getattr(error, name) for error in errors])) for name in names}
    factor = np.quantile(np.concatenate([error.ratios for error in errors]), ONE_SIGMA)
    return UncertaintySummary(**means, factor=float(factor), frames=len(errors))


def _sparsification(
    error: NDArray[np.float64], uncertainty: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """
    Return the mean error of what remains, pixels left out by error, by uncertainty, and at random.

    As Ilg et al. 2018 and Poggi et al. 2020 measure it, with shares of 0 to 1 - STEP left out.
    """
    kept = np.ceil(len(error) * np.arange(1, STEP / 2, -STEP)).astype(int)
    curves = [
        (np.cumsum(error[np.argsort(by, kind='stable')]) / np.arange(1, len(error) + 1))[kept - 1]
        for by in (error, uncertainty)
    ]
    return (*curves, np.full(len(kept), error.mean()))
