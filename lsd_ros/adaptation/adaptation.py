"""The way from sequences of plain video to better weights, or to a reason why there are none."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.judging import FRAME_ID, HeldOut, Seen, judge
from lsd_ros.adaptation.learning import depth_settings, learn, pose_settings
from lsd_ros.adaptation.metres import Metres, by_depth, by_height, by_poses
from lsd_ros.adaptation.parts import every_point, split, structures, with_depth, write_part
from lsd_ros.adaptation.replay import replayed
from lsd_ros.adaptation.suitability import unsuitable
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import load_weights, save_weights
from lsd_ros.models.shipped import weights_file
from lsd_ros.training.phases import Progress
from lsd_ros.triangulation.structure_from_motion import Structure
from lsd_ros.types import Frame

LEAST_TRAINING = 0.3  # share of the time that is trained, whatever geometry takes
GEOMETRY, POINTS, KNOWN = 'geometry.json', 'points.npy', 'known'
WORSE_PHOTOMETRIC = 1.02  # what new weights may lose there, and not more
Bar = Callable[[str, int], AbstractContextManager[Callable[[], object]]]
LOGGER = logging.getLogger(__name__)


@dataclass
class Adaptation:
    """
    What became of a recording.

    :param start: name or file of the weights that it went on from
    :param parts: name, images and metres of each part that hangs together
    :param left_out: why sequences were not used
    :param before: of the start weights on what was held out
    :param after: of the new ones
    :param replay_before: of the start weights on synthetic places that nothing learned from
    :param replay_after: of the new ones on these
    :param verdict: why there are no new weights; empty: there are
    :param pictures: images that were held out, with the depth of the start weights and of the new
    :param seconds: of each step
    """

    start: str
    parts: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    before: HeldOut | None = None
    after: HeldOut | None = None
    replay_before: HeldOut | None = None
    replay_after: HeldOut | None = None
    verdict: str = ''
    pictures: list[tuple[Seen, Seen]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def adapt(
    sequences: Sequence[TrainingSequence],
    start: str,
    out: Path,
    work: Path,
    given: AdaptationSettings,
    *,
    bar: Bar,
    progress: Progress,
    command: str = '',
) -> Adaptation:
    """
    Adapt weights to the places of some sequences.

    :param start: name or file of the weights to go on from; it is never written to
    :param out: file of the new weights; it is written only if they are better
    :param work: folder for all that is made on the way; what is there is gone on from
    :param bar: shows how far a step is
    :param progress: shows how far a training is
    :raises LsdError: an image or the weights cannot be read, or the training fails
    """
    result, began = Adaptation(start), time.monotonic()
    file = weights_file(start)
    with contextlib.closing(Engine.load(_engine_settings(file))) as engine:
        known, points = _geometry(sequences, engine, work, given, result, bar)
        result.seconds['geometry'] = time.monotonic() - began
        if not known:
            result.verdict = _nothing_hangs_together(result)
            return result
        halves = [split(path, given.held_out) for path in known]
        held_out = [measured for _, measured in halves]
        synthetic = replayed(work, held_out[0].camera, points, given, bar)
        result.before, seen = _judged(engine, held_out, given, bar)
        result.replay_before, _ = _judged(engine, synthetic[1], given, bar)
    learned = [each for each, _ in halves]
    whole_s = 60 * given.minutes
    path = _trained(
        learned,
        synthetic[0],
        held_out,
        work,
        depth_settings(load_weights(file), file, points, given),
        given,
        max(whole_s - (time.monotonic() - began), LEAST_TRAINING * whole_s),
        command=command,
        progress=progress,
    )
    result.seconds['training'] = time.monotonic() - began - result.seconds['geometry']
    with contextlib.closing(Engine.load(_engine_settings(path))) as engine:
        result.after, seen_after = _judged(engine, held_out, given, bar)
        result.replay_after, _ = _judged(engine, synthetic[1], given, bar)
    result.pictures = list(zip(seen, seen_after, strict=False))
    result.verdict = not_better(result.before, result.after, given.better_by)
    if not result.verdict:
        _hand_out(path, out, result)
    return result


def _trained(
    learned: Sequence[TrainingSequence],
    replayed: Sequence[TrainingSequence],
    held_out: Sequence[TrainingSequence],
    work: Path,
    wanted: dict[str, Any],
    given: AdaptationSettings,
    seconds: float,
    **options: Any,
) -> Path:
    """Train depth, then the motions, and return the file of the weights."""
    depth_s = seconds * (1 - given.pose_share)
    path = learn(wanted, [*learned, *replayed], held_out, work / 'depth', depth_s, **options)
    if not given.pose_share:
        return path
    moving = pose_settings(load_weights(path), path, given)
    return learn(moving, learned, [], work / 'pose', seconds - depth_s, **options)


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


def _geometry(
    sequences: Sequence[TrainingSequence],
    engine: Engine,
    work: Path,
    given: AdaptationSettings,
    result: Adaptation,
    bar: Bar,
) -> tuple[list[Path], NDArray[np.float32]]:
    """Return the parts with depth, and the depth of all their sure points [m]."""
    record = work / GEOMETRY
    if record.exists():
        done = json.loads(record.read_text(encoding='utf-8'))
        result.parts, result.left_out = done['parts'], done['left_out']
        known = [work / KNOWN / part['name'] for part in result.parts]
        return known, np.load(work / POINTS) if known else np.empty(0, np.float32)
    parts = []
    for sequence in sequences:
        reason = unsuitable(sequence)
        if reason:
            LOGGER.warning('%s', reason)
            result.left_out.append(reason)
            continue
        with bar(f'motions of {sequence.name}', len(sequence)) as advance:
            found = list(structures(sequence, given, advance))
        if not found:
            result.left_out.append(
                f'the images of {sequence.name} do not hang together: drive slower, past things '
                'with texture'
            )
        for number, structure in enumerate(found):
            metres = _metres(structure, sequence, engine, given)
            path = work / 'parts' / f'{sequence.name}_{number:02}'
            parts.append(write_part(path, sequence, structure, metres, overwrite=path.exists()))
    known = []
    for part in parts:
        path = work / KNOWN / part.path.name
        with bar(f'depth of {part.path.name}', len(part.points)) as advance:
            with_depth(part, path, given, len(os.sched_getaffinity(0)), advance)
        known.append(path)
        result.parts.append(
            {
                'name': path.name,
                'images': len(part.points),
                'metres': part.metres.source,
                'deviation': part.metres.deviation,
            }
        )
    points = every_point(parts) if parts else np.empty(0, np.float32)
    with ForeignCode(DatasetError, f'cannot write {work}'):
        work.mkdir(parents=True, exist_ok=True)
        np.save(work / POINTS, points)
        text = json.dumps({'parts': result.parts, 'left_out': result.left_out})
        record.write_text(text, encoding='utf-8')
    return known, points


def _metres(
    found: Structure, sequence: TrainingSequence, engine: Engine, given: AdaptationSettings
) -> Metres:
    """Return what the unit of a structure is, by odometry, camera height or the start weights."""

    def see(index: int) -> NDArray[np.float32]:
        frame = Frame(
            int(sequence.stamps_ns[index]), FRAME_ID, sequence.image(index), sequence.camera
        )
        depth = engine.process(frame, motion=False).depth
        assert depth is not None
        return depth

    metres = by_poses(found, sequence.poses)
    metres = metres or by_height(found, see, sequence.camera, given.camera_height_m)
    metres = metres or by_depth(found, see, engine.info.name)
    if metres is None:
        raise DatasetError(
            f'{sequence.name}: nothing says how long a metre is; record odometry or transforms, '
            'or give --camera-height'
        )
    return metres


def _nothing_hangs_together(result: Adaptation) -> str:
    return result.left_out[0] if result.left_out else 'there is not one image to learn from'


def _judged(
    engine: Engine, sequences: Sequence[TrainingSequence], given: AdaptationSettings, bar: Bar
) -> tuple[HeldOut, list[Seen]]:
    count = sum(len(sequence.targets or range(len(sequence))) for sequence in sequences)
    with bar('measuring', count) as advance:
        return judge(engine, sequences, given.parallax_px, advance)


def _hand_out(path: Path, out: Path, result: Adaptation) -> None:
    weights = load_weights(path)
    sources = sorted({str(part['metres']) for part in result.parts})
    note = f'adapted from {result.start}; metres by {", ".join(sources)}; {weights.card.note}'
    card = dataclasses.replace(weights.card, name=f'adapted from {result.start}', note=note)
    save_weights(dataclasses.replace(weights, card=card), out)


def _engine_settings(file: Path) -> EngineSettings:
    every_depth = {'depth_size': 'camera', 'min_depth_m': 1e-3, 'max_depth_m': 1e4}
    wanted = {'weights': str(file), **every_depth}
    return settings.build(EngineSettings, wanted)
