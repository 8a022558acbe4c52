"""``lsd_ros evaluate``: how good weights are on sequences with truth."""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lsd_ros import settings
from lsd_ros.cli.checking import opened_data
from lsd_ros.cli.engine_setup import engine_settings, running_engine
from lsd_ros.cli.evaluate.calibration import check_can_be_calibrated, write_calibration
from lsd_ros.cli.evaluate.motion_scoring import score_motion
from lsd_ros.cli.evaluate.obstacle_scoring import obstacle_tables, score_obstacles
from lsd_ros.cli.evaluate.scoring import MEANS, Judged, Protocol, score_depth
from lsd_ros.cli.evaluate.teacher_truth import TeachersTruth
from lsd_ros.cli.pictures import Picture, write_png
from lsd_ros.cli.printing import MISSING, json_text, say, table
from lsd_ros.cli.progress import progress
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.evaluation.uncertainty import UncertaintyErrors
from lsd_ros.foreign.atomic import atomic_folder, write_atomically
from lsd_ros.inference.engine_info import EngineInfo
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.calibration import JudgedSteps
from lsd_ros.models.shipped import weights_file
from lsd_ros.publication.publication_settings import GuardedSettings

PICTURES_EACH = 6
PRIOR_NAMES = {
    'mean_map': 'mean-depth baseline',
    'row_prior': 'row prior',
    'constant': 'one depth',
}
# the network itself is judged: nothing may be cut off before the scale is known
EVERY_DEPTH = {'depth_size': 'camera', 'min_depth_m': 1e-3, 'max_depth_m': 1e4}

Scores = dict[str, dict[str, Any]]


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    engine_wanted = settings.values(engine_settings(given))
    if engine_wanted['precision'] == 'auto':
        engine_wanted['precision'] = 'full'  # figures must not hang on what is fast here
    wanted = settings.build(GuardedSettings, {**engine_wanted, **EVERY_DEPTH})
    if given.without_truth:
        from lsd_ros.cli.evaluate.without_truth import run_without_truth

        return run_without_truth(given, wanted)
    protocol = Protocol(given.max_depth, given.crop, given.frame_step)
    sequences: Sequence[TrainingSequence] = opened_data(given)
    claims: list[UncertaintyErrors] = []
    known: list[JudgedSteps] = []
    with _judged(wanted) as engine:
        if given.write_calibration:
            check_can_be_calibrated(wanted.weights)
        if given.teacher is not None:
            sequences = _as_taught(sequences, given.teacher, wanted)
        if given.pictures is None:
            scores = evaluate(engine, sequences, protocol, claims=claims, known=known)
            _add_obstacles(scores, engine, sequences, protocol, given, wanted)
        else:
            with atomic_folder(given.pictures) as folder:
                scores = evaluate(engine, sequences, protocol, folder, claims, known)
                _add_obstacles(scores, engine, sequences, protocol, given, wanted, folder)
        if given.json is not None:
            write_atomically(given.json, json_text(scores).encode() + b'\n')
        say('\n'.join(report(scores, engine.info)))
    if given.write_calibration:
        say('\n'.join(write_calibration(wanted.weights, claims, known)))
    return 0


@contextlib.contextmanager
def _judged(wanted: EngineSettings) -> Iterator[Judged]:
    """Load weights or, where their path is a folder, the teacher that was trained in it."""
    if not weights_file(wanted.weights).is_dir():
        with running_engine(wanted) as engine:
            yield engine
        return
    from lsd_ros.cli.evaluate.teacher_engine import TeacherEngine

    yield TeacherEngine(Path(wanted.weights), wanted)


def _as_taught(
    sequences: Sequence[TrainingSequence], teacher: Path, wanted: EngineSettings
) -> list[TrainingSequence]:
    from lsd_ros.cli.evaluate.teacher_engine import TeacherEngine

    judge = TeacherEngine(teacher, wanted)
    return [TeachersTruth(sequence, judge) for sequence in sequences]


def evaluate(
    engine: Judged,
    sequences: Sequence[TrainingSequence],
    protocol: Protocol,
    pictures: Path | None = None,
    claims: list[UncertaintyErrors] | None = None,
    known: list[JudgedSteps] | None = None,
) -> Scores:
    """
    Score every sequence.

    :param pictures: folder for pictures of some frames of each
    :param claims: how the uncertainty of each frame fits its errors is added to these
    :param known: the motions whose truth is known are added to these
    :return: the errors by the name of the sequence
    :raises DatasetError: two sequences have one name, or no sequence has any truth
    """
    scores: Scores = {}
    ((name, count),) = Counter(sequence.name for sequence in sequences).most_common(1)
    if count > 1:
        raise DatasetError(f'two sequences are called {name}: evaluate them apart')
    for sequence in sequences:
        with progress(sequence.name, 2 * len(sequence)) as advance:
            show = None if pictures is None else partial(_write_sheet, pictures, sequence.name)
            depth = score_depth(engine, sequence, protocol, advance, show, claims)
            motion = score_motion(engine, sequence, protocol, advance, known)
        scores[sequence.name] = {'images': len(sequence), **depth, **motion}
    if not any(_has_truth(score) for score in scores.values()):
        raise DatasetError(
            f'not one of {len(scores)} sequences has true depth or poses: give one that has, or '
            'compare with structure from motion by --without-truth'
        )
    return scores


def _add_obstacles(
    scores: Scores,
    engine: Judged,
    sequences: Sequence[TrainingSequence],
    protocol: Protocol,
    given: argparse.Namespace,
    wanted: EngineSettings,
    pictures: Path | None = None,
) -> None:
    """Score what a robot would hit, where that is asked for."""
    if not given.obstacles:
        return
    for sequence in sequences:
        show = None if pictures is None else _painter(pictures, sequence)
        with progress(f'{sequence.name} obstacles', len(sequence)) as advance:
            scores[sequence.name] |= score_obstacles(
                engine, sequence, protocol, wanted, advance, show
            )


def report(scores: Scores, info: EngineInfo) -> Iterator[str]:
    """Yield the lines of both tables."""
    metric = 'metric' if info.metric else 'not metric'
    yield f'weights {info.weights} ({info.name}, {metric}), {info.backend} on {info.device}'
    depth = [row for name, score in scores.items() for row in _depth_rows(name, score)]
    if depth:
        yield ''
        yield 'depth, median scaled (unscaled: abs_rel as the weights say it)'
        yield from table(['sequence', 'prediction', *MEANS, 'scale', 'spread', 'unscaled'], depth)
    yield from obstacle_tables(scores)
    yield from _uncertainty_table(scores)
    motion = [_motion_row(name, score) for name, score in scores.items() if 'length_m' in score]
    if motion:
        yield ''
        yield 'odometry, laid upon the truth with one scale'
        head = ['sequence', 'length m', 'ATE m', 'RPE m', 'RPE deg', 't_rel %', 'r_rel deg/100m']
        yield from table(head, motion)
    yield from _noise_table(scores, info)
    for name, score in scores.items():
        if 'odometry_note' in score:
            yield f'{name}: {score["odometry_note"]}'


def _noise_table(scores: Scores, info: EngineInfo) -> Iterator[str]:
    rows = [
        [name, *_noise_figures(score['motion_noise'])]
        for name, score in scores.items()
        if 'motion_noise' in score
    ]
    if rows:
        claimed = 'the weights say' if info.motion_noise else 'is taken by default'
        yield ''
        yield 'noise of motion, as fitted to each sequence; NEES: squared error in units of what'
        yield f'{claimed}, of one step and of 10 s (1 is right; above, the odometry is too sure)'
        head = ['sequence', 'along %', 'across %', 'x deg', 'y deg', 'z deg']
        yield from table([*head, 'NEES step', 'NEES 10 s'], rows)


def _noise_figures(found: dict[str, Any]) -> list[str]:
    fitted = found['fitted']
    shares = [f'{100 * fitted[name]:.1f}' for name in ('along', 'across')]
    rest = (*fitted['rotation_deg'], found['nees_steps'], found['nees_poses'])
    return shares + _figures(rest)


def _uncertainty_table(scores: Scores) -> Iterator[str]:
    rows = [
        [name, *_uncertainty_figures(score['uncertainty'])]
        for name, score in scores.items()
        if 'uncertainty' in score
    ]
    if rows:
        yield ''
        yield 'uncertainty, median scaled (right: 68.3 and 95.4 %; factor: makes the first so;'
        yield 'AUSE: 0 is the perfect order of the pixels; AURG: below 0 is worse than no order)'
        head = ['sequence', 'within 1 sigma %', '2 sigma %', 'factor', 'AUSE', 'AURG']
        yield from table(head, rows)


def _uncertainty_figures(found: dict[str, float]) -> list[str]:
    shares = [f'{100 * found[name]:.1f}' for name in ('coverage_1', 'coverage_2')]
    return shares + _figures(found[name] for name in ('factor', 'ause', 'aurg'))


def _has_truth(score: dict[str, Any]) -> bool:
    return 'abs_rel' in score or 'length_m' in score


def _depth_rows(name: str, score: dict[str, Any]) -> Iterator[list[str]]:
    if 'abs_rel' not in score:
        return
    own = [score['scale_median'], score['scale_std'], score['unscaled']['abs_rel']]
    yield [name, 'network', *_figures([*(score[mean] for mean in MEANS), *own])]
    for prior, errors in score['priors'].items():
        figures = _figures(errors[mean] for mean in MEANS)
        yield ['', PRIOR_NAMES[prior], *figures, MISSING, MISSING, MISSING]


def _motion_row(name: str, score: dict[str, Any]) -> list[str]:
    names = ('length_m', 'ate_m', 'rpe_m', 'rpe_deg', 't_rel_percent', 'r_rel_deg_per_100m')
    return [name, *_figures(score[figure] for figure in names)]


def _figures(values: Any) -> list[str]:
    return [MISSING if value is None else f'{value:.3f}' for value in values]


def _write_sheet(folder: Path, name: str, sheet: Picture) -> None:
    write_png(folder / f'{name}_sheet.png', sheet)


def _painter(folder: Path, sequence: TrainingSequence) -> Callable[[int, Picture], object]:
    """Return what writes the scans of some images."""
    every = max(1, len(sequence) // PICTURES_EACH)
    last = -every

    def show(index: int, picture: Picture) -> None:
        nonlocal last
        if index - last >= every:
            last = index
            write_png(folder / f'{sequence.name}_{index:06}_scan.png', picture)

    return show
