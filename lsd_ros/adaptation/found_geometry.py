"""What images say of their places: motions, depth of what stands still, and metres."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.kept_structures import identity, read_structures, write_structures
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
    has_structure_from_motion,
    stretches,
    structures,
    with_depth,
    write_part,
)
from lsd_ros.adaptation.suitability import unsuitable
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.inference.engine import Engine
from lsd_ros.triangulation.structure_from_motion import Structure

RECORD, POINTS, KNOWN, MOTIONS = 'geometry.json', 'points.npy', 'known', 'motions'
BY_HAND = ('camera_height_m', 'parallax_px')  # settings that say what becomes of the motions
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
    looked_at = [identity(sequence, given) for sequence in sequences]
    asked = {'looked_at': looked_at, **{name: getattr(given, name) for name in BY_HAND}}
    if record.exists():
        return _read_again(record, engines, asked)
    left_out: list[str] = []
    first = next(iter(engines.values()))
    found = [
        (sequence, _structures(sequence, first, _Kept(work, number, seen), given, left_out, bar))
        for number, (sequence, seen) in enumerate(zip(sequences, looked_at, strict=True))
    ]
    fits = _fits(found, engines)
    start = min(fits, key=fits.__getitem__) if fits else next(iter(engines))
    numbers: Counter[str] = Counter()  # sequences of several folders may have one name
    parts = []
    for sequence, good in found:
        for structure in good:
            name = f'{sequence.name}_{numbers[sequence.name]:02}'
            numbers[sequence.name] += 1
            parts.append(_part(sequence, structure, name, engines[start], work, given))
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
    content = {'parts': rows, 'left_out': left_out, 'start': start, 'fits': fits, 'asked': asked}
    write_atomically(record, json.dumps(content).encode(), durable=True)
    return FoundGeometry(rows, left_out, known, points, start, fits)


@dataclass(frozen=True)
class _Kept:
    """
    Where what structure from motion finds in a sequence is kept.

    :param work: folder of the adaptation
    :param number: of the sequence
    :param looked_at: see :func:`identity`
    """

    work: Path
    number: int
    looked_at: dict[str, Any]

    @property
    def file(self) -> Path:
        """Return the file; names of sequences are not always different."""
        return self.work / MOTIONS / f'{self.number:03}.npz'


def _read_again(
    record: Path, engines: Mapping[str, Engine], asked: dict[str, Any]
) -> FoundGeometry:
    with ForeignCode(DatasetError, f'{record} is damaged', 'remove it, and call again'):
        done = json.loads(record.read_text(encoding='utf-8'))
        _check_same(record.parent, done.get('asked', asked), asked)  # none in an older folder
        known = [record.parent / KNOWN / part['name'] for part in done['parts']]
        points = np.load(record.parent / POINTS) if known else np.empty(0, np.float32)
        fits = {name: off for name, off in done.get('fits', {}).items() if name in engines}
        start = done.get('start')  # none in a folder of a version that did not choose
        if start not in engines:
            start = next(iter(engines))
        return FoundGeometry(done['parts'], done['left_out'], known, points, start, fits)


def _check_same(work: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Check that what was found in a folder is of the same images and settings."""
    remedy = 'give another --work, or remove that folder'
    was, wanted = ([each['name'] for each in told['looked_at']] for told in (before, now))
    if was != wanted:
        raise DatasetError(f'{work} is of {", ".join(was)}, not of {", ".join(wanted)}: {remedy}')
    for old, new in zip(before['looked_at'], now['looked_at'], strict=True):
        for what in ('images', 'camera'):
            if old[what] != new[what]:
                article = 'another' if what == 'camera' else 'other'
                raise DatasetError(f'{work} is of {article} {what} of {new["name"]}: {remedy}')
    settings_of = [
        {**told['looked_at'][0]['settings'], **{name: told[name] for name in BY_HAND}}
        for told in (before, now)
    ]
    for name, value in settings_of[1].items():
        if settings_of[0][name] != value:
            raise DatasetError(
                f'{work} was made with {name} {settings_of[0][name]!r}, not {value!r}: {remedy}'
            )


def _structures(
    sequence: TrainingSequence,
    engine: Engine,
    kept: _Kept,
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
    looked_at = {**kept.looked_at, 'by': '' if has_structure_from_motion() else engine.info.name}
    found = read_structures(kept.file, looked_at)
    if found is None:
        folder = kept.file.parent
        with ForeignCode(DatasetError, f'cannot write {folder}'):
            folder.mkdir(parents=True, exist_ok=True)
        with bar(f'motions of {sequence.name}', sum(len(span) for span in used)) as advance:
            see = seeing(sequence, engine)
            found = list(structures(sequence, given, see, folder, advance))
        write_structures(kept.file, looked_at, found)
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
    name: str,
    engine: Engine,
    work: Path,
    given: AdaptationSettings,
) -> Part:
    metres = _metres(found, sequence, engine, given)
    path = work / 'parts' / name
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
