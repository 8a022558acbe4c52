from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lsd_ros.errors import SettingError
from lsd_ros.training.data.augmentation import AugmentationSettings
from lsd_ros.training.data.depth_mix import HALO_PX, RgbdImage, depth_mix
from lsd_ros.training.data.frame_cache import CacheSettings
from lsd_ros.training.data.snippets import SnippetDataset, SnippetSettings
from lsd_ros.types import Camera

HEIGHT, WIDTH = 60, 80
HORIZON = 20
SCENE, OTHER = 50, 200  # grey of one and of the other picture


def ground(*, sky: float = np.nan) -> NDArray[np.float32]:
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None]
    with np.errstate(divide='ignore'):
        depth = np.where(rows > HORIZON, 200 / (rows - HORIZON), sky)
    return np.tile(depth, (1, WIDTH)).astype(np.float32)


def sight(grey: int, depth: NDArray[np.float32]) -> RgbdImage:
    return RgbdImage(np.full((HEIGHT, WIDTH, 3), grey, np.uint8), depth)


def with_a_thing(depth: NDArray[np.float32], z: float) -> NDArray[np.float32]:
    changed = depth.copy()
    changed[15:40, 30:50] = z
    return changed


def test_what_is_nearer_comes_with_its_depth_and_the_ground_stays() -> None:
    mixed = depth_mix(sight(SCENE, ground()), sight(OTHER, with_a_thing(ground(), 7)))
    assert (mixed.image[19:38, 32:48] == OTHER).all()
    np.testing.assert_array_equal(mixed.depth[19:38, 32:48], 7)
    assert (mixed.image[:, :22] == SCENE).all()
    assert (mixed.image[42:] == SCENE).all()
    np.testing.assert_array_equal(mixed.depth[42:], ground()[42:])


def test_what_is_further_is_hidden() -> None:
    wall = np.full((HEIGHT, WIDTH), 5, np.float32)
    scene = sight(SCENE, np.minimum(ground(sky=5), wall))
    mixed = depth_mix(scene, sight(OTHER, with_a_thing(ground(), 7)))
    assert (mixed.image == SCENE).all()
    np.testing.assert_array_equal(mixed.depth, scene.depth)


def test_known_sky_is_behind_everything_and_unknown_sky_as_far_as_what_is_nearest() -> None:
    thing = sight(OTHER, with_a_thing(ground(), 7))
    assert (depth_mix(sight(SCENE, ground(sky=np.inf)), thing).image[17, 32:48] == OTHER).all()
    wood = ground()
    wood[10:30] = 6
    assert (depth_mix(sight(SCENE, wood), thing).image[:30] == SCENE).all()
    assert (depth_mix(thing, sight(OTHER - 1, ground(sky=np.inf))).image == OTHER).all()


def test_a_little_of_what_is_unknown_comes_along_without_depth() -> None:
    holed = with_a_thing(ground(), 7)
    holed[20:24, 38:42] = np.nan
    mixed = depth_mix(sight(SCENE, ground()), sight(OTHER, holed))
    assert (mixed.image[21:23, 38:42] == OTHER).all()
    assert np.isnan(mixed.depth[21:23, 38:42]).all()
    assert (mixed.image[: 15 - 2 * HALO_PX] == SCENE).all()  # sky over the thing stays away


def test_single_pixels_are_errors() -> None:
    spotted = ground()
    spotted[45, 10] = spotted[30, 60] = 1
    mixed = depth_mix(sight(SCENE, ground()), sight(OTHER, spotted))
    assert (mixed.image == SCENE).all()


def test_without_any_depth_nothing_is_mixed() -> None:
    unknown = sight(SCENE, np.full((HEIGHT, WIDTH), np.nan, np.float32))
    thing = sight(OTHER, with_a_thing(ground(), 7))
    assert (depth_mix(unknown, thing).image == SCENE).all()
    assert (depth_mix(thing, unknown).image == OTHER).all()


class Still:
    """A sequence of one grey, at rest, whose depth is known."""

    poses = None
    targets = None
    licence = ''
    one_way = False
    stamps_ns = np.arange(4) * 100_000_000

    def __init__(self, grey: int, z: float, focal_px: float) -> None:
        self.name = f'grey_{grey}'
        self.camera = Camera(96, 32, focal_px, focal_px, 47.5, 15.5)
        self._grey, self._z = grey, z

    def __len__(self) -> int:
        return 4

    def image(self, index: int) -> NDArray[np.uint8]:
        return np.full((32, 96, 3), self._grey, np.uint8)

    def depth(self, index: int) -> NDArray[np.float32]:
        return np.full((32, 96), self._z, np.float32)


MIXING = AugmentationSettings(jitter=0, depth_mix=1)
SETTINGS = SnippetSettings(
    width=96,
    height=32,
    gap=1,
    min_difference=0,
    true_depth=True,
    augmentation=MIXING,
    cache=CacheSettings(where='none'),
)


def test_things_of_another_lens_are_as_far_as_they_look_here() -> None:
    long_lens = Still(OTHER, 8.0, 100.0)
    dataset = SnippetDataset([Still(SCENE, 10.0, 50.0), long_lens], SETTINGS)
    mixed = [dataset[0, epoch] for epoch in range(12)]
    depths = {float(snippet.true_depth.unique()) for snippet in mixed}
    assert depths == {10.0, 4.0}  # seen by a lens half as long
    for snippet in mixed:
        nearer = bool((snippet.true_depth == 4).all())
        assert (snippet.jittered[1] == (OTHER if nearer else SCENE)).all()
        assert (snippet.jittered[::2] == SCENE).all()
        assert (snippet.images == SCENE).all()
        assert snippet.name == f'grey_{SCENE}'


def test_mixing_depends_on_index_and_epoch_alone() -> None:
    sequences = [Still(SCENE, 10.0, 50.0), Still(OTHER, 8.0, 50.0)]
    first, again = SnippetDataset(sequences, SETTINGS), SnippetDataset(sequences, SETTINGS)
    for epoch in range(6):
        assert torch.equal(first[1, epoch].jittered, again[1, epoch].jittered)
    half = dataclasses.replace(MIXING, depth_mix=0.5)
    dataset = SnippetDataset(sequences, dataclasses.replace(SETTINGS, augmentation=half))
    mixed = [bool((dataset[0, epoch].jittered[1] == OTHER).all()) for epoch in range(200)]
    assert 0.15 < np.mean(mixed) < 0.35  # half of them, and half of the others are nearer


def test_mixing_needs_true_depth() -> None:
    with pytest.raises(SettingError, match=r'depth_mix is 1.0: .* set data\.true_depth to true'):
        dataclasses.replace(SETTINGS, true_depth=False)
