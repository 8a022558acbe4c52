"""What weights are worth on a sequence with truth: depth beside simple priors, and odometry."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.evaluate.sheet import SheetRow, sheet
from lsd_ros.cli.pictures import Picture
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.evaluation.depth import (
    Crop,
    DepthErrors,
    crop_for,
    depth_errors,
    known_pixels,
    summarise,
)
from lsd_ros.evaluation.uncertainty import (
    UncertaintyErrors,
    summarise_uncertainty,
    uncertainty_errors,
)
from lsd_ros.inference.engine_info import EngineInfo
from lsd_ros.types import Estimate, Frame

Depth = NDArray[np.float32]
NEAREST_M = 1e-3
FRAME_ID = 'camera_optical_frame'
Advance = Callable[[], object]


class Judged(Interface):
    """What is judged: an engine, or whatever gives depth and motion as one."""

    @property
    def info(self) -> EngineInfo:
        """Return what runs."""
        ...

    def process(
        self, frame: Frame, *, depth: bool = True, motion: bool = True, uncertainty: bool = False
    ) -> Estimate:
        """Estimate depth and motion of the next frame."""
        ...

    def reset_odometry(self) -> None:
        """Make the next frame the origin of the odometry."""
        ...


@dataclass(frozen=True)
class Protocol:
    """
    How depth is compared.

    :param crop: ``garg``, ``none``, or ``auto``: Garg's for images wider than two to one
    :param frame_step: odometry takes every so many frames
    """

    max_depth_m: float = 80.0
    crop: str = 'auto'
    frame_step: int = 1

    def crop_of(self, sequence: TrainingSequence) -> Crop:
        """Return the crop of a sequence's images."""
        if self.crop != 'auto':
            return 'garg' if self.crop == 'garg' else 'none'
        return crop_for(sequence.camera.width, sequence.camera.height)

    def known(self, truth: Depth, crop: Crop) -> NDArray[np.bool_]:
        """Return which pixels of a true depth count, shape (H, W)."""
        return known_pixels(truth, min_depth_m=NEAREST_M, max_depth_m=self.max_depth_m, crop=crop)


@dataclass(frozen=True)
class LabelledImage:
    """
    One image with true depth.

    :param index: in the sequence
    :param image: RGB, shape (H, W, 3)
    :param truth: [m], shape (H, W)
    """

    index: int
    image: NDArray[np.uint8]
    truth: Depth


@dataclass
class Priors:
    """
    Predictions that do not look at the image: only below them has a network learned to see.

    :param inverse_sum: of the network's inverse depth at each pixel, over the frames
    :param counts: frames in which the network has a depth at each pixel
    :param rows: of each frame, the median inverse truth of each row over that of the frame
    """

    inverse_sum: NDArray[np.float64]
    counts: NDArray[np.int64]
    rows: list[NDArray[np.float64]] = field(default_factory=list)

    @classmethod
    def like(cls, depth: Depth) -> Priors:
        """Make empty ones for frames of this size."""
        return cls(np.zeros(depth.shape), np.zeros(depth.shape, np.int64))

    def add(self, predicted: Depth, truth: Depth, known: NDArray[np.bool_]) -> None:
        """
        Take a frame.

        :param known: which of its truth counts
        """
        inverse = np.divide(1.0, predicted, where=predicted > 0, out=np.zeros_like(predicted))
        valid = np.isfinite(predicted)
        self.inverse_sum[valid] += inverse[valid]
        self.counts += valid
        wanted = np.where(known, truth, np.nan)
        medians = np.full(len(truth), np.nan)
        rows = known.any(axis=1)
        medians[rows] = np.nanmedian(wanted[rows], axis=1)
        self.rows.append(np.nanmedian(wanted) / medians)

    def predictions(self) -> dict[str, Depth]:
        """Return what each prior says of every frame, shape (H, W), up to scale."""
        shape = self.counts.shape
        mean = np.full(shape, np.nan)
        np.divide(self.counts, self.inverse_sum, out=mean, where=self.inverse_sum > 0)
        return {
            'mean_map': mean.astype(np.float32),
            'row_prior': np.repeat(self._row_depth()[:, None], shape[1], axis=1),
            'constant': np.ones(shape, np.float32),
        }

    def _row_depth(self) -> Depth:
        every = np.stack(self.rows)
        known = np.flatnonzero(np.isfinite(every).any(axis=0))
        medians = np.nanmedian(every[:, known], axis=0)
        inverse = np.interp(np.arange(every.shape[1]), known, medians)
        return (1 / inverse).astype(np.float32)


def score_depth(
    engine: Judged,
    sequence: TrainingSequence,
    protocol: Protocol,
    advance: Advance = lambda: None,
    show: Callable[[Picture], object] | None = None,
    claims: list[UncertaintyErrors] | None = None,
) -> dict[str, Any]:
    """
    Compare the depth of every frame that has a true one, and its uncertainty where that is known.

    :param advance: called after each frame of the sequence
    :param show: told the sheet of the best, the median and the worst image
    :param claims: how the uncertainty of each frame fits its errors is added to these
    :return: the errors; empty where the sequence has no true depth
    :raises LsdError: an image cannot be read, or the engine fails
    """
    scaled: list[DepthErrors] = []
    unscaled: list[DepthErrors] = []
    claimed: list[UncertaintyErrors] = []
    ranked: list[tuple[float, int]] = []
    priors: Priors | None = None
    compare = _comparison(protocol, protocol.crop_of(sequence))
    for seen in frames_with_truth(sequence, advance):
        estimate = _estimate(engine, sequence, seen)
        predicted = _depth_of(estimate, sequence, seen)
        priors = priors or Priors.like(predicted)
        scaled.append(compare(predicted, seen.truth, True))
        unscaled.append(compare(predicted, seen.truth, False))
        priors.add(predicted, seen.truth, protocol.known(seen.truth, 'none'))
        if estimate.uncertainty is not None:
            known = protocol.known(seen.truth, protocol.crop_of(sequence))
            fit = (predicted, estimate.uncertainty, seen.truth, known)
            claimed.append(uncertainty_errors(*fit, scale=scaled[-1].scale))
        ranked.append((scaled[-1].abs_rel, seen.index))
    if priors is None:
        return {}
    if show is not None:
        show(sheet(_sheet_rows(engine, sequence, protocol, sorted(ranked))))
    errors: dict[str, Any] = dataclasses.asdict(summarise(scaled))
    plain = dataclasses.asdict(summarise(unscaled))
    errors['unscaled'] = {name: plain[name] for name in MEANS}
    errors['priors'] = _prior_errors(priors, sequence, compare)
    errors['crop'] = protocol.crop_of(sequence)
    if claimed:
        errors['uncertainty'] = dataclasses.asdict(summarise_uncertainty(claimed))
    if claims is not None:
        claims.extend(claimed)
    return errors


MEANS = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'a1', 'a2', 'a3')
Comparison = Callable[[Depth, Depth, bool], DepthErrors]


def _comparison(protocol: Protocol, crop: Crop) -> Comparison:
    def compare(predicted: Depth, truth: Depth, scaled: bool) -> DepthErrors:
        return depth_errors(
            predicted,
            truth,
            median_scaling=scaled,
            min_depth_m=NEAREST_M,
            max_depth_m=protocol.max_depth_m,
            crop=crop,
        )

    return compare


def _prior_errors(
    priors: Priors, sequence: TrainingSequence, compare: Comparison
) -> dict[str, dict[str, float]]:
    predictions = priors.predictions()
    found: dict[str, list[DepthErrors]] = {name: [] for name in predictions}
    for seen in frames_with_truth(sequence):
        for name, predicted in predictions.items():
            found[name].append(compare(predicted, seen.truth, True))
    summaries = {name: dataclasses.asdict(summarise(errors)) for name, errors in found.items()}
    return {name: {mean: summary[mean] for mean in MEANS} for name, summary in summaries.items()}


def judged(
    engine: Judged, sequence: TrainingSequence, seen: LabelledImage, protocol: Protocol
) -> tuple[Depth, float]:
    """
    Estimate the depth of one image.

    :return: as the weights say, shape (H, W), and the factor that makes its median the true one
    :raises LsdError: the engine fails, or the depth has another size than the truth
    """
    predicted = _depth_of(_estimate(engine, sequence, seen), sequence, seen)
    compare = _comparison(protocol, protocol.crop_of(sequence))
    return predicted, compare(predicted, seen.truth, True).scale


def frames_with_truth(
    sequence: TrainingSequence, advance: Advance = lambda: None
) -> Iterator[LabelledImage]:
    """Yield the images that have true depth; ``advance`` is called after every image."""
    indices = range(len(sequence)) if sequence.targets is None else sequence.targets
    for index in indices:
        truth = sequence.depth(index)
        if truth is not None and np.isfinite(truth).any():
            yield LabelledImage(index, sequence.image(index), truth)
        advance()


def _estimate(engine: Judged, sequence: TrainingSequence, seen: LabelledImage) -> Estimate:
    stamp_ns = int(sequence.stamps_ns[seen.index])
    frame = Frame(stamp_ns, FRAME_ID, seen.image, sequence.camera)
    return engine.process(frame, motion=False, uncertainty=True)


def _depth_of(estimate: Estimate, sequence: TrainingSequence, seen: LabelledImage) -> Depth:
    if estimate.depth is None or estimate.depth.shape != seen.truth.shape:
        raise DatasetError(
            f'{sequence.name}: depth and truth of image {seen.index} differ in size'
        )
    return estimate.depth


def _sheet_rows(
    engine: Judged,
    sequence: TrainingSequence,
    protocol: Protocol,
    ranked: list[tuple[float, int]],
) -> list[SheetRow]:
    """Look once more at the best, the median and the worst image."""
    places = {'best': 0, 'median': len(ranked) // 2, 'worst': len(ranked) - 1}
    compare = _comparison(protocol, protocol.crop_of(sequence))
    rows = []
    for label, place in places.items():
        index = ranked[place][1]
        truth = sequence.depth(index)
        assert truth is not None, 'it was compared already'
        seen = LabelledImage(index, sequence.image(index), truth)
        estimate = _estimate(engine, sequence, seen)
        predicted = _depth_of(estimate, sequence, seen)
        errors = compare(predicted, truth, True)
        unsure = estimate.uncertainty
        rows.append(
            SheetRow(
                label,
                index,
                errors.abs_rel,
                seen.image,
                predicted * np.float32(errors.scale),
                truth,
                None if unsure is None else unsure / predicted,
            )
        )
    return rows
