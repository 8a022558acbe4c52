"""``lsd_ros adapt``: from a recording of plain video to weights for that robot."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lsd_ros import config, settings
from lsd_ros.adaptation.adaptation import Adaptation, adapt, handed_out
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.held_out import ComparedImage
from lsd_ros.adaptation.own_camera import estimate_camera
from lsd_ros.adaptation.work_folder import claimed
from lsd_ros.cli.checking import ESTIMATE, work_folder
from lsd_ros.cli.held_out import held_out_table
from lsd_ros.cli.pictures import Picture, error_map, write_png
from lsd_ros.cli.printing import json_text, say
from lsd_ros.cli.progress import growing_progress, progress
from lsd_ros.cli.shared_options import assigned
from lsd_ros.datasets.camera_yaml import write_camera
from lsd_ros.datasets.open_sequences import FolderSequence, open_sequences
from lsd_ros.datasets.source import kind_of_source
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError, WeightsError
from lsd_ros.extraction.extraction import extract, name_each
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.preview import colour_map

EXTRACTED = 'extracted'
LOGGER = logging.getLogger(__name__)
PANEL = 416  # width of a picture [pixels]


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    logging.getLogger('lsd_ros').setLevel(logging.INFO)
    wanted = adaptation_settings(given)
    _check(given)
    work = work_folder(given)
    with claimed(work, overwrite=given.overwrite):
        result = adapt(
            opened(given, work, wanted),
            str(given.start),
            work,
            wanted,
            bar=lambda what, total: progress(what, total, 'image'),
            progress=_training_bar,
            command=shlex.join(['lsd_ros', *sys.argv[1:]]),
        )
        lines = list(report(result, given.out))
        if result.weights is not None:
            _check(given)  # another process may have written it meanwhile
        with handed_out(result, given.out):
            _write_report(work, lines, result)
    say('\n'.join(lines))
    say(f'report: {work / "report.md"}')
    if result.verdict:
        raise DatasetError(f'no new weights: {result.verdict}')
    return 0


def adaptation_settings(given: argparse.Namespace) -> AdaptationSettings:
    """
    Gather the settings: ``--set`` goes before options of their own, and those before the file.

    :raises SettingError: a setting is unknown or not allowed, or the file cannot be read
    """
    values: dict[str, Any] = {}
    if given.config is not None:
        values.update(settings.values(config.load(given.config, AdaptationSettings)))
    for option, name in (('minutes', 'minutes'), ('camera_height', 'camera_height_m')):
        if getattr(given, option) is not None:
            values[name] = getattr(given, option)
    values.update(assigned(given, AdaptationSettings))
    return settings.build(AdaptationSettings, values)


def opened(
    given: argparse.Namespace, work: Path, wanted: AdaptationSettings
) -> list[TrainingSequence]:
    """
    Open sequences as they are, and extract everything else.

    :raises DatasetError: a recording cannot be read, or gives no sequence
    """
    kinds = {path: kind_of_source(path) for path in given.recordings}
    recorded = [path for path, kind in kinds.items() if kind != 'sequence']
    names = {path: name for name, path in (name_each(recorded) if recorded else {}).items()}
    found: list[TrainingSequence] = []
    for path in given.recordings:
        if path in names:
            found += _extracted(path, names[path], given, work, wanted)
            continue
        if given.camera:
            LOGGER.warning('%s has a calibration of its own: --camera is not for it', path)
        found += open_sequences([path])
    return found


def _extracted(
    path: Path, name: str, given: argparse.Namespace, work: Path, wanted: AdaptationSettings
) -> list[FolderSequence]:
    """Make sequences of a recording; one of another folder may have a file of the same name."""
    calibration = given.camera or ''
    if calibration == ESTIMATE:
        calibration = str(_estimated(path, work / f'{name}.camera.yaml', wanted))
    own = path.resolve().stem
    out = work / EXTRACTED if name == own else work / EXTRACTED / name
    with growing_progress('extract') as advance:
        (result,) = extract(
            [path],
            out,
            ExtractionSettings(calibration=calibration, max_width=832),
            advance=advance,
        )
    problem = result.problem
    if problem:
        raise DatasetError(problem if str(path) in problem else f'{path}: {problem}')
    if not result.sequences:
        raise DatasetError(
            f'{path} gives no sequence: its camera stands still, or it is too short; record a '
            'minute or more of driving'
        )
    return [FolderSequence(out / each) for each in result.sequences]


def _estimated(path: Path, file: Path, wanted: AdaptationSettings) -> Path:
    """Estimate the camera of a recording, once, and return the file of its calibration."""
    if not file.exists():
        found = estimate_camera(path, wanted.motions)
        camera = found.camera
        say(
            f'{path}: focal length {camera.fx:.0f} pixels at {camera.width} x {camera.height}, '
            f'estimated from {found.images} images; two halves differ by '
            f'{100 * found.deviation:.1f} %: {file}'
        )
        write_camera(file, camera, path.stem)
    return file


def report(result: Adaptation, out: Path) -> Iterator[str]:
    """Yield the lines of the report, in Markdown that reads well at a terminal."""
    yield f'# Adapted from {result.start}'
    yield ''
    if result.fits:
        offs = ', '.join(f'{name} {off:.3f}' for name, off in result.fits.items())
        yield f'- start: {result.start}; relative difference from the sure points: {offs}'
    for part in result.parts:
        yield (
            f'- {part["name"]}: {part["images"]} images; metres by {part["metres"]}, which agrees '
            f'with itself to {100 * part["deviation"]:.0f} %'
        )
    for reason in result.left_out:
        yield f'- left out: {reason}'
    if result.before is not None and result.after is not None:
        yield ''
        yield f'On {result.after.images} images that were not learned from:'
        yield ''
        yield from held_out_table({'before': result.before, 'after': result.after})
    if result.replay_before is not None and result.replay_after is not None:
        yield ''
        before, after = result.replay_before.abs_rel, result.replay_after.abs_rel
        yield (
            f'On synthetic places that were not learned from: {before:.3f} before, {after:.3f} '
            'after.'
        )
    yield ''
    times = ', '.join(f'{name} {seconds / 60:.1f} min' for name, seconds in result.seconds.items())
    yield f'Time: {times}.'
    yield f'**No new weights**: {result.verdict}.' if result.verdict else f'**Weights**: {out}'


def _check(given: argparse.Namespace) -> None:
    """Check the file to write; that it is apart from what is read was checked before."""
    if given.out.suffix != '.safetensors':
        raise WeightsError(f'--out {given.out} must end in .safetensors')
    if given.out.exists() and not given.overwrite:
        raise WeightsError(f'{given.out} exists: choose another, or add --overwrite')


def _write_report(work: Path, lines: list[str], result: Adaptation) -> None:
    names = []
    for number, (before, after) in enumerate(result.pictures):
        names.append(f'held_out_{number:02}.png')
        write_png(work / names[-1], picture(before, after))
    pictures = [
        f'![image, triangulated depth, depth and error before and after]({n})' for n in names
    ]
    write_atomically(work / 'report.md', ('\n'.join([*lines, '', *pictures]) + '\n').encode())
    plain = dataclasses.asdict(dataclasses.replace(result, pictures=[], weights=None))
    del plain['weights']  # what the folder of work is called says nothing
    write_atomically(work / 'report.json', json_text(plain).encode() + b'\n')


def picture(before: ComparedImage, after: ComparedImage) -> Picture:
    """Put image and triangulated depth above depth and error before, and above those after."""
    rows = [
        (before.image, colour_map(before.triangulated)),
        (colour_map(before.depth), error_map(before.depth, before.triangulated)),
        (colour_map(after.depth), error_map(after.depth, after.triangulated)),
    ]
    height = round(PANEL * before.image.shape[0] / before.image.shape[1])
    return np.vstack(
        [np.hstack([cv2.resize(panel, (PANEL, height)) for panel in row]) for row in rows]
    )


@contextlib.contextmanager
def _training_bar(done: int, steps: int) -> Iterator[Callable[[], object]]:
    with progress('train', steps, 'step', done=done) as advance:
        yield advance
