"""What images say of their places: motions, depth of what stands still, and metres."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.metric_scale import (
    Metres,
    by_depth,
    by_height,
    by_poses,
    difference_from_points,
    seeing,
)
from lsd_ros.adaptation.parts import (
    Part,
    every_point,
    stretches,
    structures,
    with_depth,
    write_part,
)
from lsd_ros.adaptation.suitability import unsuitable
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.inference.engine import Engine
from lsd_ros.triangulation.structure_from_motion import Structure

RECORD, POINTS, KNOWN = 'geometry.json', 'points.npy', 'known'
LARGEST_ERROR_PX = 1.3  # mean reprojection error of images whose camera is right: half a pixel
Bar = Callable[[str, int], AbstractContextManager[Callable[[], object]]]
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundGeometry:
    """
    What was found.

    :param parts: name, images, source and deviation of the metres of each part
    :param left_out: why something was not used, a sentence each
    :param known: folders of the parts, with poses and depth
    :param points: depth of all sure points [m], shape (N,)
    :param start: name of the weights that say how long a metre is where nothing else does
    :param fits: relative difference of the depth of each of several weights from the sure points;
        empty: there was nothing to choose, or nothing to choose by
    """

    parts: list[dict[str, Any]]
    left_out: list[str]
    known: list[Path]
    points: NDArray[np.float32]
    start: str
    fits: dict[str, float] = field(default_factory=dict)


def find_geometry(
    sequences: Sequence[TrainingSequence],
    engines: Mapping[str, Engine],
    work: Path,
    given: AdaptationSettings,
    bar: Bar,
) -> FoundGeometry:
    """
    Find motions and depth; what an earlier run found is read again.

    :param engines: by the name of their weights, the default first; the one whose depth fits the
        sure points best says how long a metre is, where nothing else does
    :param work: folder for all that is made
    :param bar: shows how far a step is
    :raises DatasetError: an image cannot be read, or nothing can be written
    """
    record = work / RECORD
    if record.exists():
        return _read_again(record, engines)
    left_out: list[str] = []
    found = [
        (sequence, _structures(sequence, next(iter(engines.values())), given, left_out, bar))
        for sequence in sequences
    ]
    fits = _fits(found, engines)
    start = min(fits, key=fits.__getitem__) if fits else next(iter(engines))
    parts = [
        _part(sequence, structure, number, engines[start], work, given)
        for sequence, good in found
        for number, structure in enumerate(good)
    ]
    known, rows = [], []
    for part in parts:
        path = work / KNOWN / part.path.name
        with bar(f'depth of {part.path.name}', len(part.points)) as advance:
            with_depth(part, path, given, len(os.sched_getaffinity(0)), advance)
        known.append(path)
        metres = {'metres': part.metres.source, 'deviation': part.metres.deviation}
        rows.append({'name': path.name, 'images': len(part.points), **metres})
    points = every_point(parts) if parts else np.empty(0, np.float32)
    with ForeignCode(DatasetError, f'cannot write {work}'):
        work.mkdir(parents=True, exist_ok=True)
        np.save(work / POINTS, points)
        text = json.dumps({'parts': rows, 'left_out': left_out, 'start': start, 'fits': fits})
        record.write_text(text, encoding='utf-8')
    return FoundGeometry(rows, left_out, known, points, start, fits)


def _read_again(record: Path, engines: Mapping[str, Engine]) -> FoundGeometry:
    done = json.loads(record.read_text(encoding='utf-8'))
    known = [record.parent / KNOWN / part['name'] for part in done['parts']]
    points = np.load(record.parent / POINTS) if known else np.empty(0, np.float32)
    fits = {name: off for name, off in done.get('fits', {}).items() if name in engines}
    start = done.get('start')  # none in a folder of a version that did not choose
    if start not in engines:
        start = next(iter(engines))
    return FoundGeometry(done['parts'], done['left_out'], known, points, start, fits)


def _structures(
    sequence: TrainingSequence,
    engine: Engine,
    given: AdaptationSettings,
    left_out: list[str],
    bar: Bar,
) -> list[Structure]:
    """Return what of a sequence hangs together; why the rest does not is added."""
    reason = unsuitable(sequence)
    if reason:
        LOGGER.warning('%s', reason)
        left_out.append(reason)
        return []
    used = stretches(len(sequence), given)
    if len(used) > 1:
        spans = ', '.join(f'{span.start} to {span.stop - 1}' for span in used)
        LOGGER.info('%s: of %d images, %s are used', sequence.name, len(sequence), spans)
    with bar(f'motions of {sequence.name}', sum(len(span) for span in used)) as advance:
        found = list(structures(sequence, given, seeing(sequence, engine), advance))
    good = [structure for structure in found if structure.error_px <= LARGEST_ERROR_PX]
    if not good:
        left_out.append(_why_not(sequence.name, found))
        LOGGER.warning('%s', left_out[-1])
    return good


def _fits(
    found: Sequence[tuple[TrainingSequence, Sequence[Structure]]], engines: Mapping[str, Engine]
) -> dict[str, float]:
    """Compare the depth of several weights with the sure points."""
    if len(engines) < 2:
        return {}
    sure = [(sequence, each) for sequence, good in found for each in good if each.sure]
    fits = {
        name: [
            off
            for sequence, structure in sure
            for off in difference_from_points(structure, seeing(sequence, engine))
        ]
        for name, engine in engines.items()
    }
    means = {name: float(np.mean(offs)) for name, offs in fits.items() if offs}
    for name, mean in means.items():
        LOGGER.info('depth of %s: %.3f of relative difference from the sure points', name, mean)
    return means


def _part(
    sequence: TrainingSequence,
    found: Structure,
    number: int,
    engine: Engine,
    work: Path,
    given: AdaptationSettings,
) -> Part:
    metres = _metres(found, sequence, engine, given)
    path = work / 'parts' / f'{sequence.name}_{number:02}'
    return write_part(path, sequence, found, metres, overwrite=path.exists())


def _why_not(name: str, found: Sequence[Structure]) -> str:
    if not found:
        return f'the images of {name} do not hang together: drive slower, past things with texture'
    worst = min(structure.error_px for structure in found)
    return (
        f'the images of {name} fit no single camera: points are off by {worst:.1f} pixels in the '
        'mean; the calibration is of another camera or image size, the lens was refocused or '
        'zoomed on the way, or the image shakes faster than a rolling shutter reads it'
    )


def _metres(
    found: Structure, sequence: TrainingSequence, engine: Engine, given: AdaptationSettings
) -> Metres:
    """Return what the unit of a structure is, by odometry, camera height or the start weights."""
    see = seeing(sequence, engine)
    metres = by_poses(found, sequence.poses)
    metres = metres or by_height(found, see, sequence.camera, given.camera_height_m)
    metres = metres or by_depth(found, see, engine.info.name)
    if metres is None:
        raise DatasetError(
            f'{sequence.name}: nothing says how long a metre is; record odometry or transforms, '
            'or give --camera-height'
        )
    return metres
