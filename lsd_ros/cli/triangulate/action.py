"""``lsd_ros triangulate``: sequences with known motions get depth."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lsd_ros import config, settings
from lsd_ros.cli.printing import say
from lsd_ros.cli.progress import progress
from lsd_ros.cli.shared_options import assigned
from lsd_ros.cli.triangulate.rgbd_motions import follow, is_paired, weights_identity
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.sequence_writer import MAX_DEPTH_VALUE
from lsd_ros.errors import DatasetError
from lsd_ros.triangulation.triangulated_sequence import (
    ITSELF,
    FollowedBy,
    Triangulated,
    is_triangulated,
    triangulated_entries,
    write_triangulated,
)
from lsd_ros.triangulation.triangulation import Triangulator
from lsd_ros.triangulation.triangulation_job import Unfinished, triangulate
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    wanted = triangulation_settings(given)
    _check_targets(given.sequences, given.out)
    followed_by = _followed_by(given, wanted)
    folders = _opened(given, wanted, followed_by)
    if given.weights is not None:
        follow(folders, wanted, given.weights)
    Triangulator(folders, wanted)  # says what is missing before anything is written
    for number, (path, folder) in enumerate(zip(given.sequences, folders, strict=True)):
        unfinished = _unfinished(folder, given, wanted, followed_by[path])
        if _is_there(path, given, wanted, followed_by[path]):
            unfinished.clear_away()
            say(f'{folder.name}: there already')
            continue
        with unfinished.claimed():
            with progress(folder.name, len(folder)) as advance:
                triangulate(
                    folders, given.sequences, wanted, number, unfinished, _jobs(given), advance
                )
            result = write_triangulated(
                Sequence(path),
                given.out / folder.name,
                unfinished.depths(),
                triangulated_entries(wanted, followed_by[path]),
                wanted.furthest_m / MAX_DEPTH_VALUE,
                poses=folder.poses,
                overwrite=given.overwrite,
            )
            unfinished.remove()
        say(report(result))
    return 0


def _unfinished(
    folder: FolderSequence,
    given: argparse.Namespace,
    wanted: TriangulationSettings,
    followed_by: FollowedBy,
) -> Unfinished:
    return Unfinished(given.out / folder.name, folder, wanted, followed_by.sha256)


def _followed_by(
    given: argparse.Namespace, wanted: TriangulationSettings
) -> dict[Path, FollowedBy]:
    """Return what says how each sequence moved, where it does not say so itself."""
    weights = weights_identity(given.weights)
    sources = {path: Sequence(path) for path in given.sequences}
    return {
        path: weights
        if source.trajectory is None and not is_paired(source.name, wanted)
        else ITSELF
        for path, source in sources.items()
    }


def _jobs(given: argparse.Namespace) -> int:
    return given.jobs or len(os.sched_getaffinity(0))


def _opened(
    given: argparse.Namespace,
    wanted: TriangulationSettings,
    followed_by: Mapping[Path, FollowedBy],
) -> list[FolderSequence]:
    """Open the sequences; what was followed before has its poses from there."""
    folders = [FolderSequence(path) for path in given.sequences]
    for path, folder in zip(given.sequences, folders, strict=True):
        is_there = _is_there(path, given, wanted, followed_by[path])
        if folder.poses is None and is_there:
            folder.poses = FolderSequence(given.out / folder.name).poses
        elif folder.poses is None:
            folder.poses = _unfinished(folder, given, wanted, followed_by[path]).poses
    return folders


def _is_there(
    path: Path,
    given: argparse.Namespace,
    wanted: TriangulationSettings,
    followed_by: FollowedBy,
) -> bool:
    if given.overwrite:
        return False
    source = Sequence(path)
    return is_triangulated(given.out / source.name, source, wanted, followed_by)


def _check_targets(sources: list[Path], out: Path) -> None:
    targets = [(out / path.resolve().name).resolve() for path in sources]
    for path, target in zip(sources, targets, strict=True):
        if targets.count(target) > 1:
            raise DatasetError(
                f'two sequences are called {target.name}: write them to folders of their own'
            )
        if target == path.resolve():
            raise DatasetError(f'--out {out} is where {path} lies: choose another folder')


def triangulation_settings(given: argparse.Namespace) -> TriangulationSettings:
    """
    Gather the settings: ``--set`` goes before the file.

    :raises SettingError: a setting is unknown or not allowed, or the file cannot be read
    """
    values = {}
    if given.config is not None:
        values.update(settings.values(config.load(given.config, TriangulationSettings)))
    values.update(assigned(given, TriangulationSettings))
    return settings.build(TriangulationSettings, values)


def report(result: Triangulated) -> str:
    """Say in a line what became of one sequence."""
    line = f'{result.name}: {result.frames} images, depth of {result.density:.0%} of the pixels'
    if result.followed:
        line += ', and poses by following it'
    errors = np.concatenate([np.empty(0, np.float32), *result.errors])
    if not len(errors):
        return line
    covered = float(np.mean(result.covered))
    return (
        f'{line}; of true depth {covered:.0%} is covered, with a relative error of '
        f'{np.median(errors):.3f} in the median and {errors.mean():.3f} in the mean'
    )
