"""Poses for sequences without any, by the depth that a network sees in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.engine_setup import running_engine
from lsd_ros.cli.progress import progress
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.datasets.stereo import StereoPair
from lsd_ros.errors import DatasetError, WeightsError
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.stored_weights import existing_weights, read_stored
from lsd_ros.triangulation.rgbd_odometry import followed_motions, scaled_motion
from lsd_ros.triangulation.triangulated_sequence import ITSELF, FollowedBy
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings
from lsd_ros.types import Frame

NEAR = 0.4  # of the furthest depth: what is beyond says little of how far a camera moved


def follow(folders: Sequence[FolderSequence], wanted: TriangulationSettings, weights: str) -> None:
    """
    Give poses to sequences that have none and are in no stereo pair.

    :param folders: their poses are set
    :param weights: file or name
    :raises DatasetError: a sequence cannot be followed, or an image cannot be decoded
    :raises WeightsError: the weights cannot be used, or are not metric
    """
    lost = [each for each in folders if each.poses is None and not is_paired(each.name, wanted)]
    if not lost:
        return
    seeing = EngineSettings(weights=weights, depth_size='camera')
    with running_engine(seeing) as engine:
        if not engine.info.metric:
            raise WeightsError(
                f'the weights {engine.info.name!r} are not metric, and say of no motion how long '
                'it was: give metric ones, or poses.tum'
            )
        for folder in lost:
            with progress(f'following {folder.name}', len(folder) - 1) as advance:
                see = _seeing(folder, engine, NEAR * wanted.furthest_m, advance)
                poses = followed_motions(
                    len(folder), folder.camera, folder.image, see, scaled_motion
                )
            if poses is None:
                raise DatasetError(
                    f'{folder.name} cannot be followed: give it poses.tum, or leave out the part '
                    'that has too little in common with what is before it'
                )
            folder.poses = poses


def is_paired(name: str, wanted: TriangulationSettings) -> bool:
    """Say whether a sequence is in a stereo pair, which says how it moved."""
    pairs = [StereoPair.parse(text) for text in wanted.stereo]
    return any(name in (pair.left, pair.right) for pair in pairs)


def weights_identity(weights: str | None) -> FollowedBy:
    """
    Return what tells weights from others of the same name.

    :param weights: file or name; None: there are none
    :raises WeightsError: they cannot be read
    """
    if weights is None:
        return ITSELF
    return FollowedBy(weights, read_stored(existing_weights(weights)).metadata.get('sha256', ''))


def _seeing(
    folder: FolderSequence, engine: Engine, near_m: float, advance: Callable[[], object]
) -> Callable[[int], NDArray[np.float32]]:
    """Return what sees the depth of an image [m], NaN where it is not believed."""

    def see(index: int) -> NDArray[np.float32]:
        stamp_ns = int(folder.stamps_ns[index])
        frame = Frame(stamp_ns, folder.name, folder.image(index), folder.camera)
        depth = engine.process(frame, motion=False).depth
        assert depth is not None
        advance()
        return np.where(np.isfinite(depth) & (depth < near_m), depth, np.nan).astype(np.float32)

    return see
