"""Writes a sequence again, with the depth that its known motions give it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.datasets.image_file import write_image
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.sequence_writer import depth_values, is_of_sequence
from lsd_ros.datasets.tum import write_tum
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import AtomicFolder
from lsd_ros.triangulation.rgbd_odometry import followed_motions
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings
from lsd_ros.types import Trajectory

SETTINGS = 'triangulation'  # of the manifest
FOLLOWED_BY = 'followed_by'  # among these


@dataclass
class Triangulated:
    """
    How much of a sequence has depth, and how it compares with true depth where there was such.

    :param name: of the sequence
    :param frames: number of images
    :param density: share of the pixels that have depth
    :param errors: relative errors of the pixels that have true depth, too, of each image
    :param covered: shares of the pixels with true depth that have depth, of each image
    :param followed: whether it had no poses and has some now
    """

    name: str
    frames: int = 0
    density: float = 0.0
    errors: list[NDArray[np.float32]] = field(default_factory=list)
    covered: list[float] = field(default_factory=list)
    followed: bool = False

    def add(self, depth: NDArray[np.float32], truth: NDArray[np.float32] | None) -> None:
        """Take one image into account."""
        known = np.isfinite(depth)
        self.density = (self.density * self.frames + float(known.mean())) / (self.frames + 1)
        self.frames += 1
        if truth is None:
            return
        judged = np.isfinite(truth) & (truth > 0)
        if judged.any():
            both = known & judged
            self.errors.append(np.abs(depth[both] / truth[both] - 1))
            self.covered.append(float(both.sum() / judged.sum()))


@dataclass(frozen=True)
class FollowedBy:
    """
    Weights whose depth said how a camera moved; by default nothing but the sequence said it.

    :param weights: their name or file
    :param sha256: of what is in them
    """

    weights: str = ''
    sha256: str = ''


ITSELF = FollowedBy()


def triangulated_entries(
    wanted: TriangulationSettings, followed_by: FollowedBy = ITSELF
) -> dict[str, object]:
    """Return what the manifest of a triangulated sequence says of its depth."""
    values = settings.values(wanted).items()
    plain: dict[str, object] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values
    }
    if followed_by != ITSELF:
        plain[FOLLOWED_BY] = asdict(followed_by)
    return {'depth_origin': 'triangulated by lsd_ros', SETTINGS: plain}


def is_triangulated(
    path: Path,
    source: Sequence,
    wanted: TriangulationSettings,
    followed_by: FollowedBy = ITSELF,
) -> bool:
    """
    Say whether a sequence was triangulated into a folder already.

    :param path: of the folder
    :raises DatasetError: what is there is of other images, settings or weights, or is something
        else
    """
    if not path.exists():
        return False
    remedy = 'add --overwrite, or choose another folder'
    there = Sequence(path)
    if not np.array_equal(there.stamps_ns, source.stamps_ns):
        raise DatasetError(f'{path} is of other images than {source.path}: {remedy}')
    before = there.manifest.get(SETTINGS)
    if not isinstance(before, dict):
        raise DatasetError(f'{path} exists already and has no triangulated depth: {remedy}')
    change = _other_weights(before.get(FOLLOWED_BY), followed_by)
    if change:
        raise DatasetError(f'{path} was triangulated {change}: {remedy}')
    now = triangulated_entries(wanted)[SETTINGS]
    assert isinstance(now, dict)
    for name, value in now.items():
        if name in before and before[name] != value:
            raise DatasetError(
                f'{path} was triangulated with {name} {before[name]!r}, not {value!r}: {remedy}'
            )
    return True


def _other_weights(before: object, now: FollowedBy) -> str:
    """Say how the weights are others; those of an earlier version are not known."""
    if not isinstance(before, dict):
        return ''
    was = before.get('weights')
    if now == ITSELF:
        return f'with the weights {was!r}, not without any'
    if before.get('sha256') == now.sha256:
        return ''
    also = 'others of that name' if was == now.weights else repr(now.weights)
    return f'with the weights {was!r}, not {also}'


def write_triangulated(
    source: Sequence,
    path: Path,
    depths: Iterable[NDArray[np.float32]],
    manifest: Mapping[str, object],
    unit_m: float,
    *,
    poses: NDArray[np.float64] | None = None,
    overwrite: bool = False,
    advance: Callable[[], object] = lambda: None,
) -> Triangulated:
    """
    Copy a sequence as it is, but for its depth, and follow its motion where it has no poses.

    :param path: folder to make, whole or not at all
    :param depths: of its images, in their order, NaN where there is none, shape (H, W) [m]
    :param manifest: is added to that of the source
    :param unit_m: metres per value of the depth files
    :param poses: ``world_from_camera``, shape (N, 4, 4), where it was followed already
    :param advance: called after each image
    :return: how much has depth; true depth of the source is compared, and not copied
    :raises DatasetError: the path exists, not one pixel has depth, or something cannot be read or
        written
    """
    staging = AtomicFolder(path, overwrite=overwrite, is_ours=is_of_sequence)
    result = Triangulated(source.name)
    try:
        folder = staging.open()
        _copy(source.path, folder)
        for index, depth in enumerate(depths):
            file = folder / 'depth' / f'{source.images[index].stem}.png'
            write_image(file, depth_values(depth, unit_m))
            result.add(depth, source.depth(index))
            advance()
        if not result.density:
            raise DatasetError(
                f'{source.name}: not one pixel of {result.frames} images has depth that two views '
                'confirm: choose nearest_m, furthest_m and baseline_m by the place, in a room '
                '--set nearest_m=0.4 --set furthest_m=10 --set baseline_m=0.04'
            )
        entries = {**source.manifest, **manifest}
        entries |= {'depth_maps': result.frames, 'depth_unit_m': unit_m}
        text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)
        (folder / 'manifest.yaml').write_text(text, encoding='utf-8')
        if source.trajectory is None:
            poses = _followed(folder) if poses is None else poses
            result.followed = poses is not None
            if poses is not None:
                write_tum(folder / 'poses.tum', Trajectory(source.stamps_ns, poses))
        staging.commit()
    except OSError as error:
        raise DatasetError(f'cannot write {path}: {error.strerror}') from error
    finally:
        staging.discard()
    return result


def _copy(source: Path, folder: Path) -> None:
    try:
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns('depth'))
        (folder / 'depth').mkdir()
    except shutil.Error as error:
        raise DatasetError(f'cannot copy {source}: {error}') from error


def _followed(folder: Path) -> NDArray[np.float64] | None:
    """Return poses from images and depth that are there already; None: they do not tell."""
    sequence = Sequence(folder)

    def depth(index: int) -> NDArray[np.float32]:
        found = sequence.depth(index)
        if found is None:
            raise DatasetError(f'{folder} has no depth for image {index}')
        return found

    return followed_motions(
        len(sequence), sequence.camera, lambda index: sequence.frame(index).image, depth
    )
