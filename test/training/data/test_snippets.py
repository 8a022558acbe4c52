from __future__ import annotations

import dataclasses
import itertools
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.errors import DatasetError, SettingError
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.training.data.augmentation import AugmentationSettings
from lsd_ros.training.data.frame_cache import CacheSettings
from lsd_ros.training.data.snippet_batch import Snippet, collate
from lsd_ros.training.data.snippets import SnippetDataset, SnippetSettings
from lsd_ros.types import Camera, Frame

CAMERA = Camera(320, 120, 150.0, 140.0, 155.5, 63.5)
STEP_NS = 100_000_000
PLAIN = AugmentationSettings(enabled=False)
SMALL = SnippetSettings(width=96, height=32, gap=1, min_difference=0)


@dataclass
class Memory:
    """A sequence in memory."""

    frames: Sequence[NDArray[np.uint8]]
    stamps_ns: NDArray[np.int64]
    poses: NDArray[np.float64] | None = None
    camera: Camera = CAMERA
    name: str = 'memory'
    targets: tuple[int, ...] | None = None
    licence: str = ''
    one_way: bool = False
    reads: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frames)

    def image(self, index: int) -> NDArray[np.uint8]:
        self.reads.append(index)
        return self.frames[index]

    def depth(self, index: int) -> None:
        return None


def noise(index: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(index).integers(0, 256, (8, 20, 3), dtype=np.uint8)
    return cv2.resize(coarse, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_LINEAR)


def sequence(count: int = 6, **changes: object) -> Memory:
    frames = [noise(index) for index in range(count)]
    return dataclasses.replace(Memory(frames, np.arange(count) * STEP_NS), **changes)


def middles(dataset: SnippetDataset) -> list[int]:
    return [place.middle for place in dataset.places]


def same(first: Snippet, second: Snippet) -> bool:
    return (
        torch.equal(first.images, second.images)
        and torch.equal(first.jittered, second.jittered)
        and torch.equal(first.intrinsics, second.intrinsics)
    )


def dots() -> Iterator[tuple[NDArray[np.float64], NDArray[np.uint8]]]:
    """Yield points before the camera, and the image of each as a small bright spot."""
    for x in (-0.08, 0.0, 0.08):
        point = np.array((x, x / 2, 1.0))
        image = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
        column, row, _ = CAMERA.matrix @ point
        cv2.circle(image, (round(column * 16), round(row * 16)), 48, (255,) * 3, -1, shift=4)
        yield point, cv2.GaussianBlur(image, (0, 0), 1.5)


@pytest.mark.parametrize('fit', ['keep_aspect', 'crop', 'stretch'])
def test_intrinsics_follow_flip_scale_and_crop(fit: str) -> None:
    points, frames = zip(*dots(), strict=True)
    given = dataclasses.replace(
        SMALL, fit=fit, augmentation=AugmentationSettings(jitter=0, min_scale=0.6)
    )
    dataset = SnippetDataset([Memory(frames, np.arange(3) * STEP_NS)], given)
    met = {'flipped': 0, 'plain': 0}
    for epoch in range(40):
        snippet = dataset[0, epoch]
        spots = [_spot(image) for image in snippet.images]
        if any(spot is None for spot in spots):
            continue  # outside the window
        for flipped in (False, True):
            mirror = np.diag((-1.0 if flipped else 1.0, 1.0, 1.0))
            expected = [(snippet.intrinsics.numpy() @ mirror @ point)[:2] for point in points]
            if np.allclose(np.array(spots), expected, atol=0.35):
                met['flipped' if flipped else 'plain'] += 1
                break
        else:
            pytest.fail(f'epoch {epoch}: spots at {spots} do not fit {snippet.intrinsics}')
    assert min(met.values()) > 3


def test_each_camera_gets_the_network_size_of_its_aspect() -> None:
    wide = sequence(4)
    square = sequence(5, camera=dataclasses.replace(CAMERA, width=160, cx=80.0))
    square.frames = [frame[:, :160] for frame in square.frames]
    dataset = SnippetDataset([wide, square], SMALL)
    assert dataset.groups == [[0, 1], [2, 3, 4]]
    sizes = [tuple(dataset[index].images.shape[2:]) for index in range(len(dataset))]
    assert sizes == [(32, 96)] * 2 + [(64, 64)] * 3


def test_a_still_snippet_is_replaced_by_one_of_its_size() -> None:
    still = sequence(4, camera=dataclasses.replace(CAMERA, width=160, cx=80.0))
    still.frames = [noise(0)[:, :160]] * 4
    dataset = SnippetDataset([sequence(40), still], dataclasses.replace(SMALL, min_difference=1))
    assert collate([dataset[index] for index in dataset.groups[1]]).images.shape[3:] == (64, 64)


def test_single_images_are_samples_without_neighbours() -> None:
    given = dataclasses.replace(SMALL, single_images=True)
    dataset = SnippetDataset([sequence(2), sequence(1)], given)
    assert len(dataset) == 3, 'a sequence need not be as long as a snippet'
    batch = collate([dataset[index] for index in range(3)])
    assert batch.images.shape == (3, 1, 3, 32, 96)
    assert torch.equal(batch.jittered_targets, batch.jittered)


def test_the_target_is_the_frame_in_the_middle() -> None:
    batch = collate([SnippetDataset([sequence(3)], SMALL)[0]])
    assert torch.equal(batch.jittered_targets, batch.jittered[:, 1:2])


def test_shares_say_how_often_a_source_is_drawn() -> None:
    few, many = dataclasses.replace(sequence(3), name='few'), sequence(12)
    given = dataclasses.replace(SMALL, shares=('few 0.5', '* 0.5'))
    (group,) = SnippetDataset([few, many], given).groups
    assert sorted(set(group)) == list(range(11))
    assert group.count(0) == 10 == sum(index > 0 for index in group)


def _spot(image: torch.Tensor) -> tuple[float, float] | None:
    weight = image[0].numpy().astype(float)
    border = weight[0].sum() + weight[-1].sum() + weight[:, 0].sum() + weight[:, -1].sum()
    if border or not weight.sum():
        return None
    rows, columns = np.indices(weight.shape)
    return (weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()


def test_frames_come_in_time_order_with_the_gap() -> None:
    given = dataclasses.replace(SMALL, gap=2, augmentation=PLAIN)
    frames = [np.full((120, 320, 3), 10 * index, np.uint8) for index in range(7)]
    dataset = SnippetDataset([Memory(frames, np.arange(7) * STEP_NS)], given)
    assert middles(dataset) == [2, 3, 4]
    snippet = dataset[1]
    assert snippet.images.shape == (3, 3, 32, 96)
    assert snippet.images[:, 0, 0, 0].tolist() == [10, 30, 50]
    assert (snippet.name, snippet.stamp_ns) == ('memory', 3 * STEP_NS)


def test_neighbours_are_drawn_at_several_distances_with_their_motions() -> None:
    stamps = np.array([0, 1, 2, 3, 4, 5, 30, 31, 32]) * STEP_NS
    frames = [np.full((120, 320, 3), 10 * index, np.uint8) for index in range(9)]
    poses = np.tile(np.eye(4), (9, 1, 1))
    poses[:, 2, 3] = np.arange(9) ** 2
    plain = AugmentationSettings(jitter=0, flip=0)
    given = dataclasses.replace(
        SMALL, gap_multiples=(0, 1, 2), motion_from_poses=True, augmentation=plain
    )
    dataset = SnippetDataset([Memory(frames, stamps, poses)], given)
    assert middles(dataset) == [1, 2, 3, 4, 7]
    seen = set()
    for index, middle in enumerate(middles(dataset)):
        for epoch in range(40):
            snippet = dataset[index, epoch]
            first, here, last = (snippet.images[:, 0, 0, 0] // 10).tolist()
            assert here == middle
            seen.add((middle, here - first, last - here))
            wanted = poses[here, 2, 3] - poses[[first, last], 2, 3]
            np.testing.assert_allclose(snippet.known_motions[:, 2, 3], wanted)
            np.testing.assert_allclose(snippet.translations, np.abs(wanted))
    for middle, reach_before, reach_after in ((1, 1, 2), (2, 2, 2), (4, 2, 1), (7, 1, 1)):
        found = {(before, after) for where, before, after in seen if where == middle}
        wanted_steps = itertools.product(range(reach_before + 1), range(reach_after + 1))
        assert found == set(wanted_steps)
    still = dataclasses.replace(given, augmentation=PLAIN)
    snippet = SnippetDataset([Memory(frames, stamps, poses)], still)[1]
    assert snippet.images[:, 0, 0, 0].tolist() == [10, 20, 30]
    with pytest.raises(SettingError, match=r'gap_multiples is \(0,\)'):
        dataclasses.replace(SMALL, gap_multiples=(0,))


def test_no_snippet_goes_across_a_gap_or_outside_the_split() -> None:
    stamps = np.array([0, 1, 2, 30, 31, 32, 33]) * STEP_NS
    whole = SnippetDataset([sequence(7, stamps_ns=stamps)], SMALL)
    assert middles(whole) == [1, 4, 5]
    chosen = SnippetDataset([sequence(7, stamps_ns=stamps, targets=(0, 2, 5))], SMALL)
    assert middles(chosen) == [5]


def test_still_snippets_are_replaced_by_moving_ones() -> None:
    frames = [noise(0)] * 6 + [noise(index) for index in range(6)]
    still = Memory(frames, np.arange(12) * STEP_NS)
    dataset = SnippetDataset(
        [still], dataclasses.replace(SMALL, min_difference=1.0, augmentation=PLAIN)
    )
    for index in range(len(dataset)):
        before, middle, after = dataset[index].images.float()
        assert (before - middle).abs().mean() > 1
        assert (after - middle).abs().mean() > 1


def test_the_gap_is_chosen_by_how_far_images_move() -> None:
    wide = np.tile(noise(3), (1, 3, 1))

    def moving(pixels: int) -> Memory:
        frames = [wide[:, pixels * i : pixels * i + CAMERA.width] for i in range(20)]
        return Memory(frames, np.arange(20) * STEP_NS)

    given = dataclasses.replace(SMALL, gap=0, min_flow=12 / CAMERA.width, max_gap=5)
    dataset = SnippetDataset([moving(16), moving(4), moving(1)], given)
    assert dataset.gaps == [1, 3, 5]


def test_neighbours_are_chosen_by_parallax_where_a_turn_shows_none() -> None:
    camera = Camera(416, 128, 250.0, 250.0, 207.5, 63.5)
    drive = [s.frame.image for s in SyntheticDrive('street', 3, camera, 24, start_s=2.5)]

    def turned(degrees: float) -> NDArray[np.uint8]:
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.array(((c, 0, s), (0, 1, 0), (-s, 0, c)))
        homography = camera.matrix @ turn @ np.linalg.inv(camera.matrix)
        size = (camera.width, camera.height)
        return cv2.warpPerspective(drive[0], homography, size, borderMode=cv2.BORDER_REFLECT)

    def gaps(frames: list[NDArray[np.uint8]]) -> list[int]:
        memory = Memory(frames, np.arange(len(frames)) * STEP_NS, camera=camera)
        return [place.before for place in SnippetDataset([memory], given).places]

    given = SnippetSettings(parallax_px=3.0, max_gap=6, augmentation=PLAIN)
    slow, fast = gaps(drive), gaps(drive[::2])
    assert (np.median(slow), np.median(fast)) == (2, 1)
    with pytest.raises(DatasetError, match=r'give no snippet.*less parallax'):
        gaps([turned(0.7 * i) for i in range(12)])
    with pytest.raises(SettingError, match='both choose neighbours'):
        SnippetSettings(parallax_px=2.0, gap=1)


def test_translations_are_lengths_in_metres_or_unknown() -> None:
    poses = np.tile(np.eye(4), (4, 1, 1))
    poses[:, :3, 3] = ((0, 0, 0), (0.3, 0, 0.4), (0.3, 2, 0.4), (np.nan,) * 3)
    dataset = SnippetDataset([sequence(4, poses=poses)], SMALL)
    np.testing.assert_allclose(dataset[0].translations, (0.5, 2.0), rtol=1e-6)
    np.testing.assert_array_equal(dataset[1].translations, (2.0, np.nan))
    without = SnippetDataset([sequence(4)], SMALL)
    assert without[0].translations.isnan().all()


def test_colours_change_alike_for_the_three_frames_and_beside_the_clean_ones() -> None:
    still = Memory([noise(1)] * 3, np.arange(3) * STEP_NS)
    given = dataclasses.replace(SMALL, augmentation=AugmentationSettings(jitter=1))
    dataset = SnippetDataset([still], given)
    changes = []
    for epoch in range(10):
        snippet = dataset[0, epoch]
        assert torch.equal(snippet.jittered[0], snippet.jittered[2])
        assert torch.equal(snippet.images[0], snippet.images[2])
        changes.append(float((snippet.jittered.float() - snippet.images.float()).abs().mean()))
    assert max(changes) > 10
    plain = SnippetDataset([still], dataclasses.replace(SMALL, augmentation=PLAIN))[0]
    assert torch.equal(plain.jittered, plain.images)


def test_grey_is_the_luminance() -> None:
    given = dataclasses.replace(SMALL, augmentation=AugmentationSettings(jitter=0, grey=1))
    snippet = SnippetDataset([sequence()], given)[0]
    pixels = snippet.images[1].permute(1, 2, 0).numpy()
    expected = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(int)
    for plane in snippet.jittered[1]:
        assert np.abs(plane.numpy() - expected).max() <= 1


@pytest.mark.parametrize('workers', [0, 2])
def test_a_sample_depends_on_seed_epoch_and_index_alone(workers: int) -> None:
    draws = [(2, 0), (1, 5), (2, 1), (0, 0)]
    first, again = (SnippetDataset([sequence()], SMALL) for _ in range(2))
    wanted = [first[draw] for draw in draws]
    loader = DataLoader(
        again, sampler=draws, batch_size=2, num_workers=workers, collate_fn=collate
    )
    for number, batch in enumerate(loader):
        for row in range(2):
            expected = wanted[2 * number + row]
            assert torch.equal(batch.images[row], expected.images)
            assert torch.equal(batch.jittered[row], expected.jittered)
            assert torch.equal(batch.intrinsics[row], expected.intrinsics)
    assert not same(first[2, 0], first[2, 1])
    other = SnippetDataset([sequence()], dataclasses.replace(SMALL, seed=1))
    assert not same(first[2, 0], other[2, 0])


@pytest.mark.parametrize('where', ['none', 'memory', 'disk'])
def test_a_cache_changes_no_sample(where: str, tmp_path: Path) -> None:
    grey = [np.repeat(noise(index)[..., :1], 3, axis=2) for index in range(5)]
    mixed = [*grey[:2], noise(7), *grey[3:]]  # a coloured frame in a grey sequence
    sources = [sequence(), Memory(grey, np.arange(5) * STEP_NS), Memory(mixed, np.arange(5))]
    plain = SnippetDataset(sources, dataclasses.replace(SMALL, cache=CacheSettings(where='none')))
    cache = CacheSettings(where=where, folder=str(tmp_path), scale=16)
    dataset = SnippetDataset(sources, dataclasses.replace(SMALL, cache=cache))
    for _ in range(2):
        assert all(same(dataset[index], plain[index]) for index in range(len(plain)))
    assert not list(tmp_path.iterdir())


def test_a_cache_reads_each_frame_once_at_a_reduced_size() -> None:
    source = sequence()
    dataset = SnippetDataset(
        [source], dataclasses.replace(SMALL, cache=CacheSettings(where='memory', scale=1.5))
    )
    for epoch in range(3):
        _ = [dataset[index, epoch] for index in range(len(dataset))]
    assert sorted(source.reads[1:]) == list(range(6))  # the first one tells grey from colour
    reduced = dataset.cache.camera(0)
    assert (reduced.width, reduced.height) == (144, 54)
    assert reduced == CAMERA.resized(144, 54)
    assert dataset[0].intrinsics.shape == (3, 3)


def test_what_is_fast_in_order_only_is_read_in_order_and_once() -> None:
    video = sequence(one_way=True)
    dataset = SnippetDataset([video], SMALL)
    _ = [dataset[index] for index in (3, 0, 2)]
    assert video.reads == [0, *range(6)]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    cache = CacheSettings(where='disk', folder=str(tmp_path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DatasetError, match=r'cannot keep .* GB of decoded frames in .*none'):
            SnippetDataset([sequence()], dataclasses.replace(SMALL, cache=cache))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_what_gives_no_snippet_is_refused() -> None:
    with pytest.raises(DatasetError, match='memory has 2 frames: a snippet needs 3'):
        SnippetDataset([sequence(), sequence(2)], SMALL)
    apart = sequence(4, stamps_ns=np.arange(4) * 10**10)
    with pytest.raises(DatasetError, match=r'give no snippet: .* max_step_s, which is 1\.0'):
        SnippetDataset([apart], SMALL)


def test_an_image_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path / 'drive', CAMERA) as writer:
        for index in range(4):
            writer.add(Frame(index * STEP_NS, 'optical', noise(index)))
    (tmp_path / 'drive' / 'images' / '000002.jpg').write_bytes(b'no image')
    dataset = SnippetDataset(open_sequences([tmp_path]), SMALL)
    with pytest.raises(DatasetError, match=r'000002\.jpg cannot be decoded'):
        dataset[0]


def test_a_batch_holds_its_snippets_side_by_side() -> None:
    dataset = SnippetDataset([sequence()], SMALL)
    batch = collate([dataset[0], dataset[3]]).to(torch.device('cpu'))
    assert len(batch) == 2
    assert batch.images.shape == (2, 3, 3, 32, 96)
    assert batch.images.dtype == torch.uint8
    assert batch.intrinsics.shape == (2, 3, 3)
    assert batch.translations.shape == (2, 2)
    assert batch.stamps_ns == (STEP_NS, 4 * STEP_NS)
    assert torch.equal(batch.jittered[1], dataset[3].jittered)


@pytest.mark.parametrize('epoch', range(4))
def test_poses_become_the_known_motions_also_mirrored(epoch: int) -> None:
    poses = np.tile(np.eye(4), (4, 1, 1))
    for index, vector in enumerate(((0, 0, 0), (0.1, 0.2, -0.1), (0.3, 0.1, 0.0), (0, 0, 0))):
        poses[index, :3, :3] = cv2.Rodrigues(np.array(vector, float))[0]
        poses[index, :3, 3] = (index, 0.2 * index, 0.5)
    poses[3] = np.nan
    whole = AugmentationSettings(min_scale=1.0)
    given = dataclasses.replace(SMALL, motion_from_poses=True, augmentation=whole)
    dataset = SnippetDataset([sequence(4, poses=poses)], given)
    snippet = dataset[0, epoch]
    point = np.array((0.4, -0.3, 5.0, 1.0))
    mirror = np.diag((-1.0, 1.0, 1.0, 1.0))
    flipped = _is_flipped(snippet)
    for place, neighbour in enumerate((0, 2)):
        there = np.linalg.inv(poses[neighbour]) @ poses[1] @ point
        here = mirror @ point if flipped else point
        seen = snippet.known_motions[place].double().numpy() @ here
        np.testing.assert_allclose(mirror @ seen if flipped else seen, there, atol=1e-5)
    assert dataset[1].known_motions[1].isnan().all()
    assert dataset[1].known_motions[0].isfinite().all()


def _is_flipped(snippet: Snippet) -> bool:
    """Tell by where the middle of the image lies: CAMERA sees more to the right of it."""
    centre = (snippet.images.shape[-1] - 1) / 2
    return bool(snippet.intrinsics[0, 2] > centre)


@pytest.mark.parametrize('epoch', range(4))
def test_true_depth_goes_through_the_same_window_as_its_image(epoch: int) -> None:
    blocks = np.random.default_rng(1).integers(1, 25, (3, 8)).astype(np.float32)
    depth = np.kron(blocks, np.ones((40, 40), np.float32))

    class Known(Memory):
        def depth(self, index: int) -> NDArray[np.float32]:
            return depth

    grey = np.repeat((10 * depth).astype(np.uint8)[..., None], 3, axis=2)
    known = Known([grey] * 3, np.arange(3) * STEP_NS)
    unjittered = AugmentationSettings(min_scale=0.5, jitter=0)
    given = dataclasses.replace(SMALL, true_depth=True, augmentation=unjittered)
    snippet = SnippetDataset([known], given)[0, epoch]
    assert snippet.true_depth.shape == (1, *snippet.images.shape[-2:])
    apart = (snippet.images[1, :1].float() / 10 - snippet.true_depth).abs()
    assert apart.median() < 0.1
    assert (apart < 1).float().mean() > 0.7
    assert SnippetDataset([sequence(3)], given)[0].true_depth.isnan().all()
    assert SnippetDataset([known], SMALL)[0].true_depth.numel() == 0


def test_shadows_darken_what_networks_see_and_nothing_else() -> None:
    unjittered = AugmentationSettings(jitter=0, shade=0.8)
    given = dataclasses.replace(SMALL, augmentation=unjittered)
    dataset = SnippetDataset([Memory([noise(1)] * 3, np.arange(3) * STEP_NS)], given)
    kept = []
    for epoch in range(20):
        snippet = dataset[0, epoch]
        light = (snippet.jittered.float() + 0.5) / (snippet.images.float() + 0.5)
        bright = snippet.images > 50
        assert light[bright].min() > 0.2 - 0.03
        assert light[bright].max() < 1.01
        assert torch.equal(snippet.jittered[0], snippet.jittered[2])
        kept.append(light[bright].quantile(torch.tensor((0.1, 0.9))))
    lights = torch.stack(kept)
    assert lights[:, 0].min() < 0.6
    assert (lights[:, 1] - lights[:, 0]).max() > 0.3
