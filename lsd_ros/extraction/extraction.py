"""
Bags to training sequences: many at once, and continued where a run was stopped.

Each recording is extracted in a hidden folder. Its sequences are moved to their places when it is
through, and last comes its record, ``NAME.extraction.yaml``: what has one is finished.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lsd_ros import settings
from lsd_ros.bags.bag_files import bag_files
from lsd_ros.datasets.job_processes import Outcome, run_jobs
from lsd_ros.datasets.sequence_writer import is_of_sequence
from lsd_ros.datasets.source import kind_of_source
from lsd_ros.errors import DatasetError
from lsd_ros.extraction.extraction_job import extract_source
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.foreign.lock import locked
from lsd_ros.foreign.output_paths import check_apart, check_replaceable
from lsd_ros.foreign.printable import printable
from lsd_ros.foreign.yaml_text import parse_yaml

RECORD_SUFFIX = '.extraction.yaml'
STAGING_PREFIX = '.extracting.'
LOCK = '.extraction.lock'
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extracted:
    """
    What became of one recording.

    :param path: of the recording
    :param name: that its sequences start with
    :param record: counts, topics, sequences, notes; empty where it failed
    :param problem: a sentence where it failed, else empty
    :param skipped: whether an earlier run had finished it
    """

    path: Path
    name: str
    record: dict[str, Any]
    problem: str = ''
    skipped: bool = False

    @property
    def sequences(self) -> list[str]:
        """Return the names of its sequences."""
        return [sequence['name'] for sequence in self.record.get('sequences', [])]


def extract(
    sources: Sequence[str | Path],
    out: str | Path,
    given: ExtractionSettings | None = None,
    *,
    jobs: int = 0,
    overwrite: bool = False,
    advance: Callable[[int, int], object] = lambda done, more: None,
) -> list[Extracted]:
    """
    Extract recordings into a folder; what an earlier run finished is left as it is.

    :param sources: bags, videos or folders of images
    :param out: folder for all sequences
    :param jobs: how many recordings at once; 0: one per core
    :param overwrite: whether what is there of these recordings is made anew
    :param advance: told how many more frames are done, and how many more there are
    :return: one per recording, in their order; those that failed say why
    :raises DatasetError: a recording is missing, two have the same name, the folder cannot be
        written or is in use, or it holds something else of the same name
    """
    given = given or ExtractionSettings()
    named = name_each([Path(source) for source in sources])
    out = Path(out)
    for name, path in named.items():
        _check_apart(out, name, [path, given.calibration or None])
    with _claimed(out):
        results: dict[str, Extracted] = {}
        waiting = []
        for name, path in named.items():
            done = None if overwrite else _finished(out, name, path, given)
            if done is None:
                _check_free(out, name, path, overwrite)
                waiting.append((name, path))
            else:
                results[name] = Extracted(path, name, done, skipped=True)
        staged = [_Staged.make(out, name, path) for name, path in waiting]
        try:
            work = [(stage.path, stage.name, stage.folder, given) for stage in staged]
            jobs = min(jobs or _cores(), max(1, len(work)))
            for outcome in run_jobs(extract_source, work, jobs, advance):
                stage = staged[outcome.number]
                results[stage.name] = _settled(stage, out, outcome)
                if jobs > 1:  # what is logged in another process is not heard here
                    for note in results[stage.name].record.get('notes', []):
                        _log.warning('%s', note)
        finally:
            for stage in staged:
                shutil.rmtree(stage.folder, ignore_errors=True)
    return [results[name] for name in named]


def _check_apart(out: Path, name: str, read: Sequence[str | Path | None]) -> None:
    """Check that nothing that is written for a recording is read."""
    written = (out / f'{name}_000', _record_file(out, name), *_sequence_folders(out, name))
    for target in written:
        check_apart({'the output': target}, read)


@dataclass(frozen=True)
class _Staged:
    name: str
    path: Path
    folder: Path

    @classmethod
    def make(cls, out: Path, name: str, path: Path) -> _Staged:
        try:
            folder = tempfile.mkdtemp(prefix=f'{STAGING_PREFIX}{name}.', dir=out)
        except OSError as error:
            raise DatasetError(f'cannot write into {out}: {error.strerror}') from error
        return cls(name, path, Path(folder))


def _settled(stage: _Staged, out: Path, outcome: Outcome) -> Extracted:
    """Move what a job made to its place; the record comes last."""
    if outcome.problem:
        return Extracted(stage.path, stage.name, {}, outcome.problem)
    record = {**outcome.result, 'files': _fingerprint(stage.path)}
    try:
        for old in _sequence_folders(out, stage.name):
            shutil.rmtree(old)
        for sequence in record['sequences']:
            (stage.folder / sequence['name']).rename(out / sequence['name'])
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
        written = stage.folder / 'record'
        written.write_text(text, encoding='utf-8')
        written.replace(_record_file(out, stage.name))
    except OSError as error:
        problem = f'cannot write into {out}: {error.strerror}'
        return Extracted(stage.path, stage.name, {}, problem)
    return Extracted(stage.path, stage.name, record)


def _finished(
    out: Path, name: str, path: Path, given: ExtractionSettings
) -> dict[str, Any] | None:
    """Return the record of an earlier run; None where there is none."""
    file = _record_file(out, name)
    if not file.exists():
        return None
    with ForeignCode(DatasetError, f'{file} is damaged', 'remove it, or overwrite'):
        record = parse_yaml(read_text(file, DatasetError), str(file), DatasetError)
        was_files, was_settings = record['files'], dict(record['settings'])
        missing = [s['name'] for s in record['sequences'] if not (out / s['name']).is_dir()]
        for entry in ('complete', 'kept', 'images', 'dropped', 'topics'):
            record[entry]
    if missing:
        return None
    if was_files != _fingerprint(path):
        raise DatasetError(
            f'{out} holds {name} of another recording than {path}: overwrite it, or choose '
            'another folder'
        )
    now = settings.values(given)
    changed = [key for key in now if was_settings.get(key) != now[key]]
    if changed:
        key = changed[0]
        raise DatasetError(
            f'{out} holds {name} with {key} {was_settings.get(key)!r} instead of {now[key]!r}: '
            'overwrite it, or choose another folder'
        )
    assert isinstance(record, dict)
    return record


def _check_free(out: Path, name: str, path: Path, overwrite: bool) -> None:
    """Check that what a stopped run left is of the same recording."""
    for folder in _sequence_folders(out, name):
        if overwrite:
            check_replaceable(folder, is_of_sequence)
        source, file = None, folder / 'manifest.yaml'
        with suppress(DatasetError), ForeignCode(DatasetError, f'{file} is damaged'):
            manifest = parse_yaml(read_text(file, DatasetError), str(file), DatasetError)
            source = manifest['extraction']['source']
        if source != printable(str(path)) and not overwrite:
            raise DatasetError(
                f'{folder} exists already and is not of {path}: overwrite it, or choose another '
                'folder'
            )


def name_each(paths: list[Path]) -> dict[str, Path]:
    """
    Name each recording: by its file, with its folder's name where that is not enough.

    :raises DatasetError: one is missing, or two have the same name
    """
    if not paths:
        raise DatasetError('no bag is given')
    for path in paths:
        kind_of_source(path)
    stems = Counter(path.resolve().stem for path in paths)
    named: dict[str, Path] = {}
    for path in paths:
        name = path.resolve().stem
        if stems[name] > 1:
            name = f'{path.resolve().parent.name}_{name}'
        if name in named:
            raise DatasetError(f'{path} and {named[name]} have the same name: rename one of them')
        named[name] = path
    return named


def _fingerprint(path: Path) -> list[dict[str, Any]]:
    """Return what tells a recording from another one: names and sizes of its files."""
    if kind_of_source(path) == 'bag':
        files = bag_files(path)
    else:
        files = [path] if path.is_file() else sorted(path.iterdir())
    return [{'name': file.name, 'bytes': file.stat().st_size} for file in files]


def _sequence_folders(out: Path, name: str) -> list[Path]:
    pattern = re.compile(re.escape(name) + r'_\d{3,}')
    if not out.is_dir():
        return []
    return sorted(folder for folder in out.iterdir() if pattern.fullmatch(folder.name))


def _record_file(out: Path, name: str) -> Path:
    return out / f'{name}{RECORD_SUFFIX}'


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Keep other runs out, and remove what one that was killed had begun."""
    with locked(out / LOCK, DatasetError, f'{out} is in use: another extraction writes into it'):
        for left in out.glob(f'{STAGING_PREFIX}*'):
            shutil.rmtree(left, ignore_errors=True)
        yield
