from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lsd_ros.errors import DatasetError, SettingError
from lsd_ros.geometry.warp import warp
from lsd_ros.training.data.augmentation import AugmentationSettings
from lsd_ros.training.data.snippet_batch import collate
from lsd_ros.training.data.snippets import SnippetDataset, SnippetSettings
from lsd_ros.training.motion_supervision import MetricSettings, units_per_metre
from lsd_ros.types import Camera

CAMERA = Camera(256, 96, 150.0, 150.0, 127.5, 47.5)
SHIFT_PX = 8
DEPTH_M = 6.0
BASELINE_M = SHIFT_PX * DEPTH_M / CAMERA.fx
PAIR = f'left right {BASELINE_M}'
MOVING = SnippetSettings(width=128, height=64, gap=1, fit='crop', stereo=(PAIR,))
COUNT = 4


@dataclass
class Wall:
    """What a camera sees of a wall, in memory."""

    name: str
    frames: list[NDArray[np.uint8]]
    camera: Camera = CAMERA
    stamps_ns: NDArray[np.int64] = field(default_factory=lambda: np.arange(COUNT) * 10**8)
    poses = targets = None
    licence = ''
    one_way = False

    def __len__(self) -> int:
        return len(self.frames)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.frames[index]

    def depth(self, index: int) -> None:
        return None


def walls() -> list[Wall]:
    """A wall at DEPTH_M: the right camera sees everything further left than the left one."""
    coarse = np.random.default_rng(0).integers(0, 256, (COUNT, 24, 80, 3), dtype=np.uint8)
    size = (CAMERA.width + SHIFT_PX, CAMERA.height)
    wide = [cv2.resize(image, size, interpolation=cv2.INTER_CUBIC) for image in coarse]
    left = [np.ascontiguousarray(image[:, :-SHIFT_PX]) for image in wide]
    right = [np.ascontiguousarray(image[:, SHIFT_PX:]) for image in wide]
    return [Wall('left', left), Wall('right', right)]


def beside_each_other(dataset: SnippetDataset) -> list[int]:
    return [index for index, place in enumerate(dataset.places) if place.beside is not None]


@pytest.mark.parametrize('epoch', range(6))
def test_the_other_camera_sees_the_same_by_the_known_motion(epoch: int) -> None:
    dataset = SnippetDataset(walls(), MOVING)
    chosen = beside_each_other(dataset)
    assert len(chosen) == 2 * COUNT
    batch = collate([dataset[index, epoch] for index in chosen])
    images = batch.images.float()
    depth = torch.full((len(chosen), 1, *images.shape[-2:]), DEPTH_M)
    for source, motion in ((0, batch.known_motions[:, 0]), (2, batch.known_motions[:, 1])):
        seen = warp(images[:, source], depth, motion, batch.intrinsics, batch.intrinsics)
        errors = [
            ((image - images[:, 1]).abs() * seen.mask).mean(dim=(1, 2, 3))
            for image in (seen.image, images[:, source])
        ]
        assert (errors[0] < 0.35 * errors[1]).all()  # windows are resized: no more than that


def test_what_is_no_stereo_pair_knows_no_motion() -> None:
    dataset = SnippetDataset(walls(), MOVING)
    others = set(range(len(dataset))) - set(beside_each_other(dataset))
    assert len(others) == 2 * (COUNT - 2)
    assert all(dataset[index].known_motions.isnan().all() for index in others)
    assert len(SnippetDataset(walls(), replace(MOVING, stereo=()))) == len(others)


@pytest.mark.parametrize(
    ('pair', 'said'),
    [
        ('left right', 'must be the names of two sequences'),
        ('left right -1', 'must be the names of two sequences'),
        ('left left 1', 'must be the names of two sequences'),
        ('left right 1 2', 'must be the names of two sequences'),
    ],
)
def test_what_is_no_pair_is_refused(pair: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        SnippetSettings(stereo=(pair,))


def test_pairs_that_do_not_fit_are_refused() -> None:
    left, right = walls()
    later = Wall('right', right.frames, stamps_ns=right.stamps_ns + 2_000_000)
    wider = Wall('right', right.frames, camera=replace(CAMERA, fx=151.0))
    shorter = Wall('right', right.frames[:-1], stamps_ns=right.stamps_ns[:-1])
    for other, said in (
        (later, '2.0 ms apart'),
        (wider, 'their cameras differ'),
        (shorter, '4 and 3 images'),
        (Wall('third', right.frames), 'has no sequence right'),
    ):
        with pytest.raises(DatasetError, match=said):
            SnippetDataset([left, other], MOVING)
    twice = replace(MOVING, stereo=(PAIR, 'left third 1'))
    with pytest.raises(DatasetError, match='left is in two stereo pairs'):
        SnippetDataset([left, right, Wall('third', right.frames)], twice)


def test_a_window_shows_a_shorter_motion_through_a_longer_lens() -> None:
    dataset = SnippetDataset(
        walls(), replace(MOVING, augmentation=AugmentationSettings(min_scale=0.3))
    )
    batch = collate([dataset[index, 1] for index in range(len(dataset))])
    focal = batch.intrinsics[:, 0, 0]
    assert focal.max() > 1.5 * focal.min()
    units = units_per_metre(batch.intrinsics, MetricSettings(metres_per_unit=5.0, focal_px=100.0))
    torch.testing.assert_close(
        units * focal, torch.full_like(focal, 100.0 / 5.0), rtol=2e-2, atol=0
    )
    plain = units_per_metre(batch.intrinsics, MetricSettings(metres_per_unit=5.0))
    assert (plain == 1 / 5.0).all()
