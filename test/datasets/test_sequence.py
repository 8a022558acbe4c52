"""A sequence folder gives back what was written, and says what is wrong with one."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.datasets.tum import read_tum
from lsd_ros.errors import DatasetError
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera, Distortion, Frame

BARREL = Distortion('plumb_bob', (-0.1, 0.01, 0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), (9, 9, 4, 3))
CAMERA = Camera(10, 8, 9.5, 9.25, 4.5, 3.5, BARREL)
STAMPS_NS = [1_700_000_000_000_000_001, 1_700_000_000_100_000_002, 1_700_000_000_233_333_333]


def picture(index: int) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 256, (8, 10, 3), dtype=np.uint8)


def pose(index: int) -> NDArray[np.float64]:
    angle = 0.3 * index
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = (index, -2.5, 1e-3)
    return matrix


def frame(index: int) -> Frame:
    return Frame(STAMPS_NS[index], 'optical', picture(index), CAMERA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write three frames with poses, the middle one with depth."""
    depth = np.full((8, 10), 2.125, np.float32)
    depth[0, :5] = (np.nan, np.inf, -np.inf, -1, 1000)
    path = tmp_path / 'sequence'
    manifest = {'origin': 'a test', 'licence': 'none'}
    with SequenceWriter(path, CAMERA, manifest=manifest, suffix='.png') as writer:
        for index in range(3):
            given = depth if index == 1 else None
            writer.add(frame(index), world_from_camera=pose(index), depth=given)
    return path


def test_what_was_written_is_read(folder: Path) -> None:
    with Sequence(folder) as sequence:
        frames = list(sequence)
    assert [frame.stamp_ns for frame in frames] == STAMPS_NS
    assert frames[0].frame_id == 'optical'
    assert frames[0].camera == CAMERA
    for index in range(3):
        np.testing.assert_array_equal(frames[index].image, picture(index))
    assert sequence.trajectory is not None
    truth = np.stack([pose(index) for index in range(3)])
    np.testing.assert_allclose(sequence.trajectory.world_from_camera, truth, atol=1e-9)
    assert sequence.manifest['licence'] == 'none'
    assert sequence.describe()['depth_maps'] == 1
    assert sequence.describe()['rate_hz'] == pytest.approx(2 / 0.233333332)


def test_depth_is_metric_and_nan_where_there_is_none(folder: Path) -> None:
    sequence = Sequence(folder)
    assert sequence.depth_indices == [1]
    assert sequence.depth(0) is None
    depth = sequence.depth(1)
    assert depth is not None
    assert np.isnan(depth[0, :5]).all()
    np.testing.assert_allclose(depth[1:], 2.125, atol=0.0005)


def test_evo_reads_the_poses(folder: Path) -> None:
    file_interface = pytest.importorskip('evo.tools.file_interface')
    trajectory = file_interface.read_tum_trajectory_file(folder / 'poses.tum')
    np.testing.assert_allclose(trajectory.poses_se3[2], pose(2), atol=1e-9)
    np.testing.assert_allclose(trajectory.timestamps, np.array(STAMPS_NS) / 1e9, atol=1e-6)


def test_the_camera_file_is_what_ros_reads(folder: Path) -> None:
    content = yaml.safe_load((folder / 'camera.yaml').read_text())
    assert (content['image_width'], content['image_height']) == (10, 8)
    assert content['camera_matrix']['data'] == [9.5, 0, 4.5, 0, 9.25, 3.5, 0, 0, 1]
    assert content['distortion_model'] == 'plumb_bob'
    assert content['distortion_coefficients'] == {
        'rows': 1,
        'cols': 5,
        'data': [-0.1, 0.01, 0, 0, 0],
    }
    assert content['projection_matrix']['data'] == [9, 0, 4, 0, 0, 9, 3, 0, 0, 0, 1, 0]


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edit


@pytest.mark.parametrize(
    ('damage', 'sentence'),
    [
        (lambda f: (f / 'camera.yaml').unlink(), 'has no camera.yaml, which a sequence needs'),
        (
            lambda f: (f / 'timestamps.txt').unlink(),
            r'has no timestamps.txt, .* give .*images and the cali',
        ),
        (lambda f: shutil.rmtree(f / 'images'), 'is no sequence: it has no folder images/'),
        (lambda f: (f / 'images/000001.png').unlink(), '3 lines of timestamps.txt .* 2 images'),
        (_edit('timestamps.txt', '1700000000100000002', '5'), r'line 2: 5 comes after 17000'),
        (_edit('timestamps.txt', '1700000000100000002', '1e9'), 'must be whole nanoseconds'),
        (
            _edit('camera.yaml', 'image_width: 10', 'image_width: 20'),
            '10 x 8, its camera is of 20',
        ),
        (_edit('camera.yaml', 'camera_matrix', 'matrix'), "'camera_matrix' is missing"),
        (_edit('camera.yaml', 'image_width', ' :'), 'is not YAML'),
        (_edit('poses.tum', '1700000000.100000002', '1700000000.2'), 'pose 1 is 0.100 s off'),
        (_edit('poses.tum', '0.001', 'far'), "line 1: .* is no pose: .*'far'"),
        (_edit('manifest.yaml', 'depth_unit_m', 'unit'), 'depth_unit_m is None in manifest.yaml'),
        (
            lambda f: (f / 'depth/000001.png').rename(f / 'depth/7.png'),
            r'7.png belongs to no image: there is no images/7\.\*',
        ),
        (
            lambda f: shutil.copy(f / 'images/000001.png', f / 'depth/000001.png'),
            'is no depth: it must be grey with 16 bits, not uint8',
        ),
    ],
)
def test_what_is_wrong_is_told(
    folder: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(folder)
    with pytest.raises(DatasetError, match=sentence):
        _read_all(folder)


def _read_all(folder: Path) -> None:
    sequence = Sequence(folder)
    list(sequence)
    sequence.depth(1)


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def write(frames: list[Frame]) -> None:
        with SequenceWriter(tmp_path / 'new', CAMERA) as writer:
            for given in frames:
                writer.add(given)

    with pytest.raises(DatasetError, match='stamps must increase'):
        write([frame(0), frame(0)])
    with pytest.raises(DatasetError, match='is not written: there was not one frame'):
        write([])
    assert list(tmp_path.iterdir()) == []


def test_frames_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path / 'new', CAMERA) as writer:
        writer.add(frame(1))
        with pytest.raises(DatasetError, match='stamps must increase'):
            writer.add(frame(0))
        with pytest.raises(DatasetError, match='give a pose for every frame or for none'):
            writer.add(frame(2), world_from_camera=pose(2))
        large = np.zeros((16, 10, 3), np.uint8)
        with pytest.raises(DatasetError, match='is 10 x 16, the camera of .* is 10 x 8'):
            writer.add(dataclasses.replace(frame(2), image=large, camera=None))
    assert len(Sequence(tmp_path / 'new')) == 1


def test_a_folder_with_anything_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    drive = SyntheticDrive('room', 0, Camera(64, 48, 40.0, 40.0, 31.5, 23.5), 3)
    write_sequence(tmp_path / 'room', drive)
    write_sequence(tmp_path / 'room', drive, overwrite=True)
    (tmp_path / 'room' / 'labels').mkdir()
    (tmp_path / 'room' / 'labels' / '0.txt').write_text('precious')
    with pytest.raises(DatasetError, match='room holds labels/0.txt, which would be lost'):
        write_sequence(tmp_path / 'room', drive, overwrite=True)
    assert (tmp_path / 'room' / 'labels' / '0.txt').read_text() == 'precious'


def test_a_position_that_cannot_be_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / 'poses.tum').write_text('1 0 0 0 0 0 0 1\n2 7e299 0 0 0 0 0 1\n')
    with pytest.raises(DatasetError, match=r'line 2: .* is no pose: a position of 7e.299'):
        read_tum(tmp_path / 'poses.tum')
