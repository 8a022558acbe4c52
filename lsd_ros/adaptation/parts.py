"""Sequences of plain video become parts with motions in metres, and depth of what stands still."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.followed_structure import followed_structure
from lsd_ros.adaptation.metric_scale import Metres, See
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.datasets.parallax import WIDTH
from lsd_ros.datasets.sequence import Sequence as SequenceFolder
from lsd_ros.datasets.sequence_writer import MAX_DEPTH_VALUE, SequenceWriter
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.half_written import PART
from lsd_ros.triangulation.structure_from_motion import SparseDepth, Structure, reconstruct
from lsd_ros.triangulation.triangulated_sequence import (
    is_triangulated,
    triangulated_entries,
    write_triangulated,
)
from lsd_ros.triangulation.triangulation import Triangulator
from lsd_ros.triangulation.triangulation_job import Unfinished, triangulate
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings
from lsd_ros.types import Frame

NEAR, FAR = 2, 98  # percentiles of the sure points between which depth is looked for
WIDER = 1.5  # how far beyond them
NEAREST_M, FURTHEST_M = 0.1, 150.0
Advance = Callable[[], object]
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """
    Images that hang together, with poses in metres.

    :param path: folder of the sequence
    :param points: sure points of each image [m]
    :param metres: where the metres come from
    :param sure: whether the points are depth to learn
    """

    path: Path
    points: tuple[SparseDepth, ...]
    metres: Metres
    sure: bool = True


def stretches(count: int, given: AdaptationSettings) -> list[range]:
    """
    Choose which images of a recording are used: all, or stretches that are spread over it.

    :param count: number of its images
    """
    if count <= given.max_images:
        return [range(count)]
    length = min(given.stretch, given.max_images)
    number = max(1, given.max_images // length)
    starts = np.linspace(0, count - length, number).round().astype(int)
    return [range(start, start + length) for start in starts.tolist()]


def has_structure_from_motion() -> bool:
    """Say whether the library for it is installed."""
    return importlib.util.find_spec('pycolmap') is not None


def structures(
    sequence: TrainingSequence,
    given: AdaptationSettings,
    see: See,
    folder: Path,
    advance: Advance = lambda: None,
) -> Iterator[Structure]:
    """
    Find the motions of a sequence; what was found is yielded stretch by stretch.

    Where pycolmap is not installed, the camera is followed by the depth that the weights see.

    :param see: returns the depth of an image by its index in the sequence [m], shape (H, W)
    :param folder: for what is made meanwhile, and removed
    :param advance: called for each image
    :raises DatasetError: an image cannot be read, or nothing can be written
    """
    known = has_structure_from_motion()
    if not known:
        LOGGER.warning(
            'pycolmap is not installed: the motions of %s are followed by the depth of the start '
            'weights, which is less right than structure from motion; pip install lsd_ros[sfm]',
            sequence.name,
        )
    for stretch in stretches(len(sequence), given):
        if not known:
            followed = followed_structure(sequence, stretch, see, advance)
            if followed is not None:
                yield followed
            continue
        with ForeignCode(DatasetError, f'cannot write {folder}'):
            work = Path(tempfile.mkdtemp(prefix=PART, dir=folder))
        try:
            yield from reconstruct(
                sequence.image, stretch, sequence.camera, work, given.motions, advance
            )
        finally:
            shutil.rmtree(work, ignore_errors=True)


def write_part(
    path: Path,
    sequence: TrainingSequence,
    found: Structure,
    metres: Metres,
    *,
    overwrite: bool = False,
) -> Part:
    """
    Write images that hang together as a sequence of its own, with poses in metres.

    :param path: folder to make
    :param metres: what the unit of the structure is
    :param overwrite: whether what an interrupted run left there is replaced
    :raises DatasetError: an image cannot be read, or nothing can be written
    """
    poses = found.world_from_camera.copy()
    poses[:, :3, 3] *= metres.factor
    manifest = {
        'origin': f'{len(found.indices)} images of {sequence.name}',
        'licence': sequence.licence,
        'motions': found.how,
        'metres': metres.source,
    }
    writing = SequenceWriter(
        path, sequence.camera, manifest=manifest, jpeg_quality=98, overwrite=overwrite
    )
    with writing as writer:
        for index, pose in zip(found.indices.tolist(), poses, strict=True):
            frame = Frame(
                int(sequence.stamps_ns[index]), 'camera', sequence.image(index), sequence.camera
            )
            writer.add(frame, world_from_camera=pose)
        writer.note({'sparse_points': sum(len(p.depth) for p in found.points)})
    points = tuple(
        SparseDepth(p.pixels, (p.depth * metres.factor).astype(np.float32)) for p in found.points
    )
    return Part(path, points, metres, found.sure)


def with_depth(
    part: Part, out: Path, given: AdaptationSettings, jobs: int, advance: Advance = lambda: None
) -> FolderSequence:
    """
    Triangulate a part, and put its sure points where the images alone say nothing.

    :param out: folder of the sequence with depth
    :param jobs: parts of it at the same time
    :param advance: called for each image
    :raises DatasetError: an image cannot be read, or nothing can be written
    """
    source = FolderSequence(part.path)
    wanted = triangulation_settings(part, source, given)
    if _is_done(out, part, wanted):
        return FolderSequence(out)
    Triangulator([source], wanted)
    unfinished = Unfinished(out, source, wanted)
    triangulate([source], [part.path], wanted, 0, unfinished, jobs, advance)
    depths = (
        _with_points(depth, points) if part.sure else depth
        for depth, points in zip(unfinished.depths(), part.points, strict=True)
    )
    result = write_triangulated(
        SequenceFolder(part.path),
        out,
        depths,
        triangulated_entries(wanted),
        wanted.furthest_m / MAX_DEPTH_VALUE,
        overwrite=out.exists(),
    )
    unfinished.remove()
    LOGGER.info('%s: depth of %.0f %% of the pixels', result.name, 100 * result.density)
    return FolderSequence(out)


def _is_done(out: Path, part: Part, wanted: TriangulationSettings) -> bool:
    """Say whether a run that was interrupted later gave a part its depth already."""
    with contextlib.suppress(DatasetError):
        return is_triangulated(out, SequenceFolder(part.path), wanted)
    return False


def triangulation_settings(
    part: Part, sequence: FolderSequence, given: AdaptationSettings
) -> TriangulationSettings:
    """
    Choose the depths that are looked for by the sure points, and the baseline by the parallax.

    :raises DatasetError: there are no points
    """
    every = np.concatenate([points.depth for points in part.points])
    if not len(every):
        raise DatasetError(f'{sequence.name} has not one sure point: its images do not fit')
    near, middle, far = np.percentile(every, (NEAR, 50, FAR))
    width = min(WIDTH, sequence.camera.width)
    focal = sequence.camera.fx * width / sequence.camera.width
    return settings.build(
        TriangulationSettings,
        {
            'width': width,
            'nearest_m': float(np.clip(near / WIDER, NEAREST_M, FURTHEST_M / 2)),
            'furthest_m': float(np.clip(far * WIDER, 2 * NEAREST_M, FURTHEST_M)),
            'baseline_m': float(given.parallax_px * middle / focal),
        },
    )


def split(path: Path, held_out: float) -> tuple[FolderSequence, FolderSequence]:
    """
    Take the end of a part to measure on; what lies between the two is in neither.

    :param path: of the part with depth
    :param held_out: share of its images
    :return: what is learned from, and what is not
    """
    learned, measured = FolderSequence(path), FolderSequence(path)
    count = len(learned)
    first = round(count * (1 - held_out))
    between = max(1, count // 50)
    learned.targets = tuple(range(first - between))
    measured.targets = tuple(range(first, count))
    return learned, measured


def every_point(parts: Sequence[Part]) -> NDArray[np.float32]:
    """Return the depth of all sure points [m], shape (N,)."""
    return np.concatenate([points.depth for part in parts for points in part.points])


def _with_points(depth: NDArray[np.float32], points: SparseDepth) -> NDArray[np.float32]:
    filled = depth.copy()
    u, v = np.rint(points.pixels).astype(int).T
    unknown = np.isnan(filled[v, u])
    filled[v[unknown], u[unknown]] = points.depth[unknown]
    return filled
