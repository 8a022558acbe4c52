"""The way from sequences of plain video to better weights, or to a reason why there are none."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.found_geometry import Bar, find_geometry
from lsd_ros.adaptation.held_out import ComparedImage, HeldOut, judge
from lsd_ros.adaptation.learning import depth_settings, image_settings, learn, pose_settings
from lsd_ros.adaptation.metric_scale import known_by_seen
from lsd_ros.adaptation.parts import split
from lsd_ros.adaptation.rehearsal import replayed
from lsd_ros.adaptation.spent_time import SpentTime, noting
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import load_weights, save_weights, saved_in_the_end
from lsd_ros.models.shipped import shipped_names, weights_file
from lsd_ros.training.phases import Progress

LEAST_TRAINING = 0.3  # share of the time that is trained, whatever geometry takes
WORSE_PHOTOMETRIC = 1.02  # what new weights may lose there, and not more


@dataclass
class Adaptation:
    """
    What became of a recording.

    :param start: name or file of the weights that it went on from
    :param fits: relative difference of each of several weights from the sure points, which chose
        the start among them; empty: it was given, or nothing could choose
    :param parts: name, images and metres of each part that hangs together
    :param left_out: why sequences were not used
    :param before: of the start weights on what was held out
    :param after: of the new ones
    :param replay_before: of the start weights on synthetic places that nothing learned from
    :param replay_after: of the new ones on these
    :param verdict: why there are no new weights; empty: there are
    :param pictures: images that were held out, with the depth of the start weights and of the new
    :param weights: file of the new ones in the folder of work; None: there are none
    :param seconds: of each step, in all calls together
    """

    start: str
    fits: dict[str, float] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    before: HeldOut | None = None
    after: HeldOut | None = None
    replay_before: HeldOut | None = None
    replay_after: HeldOut | None = None
    verdict: str = ''
    weights: Path | None = None
    pictures: list[tuple[ComparedImage, ComparedImage]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def adapt(
    sequences: Sequence[TrainingSequence],
    start: str,
    work: Path,
    given: AdaptationSettings,
    *,
    bar: Bar,
    progress: Progress,
    command: str = '',
) -> Adaptation:
    """
    Adapt weights to the places of some sequences.

    :param start: name or file of the weights to go on from; it is never written to; empty: those
        of the package whose depth fits best what structure from motion finds
    :param work: folder for all that is made on the way; what is there is gone on from
    :param bar: shows how far a step is
    :param progress: shows how far a training is
    :raises LsdError: an image or the weights cannot be read, or the training fails
    """
    spent = SpentTime(work)
    with contextlib.ExitStack() as stack:
        note = stack.enter_context(spent.counted('geometry'))
        noted = noting(bar, note)
        engines = {
            name: stack.enter_context(contextlib.closing(_engine(weights_file(name))))
            for name in ([start] if start else shipped_names())
        }
        found = find_geometry(sequences, engines, work, given, noted)
        engine, file = engines[found.start], weights_file(found.start)
        result = Adaptation(found.start, found.fits, found.parts, found.left_out)
        if not found.known:
            note()
            result.seconds, result.verdict = spent.seconds, _nothing_hangs_together(result)
            return result
        halves = [split(path, given.held_out) for path in found.known]
        held_out = [measured for _, measured in halves]
        rehearsed, known_before = replayed(work, held_out[0].camera, found.points, given, noted)
        result.before, seen = _judged(engine, held_out, given, noted)
        result.replay_before, _ = _judged(engine, known_before, given, noted)
    learned = [each for each, _ in halves]
    learn_by = _by_images if given.learn_from == 'images' else _by_geometry
    training_s = spent.left_for(given.minutes, LEAST_TRAINING)
    with spent.counted('training') as note:
        path = learn_by(
            _Lessons(file, learned, rehearsed, held_out, found.points, work),
            given,
            training_s,
            minutes=given.minutes,
            command=command,
            progress=noting(progress, note),
        )
    result.seconds = spent.seconds
    with contextlib.closing(_engine(path)) as engine:
        result.after, seen_after = _judged(engine, held_out, given, bar)
        result.replay_after, _ = _judged(engine, known_before, given, bar)
    result.pictures = list(zip(seen, seen_after, strict=False))
    result.verdict = not_better(result.before, result.after, given.better_by)
    result.weights = None if result.verdict else path
    return result


@contextlib.contextmanager
def handed_out(result: Adaptation, out: Path) -> Iterator[None]:
    """
    Write the new weights, if there are any; they appear when the block ends without an error.

    Whoever finds them finds all that the block has written, too.

    :param out: their file
    :raises WeightsError: they cannot be written
    """
    if result.weights is None:
        yield
        return
    weights = load_weights(result.weights)
    sources = sorted({str(part['metres']) for part in result.parts})
    note = f'adapted from {result.start}; metres by {", ".join(sources)}; {weights.card.note}'
    card = dataclasses.replace(weights.card, name=f'adapted from {result.start}', note=note)
    with saved_in_the_end(dataclasses.replace(weights, card=card), out):
        yield


@dataclass(frozen=True)
class _Lessons:
    """
    What is learned from.

    :param start: file of the weights that are gone on from
    :param learned: parts of the recording
    :param rehearsed: synthetic places
    :param held_out: parts of the recording that choose the best checkpoint
    :param points: depth of the sure points [m], shape (N,)
    :param work: folder of the trainings
    """

    start: Path
    learned: Sequence[TrainingSequence]
    rehearsed: Sequence[TrainingSequence]
    held_out: Sequence[TrainingSequence]
    points: NDArray[np.float32]
    work: Path


def _by_geometry(
    lessons: _Lessons, given: AdaptationSettings, seconds: float, **options: Any
) -> Path:
    """Train depth, then the motions, and return the file of the weights."""
    wanted = depth_settings(load_weights(lessons.start), lessons.start, lessons.points, given)
    depth_s = seconds * (1 - given.pose_share)
    data = [*lessons.learned, *lessons.rehearsed]
    path = learn(wanted, data, lessons.held_out, lessons.work / 'depth', depth_s, **options)
    if not given.pose_share:
        return path
    moving = pose_settings(load_weights(path), path, given)
    return learn(moving, lessons.learned, [], lessons.work / 'pose', seconds - depth_s, **options)


def _by_images(
    lessons: _Lessons, given: AdaptationSettings, seconds: float, **options: Any
) -> Path:
    """
    Train the motions, then both networks, and return the file of the weights.

    Synthetic places are not shown: they are single images, and the anchor keeps what was known.
    """
    start = load_weights(lessons.start)
    moving, both = image_settings(start, lessons.start, lessons.points, given)
    pose_s, work = seconds * given.pose_share, lessons.work
    if given.pose_share:
        moved = learn(moving, lessons.learned, [], work / 'images_pose', pose_s, **options)
        both |= {'start_from': str(moved)}
    return _with_metres(
        learn(
            both, lessons.learned, lessons.held_out, work / 'images', seconds - pose_s, **options
        ),
        lessons.learned,
    )


def _with_metres(path: Path, learned: Sequence[TrainingSequence]) -> Path:
    """Write weights again that say the metres of the recording: images alone know no scale."""
    with contextlib.closing(_engine(path)) as engine:
        factor = known_by_seen(learned, engine)
    weights = load_weights(path)
    unit = factor * (weights.card.metres_per_unit if weights.card.metric else 1.0)
    card = dataclasses.replace(weights.card, metric=True, metres_per_unit=unit)
    metric = path.with_name('metric.safetensors')
    save_weights(dataclasses.replace(weights, card=card), metric)
    return metric


def not_better(before: HeldOut, after: HeldOut, better_by: float) -> str:
    """Say why new weights are not worth having; empty: they are."""
    if not after.abs_rel < (1 - better_by) * before.abs_rel:
        return (
            f'the new weights are not better on what was held out: {after.abs_rel:.3f} of '
            f'relative difference from triangulated depth, the start has {before.abs_rel:.3f}; '
            'record more, and more different, places'
        )
    if after.photometric > WORSE_PHOTOMETRIC * before.photometric:
        return (
            'the new weights fit triangulated depth better and the images worse '
            f'({after.photometric:.4f}, the start has {before.photometric:.4f}): much may move in '
            'these places; record without traffic or people'
        )
    return ''


def _nothing_hangs_together(result: Adaptation) -> str:
    return result.left_out[0] if result.left_out else 'there is not one image to learn from'


def _judged(
    engine: Engine, sequences: Sequence[TrainingSequence], given: AdaptationSettings, bar: Bar
) -> tuple[HeldOut, list[ComparedImage]]:
    count = sum(len(sequence.targets or range(len(sequence))) for sequence in sequences)
    with bar('measuring', count) as advance:
        return judge(engine, sequences, given.parallax_px, advance)


def _engine(file: Path) -> Engine:
    every_depth = {'depth_size': 'camera', 'min_depth_m': 1e-3, 'max_depth_m': 1e4}
    wanted = {'weights': str(file), **every_depth}
    return Engine.load(settings.build(EngineSettings, wanted))
