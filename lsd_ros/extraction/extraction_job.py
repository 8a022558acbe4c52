"""One recording to training sequences, and a record of what became of its frames."""

from __future__ import annotations

import itertools
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lsd_ros import __version__, settings
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.extraction.extraction_frames import FramePreparation, Prepared
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.extraction.extraction_source import ExtractionSource
from lsd_ros.extraction.frame_selection import FrameSelector
from lsd_ros.foreign.printable import printable
from lsd_ros.types import Camera, Frame

TOO_SHORT = 'in_short_sequences'
NO_LICENCE = 'unknown: ask who recorded it'
Advance = Callable[[int, int], object]
_log = logging.getLogger(__name__)


def extract_source(
    path: Path, name: str, folder: Path, given: ExtractionSettings, advance: Advance
) -> dict[str, Any]:
    """
    Extract one recording.

    :param name: of the sequences, to which ``_000`` and so on is added
    :param folder: where the sequences go
    :param advance: told how many more frames are done, and how many more there are
    :return: the record: counts, topics, sequences, notes, and whether all was readable
    :raises DatasetError: it cannot be read at all, or the output cannot be written
    """
    with _noted() as notes, ExtractionSource(path, given) as source:
        advance(0, source.count or 0)
        job = _Job(source, name, folder, given)
        job.run(advance)
        return job.record(notes)


class _Job:
    def __init__(
        self, source: ExtractionSource, name: str, folder: Path, given: ExtractionSettings
    ) -> None:
        self._source, self._name, self._folder, self._given = source, name, folder, given
        self._selector = FrameSelector(given, has_poses=source.has_poses)
        self._preparation = FramePreparation(given, rectified=_is_rectified(source, given))
        self._writer: SequenceWriter | None = None
        self._camera: Camera | None = None
        self._before: Counter[str] = Counter()
        self._sequences: list[dict[str, Any]] = []
        self._too_short = 0
        self._broken = ''

    def run(self, advance: Advance) -> None:
        """Write every sequence; a recording that breaks off gives what was readable."""
        try:
            for frame in self._readable():
                self._take(frame)
                advance(1, 0)
        except BaseException as error:
            if self._writer is not None:
                self._writer.__exit__(type(error), error, error.__traceback__)
            raise
        self._close()

    def record(self, notes: list[str]) -> dict[str, Any]:
        """Say what became of the recording."""
        stats, dropped = self._source.stats, dict(self._selector.dropped)
        if self._too_short:
            dropped[TOO_SHORT] = self._too_short
        unreadable = {
            'unreadable': stats.unreadable,
            'undecodable': stats.undecodable,
            'duplicates': stats.duplicates,
        }
        dropped.update({reason: count for reason, count in unreadable.items() if count})
        kept = sum(int(sequence['frames']) for sequence in self._sequences)
        damage = self._damage()
        return {
            'version': __version__,
            'source': printable(str(self._source.path)),
            'complete': not damage,
            'damage': damage,
            'topics': self._source.topics,
            'images': stats.frames + sum(unreadable.values()),
            'kept': kept,
            'dropped': dropped,
            'out_of_order': stats.out_of_order,
            'sequences': self._sequences,
            'notes': notes,
            'settings': settings.values(self._given),
        }

    def _damage(self) -> list[str]:
        """Name what could not be read."""
        broken = [f'it breaks off after {self._source.stats.frames} images: {self._broken}']
        return self._source.damage + (broken if self._broken else [])

    def _readable(self) -> Iterator[Frame]:
        frames = iter(self._source.frames)
        for count in itertools.count():
            try:
                yield next(frames)
            except StopIteration:
                return
            except (LsdError, OSError) as error:
                if not count:
                    raise
                self._broken = str(error)
                _log.warning('%s breaks off after %d images: %s', self._name, count, error)
                return

    def _take(self, frame: Frame) -> None:
        pose = self._source.pose(frame.stamp_ns)
        choice = self._selector.judge(frame.stamp_ns, frame.image, pose)
        if not choice.keep:
            return
        prepared = self._preparation.frame(frame, pose)
        if choice.cut or prepared.frame.camera != self._camera:
            self._close()
        if self._writer is None:
            self._open(prepared)
        self._write(frame, prepared)

    def _write(self, frame: Frame, prepared: Prepared) -> None:
        assert self._writer is not None
        depth = self._source.depth(frame.stamp_ns)
        if depth is not None and frame.camera is not None and prepared.frame.camera is not None:
            if depth.shape == frame.image.shape[:2]:
                depth = self._preparation.depth(depth, frame.camera, prepared.frame.camera)
            else:
                depth = None
        self._writer.add(prepared.frame, world_from_camera=prepared.world_from_camera, depth=depth)

    def _open(self, prepared: Prepared) -> None:
        camera = prepared.frame.camera
        assert camera is not None  # without one, nothing is prepared
        given = self._given
        self._camera = camera
        self._before = self._selector.dropped.copy()
        self._writer = SequenceWriter(
            self._folder / f'{self._name}_{len(self._sequences):03d}',
            camera,
            manifest={
                'origin': given.origin or printable(self._source.path.name),
                'licence': given.licence or NO_LICENCE,
            },
            suffix=f'.{given.image_format}',
            jpeg_quality=given.jpeg_quality,
            depth_unit_m=given.depth_unit_m,
        )
        self._writer.__enter__()
        if prepared.world_from_camera is not None:
            how = f'world_from_camera of this camera, metres; {self._source.poses_how}'
            self._writer.note({'poses': how})

    def _close(self) -> None:
        """Finish the sequence; one that is too short is not kept."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        dropped = dict(self._selector.dropped - self._before)
        writer.note(
            {
                'extraction': {
                    'version': __version__,
                    'source': printable(str(self._source.path)),
                    'topics': self._source.topics,
                    'part': len(self._sequences),
                    'dropped_here': dropped,
                    'damage': self._damage(),
                    'settings': settings.values(self._given),
                }
            }
        )
        writer.__exit__(None, None, None)
        if len(writer) >= self._given.min_frames:
            self._sequences.append({'name': writer.path.name, 'frames': len(writer)})
            return
        self._too_short += len(writer)
        try:
            shutil.rmtree(writer.path)
        except OSError as error:
            raise DatasetError(f'cannot remove {writer.path}: {error.strerror}') from error


def _is_rectified(source: ExtractionSource, given: ExtractionSettings) -> bool:
    if given.distortion != 'auto':
        return given.distortion == 'rectified'
    return 'image_rect' in (source.topics.get('images') or '')


class _Notes(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.notes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        note = printable(' '.join(record.getMessage().split()))
        if note not in self.notes:
            self.notes.append(note)


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Collect the warnings of the readers."""
    handler = _Notes()
    logger = logging.getLogger('lsd_ros')
    logger.addHandler(handler)
    try:
        yield handler.notes
    finally:
        logger.removeHandler(handler)
