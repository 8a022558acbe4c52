from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.errors import DatasetError, SettingError
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.triangulation.plane_sweep import SweptView, standing_cost, swept_cost
from lsd_ros.triangulation.rgbd_odometry import fitted_motion, followed_motions, scaled_motion
from lsd_ros.triangulation.semi_global import aggregated, best_labels
from lsd_ros.triangulation.triangulated_sequence import write_triangulated
from lsd_ros.triangulation.triangulation import Triangulator
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings
from lsd_ros.types import Camera, Frame

CAMERA = Camera(256, 96, 150.0, 150.0, 127.5, 47.5)
SHIFT_PX = 8
DEPTH_M = 6.0
BASELINE_M = SHIFT_PX * DEPTH_M / CAMERA.fx
STREET = Camera(208, 64, 120.0, 120.0, 103.5, 31.5)
UNIT_M = 0.002


def texture(seed: int, width: int = CAMERA.width) -> NDArray[np.float32]:
    coarse = np.random.default_rng(seed).uniform(20, 230, (32, width // 3)).astype(np.float32)
    grown = cv2.resize(coarse, (width, CAMERA.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown.clip(0, 255), np.float32)


def test_the_sweep_is_lowest_at_the_depth_of_a_wall_whatever_the_exposure() -> None:
    wide = texture(0, CAMERA.width + SHIFT_PX)
    left, right = wide[:, :-SHIFT_PX], 0.6 * wide[:, SHIFT_PX:] + 30
    motion = np.eye(4)
    motion[0, 3] = -BASELINE_M
    inverse = np.array([0.5, 1.0, 2.0]) / DEPTH_M
    views = [SweptView(np.ascontiguousarray(right), motion)]
    cost = swept_cost(np.ascontiguousarray(left), views, CAMERA.matrix, inverse, 5)
    assert cost.shape == (CAMERA.height, CAMERA.width, 3)
    inner = cost[4:-4, 30:-4]
    assert np.nanmean(inner[..., 1]) < 0.01
    assert (inner.argmin(axis=-1) == 1).mean() > 0.97
    assert np.isnan(cost[:, : SHIFT_PX - 1, 1]).all()  # left of what the right camera sees
    assert standing_cost(left, views, 5)[4:-4, 4:-4].mean() > 0.3


def test_what_hides_a_pixel_from_half_of_the_views_does_not_matter() -> None:
    still = texture(1)
    seen, hidden = SweptView(still, np.eye(4)), SweptView(texture(2), np.eye(4))
    cost = swept_cost(still, [seen, hidden], CAMERA.matrix, np.array([0.1]), 5)
    assert np.nanmean(cost) < 0.01


def brute_force(cost: NDArray[np.float32], small: float, large: float) -> NDArray[np.float32]:
    """Walk the eight paths to each pixel one label at a time."""
    height, width, labels = cost.shape
    total = np.zeros_like(cost)
    for dy, dx in ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)):
        for y in range(height):
            for x in range(width):
                back = 0
                while 0 <= y - (back + 1) * dy < height and 0 <= x - (back + 1) * dx < width:
                    back += 1
                path = cost[y - back * dy, x - back * dx].copy()
                for step in range(back - 1, -1, -1):
                    before, here = path, cost[y - step * dy, x - step * dx]
                    path = np.array(
                        [
                            here[d]
                            + min(
                                before[e] + (0 if e == d else small if abs(e - d) == 1 else large)
                                for e in range(labels)
                            )
                            - before.min()
                            for d in range(labels)
                        ]
                    )
                total[y, x] += path
    return total / 8


def test_paths_are_those_of_the_paper() -> None:
    cost = np.random.default_rng(0).uniform(size=(5, 6, 4)).astype(np.float32)
    np.testing.assert_allclose(aggregated(cost, 0.1, 0.4), brute_force(cost, 0.1, 0.4), rtol=1e-4)


def test_neighbours_decide_where_a_pixel_alone_cannot_and_labels_have_parts() -> None:
    labels = np.arange(16)
    one = np.minimum(0.1 * (labels - 6.3) ** 2, 0.9)
    cost = np.tile(one, (9, 9, 1)).astype(np.float32)
    cost[4, 4] = 0.5  # nothing is known here
    cost[2, 2] = np.nan
    match = best_labels(cost, 0.05, 0.3)
    np.testing.assert_allclose(
        np.delete(match.label.ravel(), [2 * 9 + 2, 4 * 9 + 4]), 6.3, atol=0.1
    )
    np.testing.assert_array_equal(match.label[[2, 4], [2, 4]], 6)
    assert match.cost[4, 4] == pytest.approx(0.5)
    assert np.isnan(match.cost[2, 2])
    assert (match.lead > 0.1).all()


@pytest.fixture(scope='module')
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('street') / 'street'
    write_sequence(path, SyntheticDrive('street', 3, STREET, 9, start_s=2.5), suffix='.png')
    return path


def test_a_drive_gets_the_depth_that_it_has(street: Path) -> None:
    sequence = FolderSequence(street)
    triangulator = Triangulator([sequence], TriangulationSettings(nearest_m=2.5))
    depth, truth = triangulator.depth(0, 4), sequence.depth(4)
    assert truth is not None
    assert depth.shape == truth.shape
    known = np.isfinite(depth)
    error = np.abs(depth[known] / truth[known] - 1)
    assert known.mean() > 0.25
    assert np.median(error) < 0.04
    assert (error < 0.2).mean() > 0.93
    assert known[truth > 200].mean() < 0.1  # the sky, beside roofs


def test_what_moves_as_the_camera_does_is_no_hole(street: Path) -> None:
    class Follower(FolderSequence):
        """A sticker on the windscreen moves as a car ahead at the same speed."""

        def image(self, index: int) -> NDArray[np.uint8]:
            image = super().image(index).copy()
            image[20:44, 90:120] = texture(5)[20:44, 90:120, None]
            return image

    depth = Triangulator([Follower(street)], TriangulationSettings()).depth(0, 4)
    assert np.isnan(depth[23:41, 93:117]).mean() > 0.97


def stereo_walls(folder: Path) -> list[Path]:
    wide = texture(7, CAMERA.width + SHIFT_PX)
    paths = [folder / 'left', folder / 'right']
    for path, part in zip(paths, (wide[:, :-SHIFT_PX], wide[:, SHIFT_PX:]), strict=True):
        with SequenceWriter(path, CAMERA, suffix='.png') as writer:
            for stamp_ns in (0, 10**8):
                image = np.repeat(part.astype(np.uint8)[..., None], 3, axis=2)
                writer.add(Frame(stamp_ns, 'camera', image, CAMERA))
    return paths


def test_a_second_camera_gives_depth_without_any_pose(tmp_path: Path) -> None:
    sequences = [FolderSequence(path) for path in stereo_walls(tmp_path)]
    given = TriangulationSettings(stereo=(f'left right {BASELINE_M}',), width=CAMERA.width)
    triangulator = Triangulator(sequences, given)
    for number in (0, 1):
        depth = triangulator.depth(number, 1)
        known = np.isfinite(depth)
        assert known.mean() > 0.8
        np.testing.assert_allclose(np.median(depth[known]), DEPTH_M, rtol=0.02)
    with pytest.raises(DatasetError, match='left has no poses, and is in no stereo pair'):
        Triangulator(sequences, TriangulationSettings())


def test_points_with_depth_say_how_the_camera_moves(street: Path) -> None:
    sequence = FolderSequence(street)

    def depth(index: int) -> NDArray[np.float32]:
        known = sequence.depth(index)
        assert known is not None
        return known

    poses = followed_motions(len(sequence), sequence.camera, sequence.image, depth)
    assert poses is not None
    assert sequence.poses is not None
    wanted = np.linalg.inv(sequence.poses[0]) @ sequence.poses
    way = np.linalg.norm(wanted[-1, :3, 3])
    assert (
        np.linalg.norm(poses[-1, :3, 3] - wanted[-1, :3, 3]) < 0.05 * way
    )  # of images this small
    np.testing.assert_allclose(poses[-1, :3, :3], wanted[-1, :3, :3], atol=0.01)
    flat = followed_motions(
        2, sequence.camera, lambda _: np.full((STREET.height, STREET.width, 3), 9, np.uint8), depth
    )
    assert flat is None


def test_where_depth_is_wrong_but_for_the_ground_points_alone_say_where_to(street: Path) -> None:
    sequence = FolderSequence(street)
    rows = np.arange(STREET.height, dtype=np.float32)[:, None]

    def depth(index: int) -> NDArray[np.float32]:
        known = sequence.depth(index)
        assert known is not None
        on_ground = known * (rows - STREET.cy) / STREET.fy > 1.2
        left = np.arange(STREET.width) < STREET.width / 2
        return np.where(on_ground, known, known * np.where(left, 0.5, 1.6)).astype(np.float32)

    assert sequence.poses is not None
    wanted = np.linalg.inv(sequence.poses[0]) @ sequence.poses[-1]
    way = np.linalg.norm(wanted[:3, 3])
    errors = {}
    for motion in (scaled_motion, fitted_motion):
        poses = followed_motions(len(sequence), sequence.camera, sequence.image, depth, motion)
        assert poses is not None
        errors[motion] = np.linalg.norm(poses[-1, :3, 3] - wanted[:3, 3]) / way
    assert errors[scaled_motion] < 0.15  # of images this small
    assert errors[fitted_motion] > 2 * errors[scaled_motion]


def test_a_camera_at_rest_moves_nowhere_whatever_its_depth(street: Path) -> None:
    image = FolderSequence(street).image(0)
    flat = np.full((STREET.height, STREET.width), 8, np.float32)
    poses = followed_motions(3, STREET, lambda _: image, lambda _: flat, scaled_motion)
    assert poses is not None
    np.testing.assert_allclose(poses, np.tile(np.eye(4), (3, 1, 1)), atol=1e-3)


def test_a_stereo_pair_without_poses_gets_some(tmp_path: Path) -> None:
    left = Sequence(stereo_walls(tmp_path)[0])
    maps = [np.full((CAMERA.height, CAMERA.width), DEPTH_M, np.float32)] * len(left)
    assert write_triangulated(left, tmp_path / 'out', maps, {}, UNIT_M).followed
    still = Sequence(tmp_path / 'out').trajectory
    assert still is not None
    np.testing.assert_allclose(still.world_from_camera, np.tile(np.eye(4), (2, 1, 1)), atol=1e-3)


def test_what_stands_alone_has_no_depth(street: Path) -> None:
    far_steps = TriangulationSettings(baseline_m=500.0)
    assert np.isnan(Triangulator([FolderSequence(street)], far_steps).depth(0, 4)).all()


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ({'furthest_m': 2.0}, 'the furthest must be further'),
        ({'patch': 4}, 'patch is 4: it must be odd'),
        ({'hypotheses': 1}, 'hypotheses is 1'),
    ],
)
def test_impossible_settings_are_refused(given: dict[str, float], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        TriangulationSettings(**given)  # type: ignore[arg-type]


def test_a_sequence_is_written_again_with_its_depth_and_compared(
    street: Path, tmp_path: Path
) -> None:
    source = Sequence(street)
    truth = [source.depth(index) for index in range(len(source))]
    half = [np.where(np.arange(STREET.width) < STREET.width / 2, 1.1 * t, np.nan) for t in truth]
    maps = [depth.astype(np.float32) for depth in half]
    maps[0][0, 0] = 1e6  # more than 16 bits: none
    result = write_triangulated(source, tmp_path / 'out', maps, {'depth_origin': 'test'}, UNIT_M)
    written = Sequence(tmp_path / 'out')
    assert (result.frames, result.density) == (9, pytest.approx(0.5, abs=0.01))
    assert np.median(np.concatenate(result.errors)) == pytest.approx(0.1, abs=1e-3)
    assert np.mean(result.covered) == pytest.approx(0.5, abs=0.01)
    assert written.images[3].read_bytes() == source.images[3].read_bytes()
    assert written.trajectory is not None
    assert written.manifest['licence'] == 'Apache-2.0'
    read = written.depth(0)
    assert read is not None
    assert np.isnan(read[0, 0])
    near = maps[0] < 131
    np.testing.assert_allclose(read[near], maps[0][near], atol=0.0011)


def test_nothing_is_left_of_what_fails_half_way(street: Path, tmp_path: Path) -> None:
    def failing() -> NDArray[np.float32]:
        raise DatasetError('an image is damaged')

    steps: list[Callable[[], NDArray[np.float32]]] = [
        lambda: np.ones((STREET.height, STREET.width), np.float32),
        failing,
    ]
    with pytest.raises(DatasetError, match='damaged'):
        write_triangulated(
            Sequence(street), tmp_path / 'out', (step() for step in steps), {}, UNIT_M
        )
    assert not list(tmp_path.iterdir())
