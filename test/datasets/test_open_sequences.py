from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.datasets.camera_yaml import write_camera
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.datasets.training_sequence import TrainingSequence, world_from_camera
from lsd_ros.errors import DatasetError
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion, Frame

CAMERA = Camera(48, 32, 40.0, 41.0, 23.5, 15.5)
OPTICAL_FROM_VELO = '0 -1 0 0 0 -1 1 0 0'
METRES_PER_DEGREE = 111319.49  # of the equator, WGS 84
DRIVE = '2011_09_26_drive_0001_sync'


def picture(index: int, width: int = 48, height: int = 32) -> NDArray[np.uint8]:
    smooth = np.random.default_rng(index).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)


def save(path: Path, image: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


def write_own(path: Path, count: int = 4, camera: Camera = CAMERA) -> Path:
    with SequenceWriter(path, camera, suffix='.png') as writer:
        for index in range(count):
            image = picture(index, camera.width, camera.height)
            writer.add(Frame(index * 10**8, 'optical', image))
    return path


def write_raw(root: Path, frames: int = 3) -> Path:
    """Write a drive due north on the equator, 1e-5 degrees per frame, with camera 2 and 3."""
    date = root / '2011_09_26'
    drive = date / DRIVE
    for camera in ('02', '03'):
        folder = drive / f'image_{camera}'
        for index in range(frames):
            save(folder / 'data' / f'{index:010d}.png', picture(index))
        times = [f'2011-09-26 13:02:25.{index}64360375\n' for index in range(frames)]
        (folder / 'timestamps.txt').write_text(''.join(times))
    (drive / 'oxts' / 'data').mkdir(parents=True)
    for index in range(frames):
        packet = f'{index * 1e-5} 8.0 100.0 0 0 {np.pi / 2} ' + '0 ' * 24
        (drive / 'oxts' / 'data' / f'{index:010d}.txt').write_text(packet)
    (date / 'calib_cam_to_cam.txt').write_text(
        'calib_time: 09-Jan-2012 13:57:47\n'
        f'R_rect_00: {" ".join(map(str, IDENTITY_ROTATION))}\n'
        'P_rect_02: 40 0 23.5 2.0 0 41 15.5 0 0 0 1 0\n'
        'P_rect_03: 40 0 23.5 -18.0 0 41 15.5 0 0 0 1 0\n'
    )
    (date / 'calib_imu_to_velo.txt').write_text('R: 1 0 0 0 1 0 0 0 1\nT: 0 0 0\n')
    (date / 'calib_velo_to_cam.txt').write_text(f'R: {OPTICAL_FROM_VELO}\nT: 0 0 0\n')
    return root


def write_odometry(root: Path) -> Path:
    folder = root / 'sequences' / '09'
    for index in range(3):
        save(folder / 'image_2' / f'{index:06d}.png', picture(index))
    (folder / 'calib.txt').write_text(
        'P0: 40 0 23.5 0 0 41 15.5 0 0 0 1 0\nP2: 40 0 23.5 2.0 0 41 15.5 0 0 0 1 0\n'
    )
    (folder / 'times.txt').write_text('0.000000e+00\n1.037875e-01\n2.075030e-01\n')
    (root / 'poses').mkdir()
    rows = [f'1 0 0 0 0 1 0 0 0 0 1 {index}\n' for index in range(3)]
    (root / 'poses' / '09.txt').write_text(''.join(rows))
    return root


def write_tum(root: Path) -> Path:
    root.mkdir()
    listed = {'rgb': '', 'depth': ''}
    for index in range(3):
        save(root / 'rgb' / f'{index}.png', picture(index, 640, 480))
        save(root / 'depth' / f'{index}.png', np.full((480, 640), 5000 * (index + 1), np.uint16))
        listed['rgb'] += f'1305031102.{index}75304 rgb/{index}.png\n'
        listed['depth'] += f'1305031102.{index}60407 depth/{index}.png\n'
    listed['depth'] = listed['depth'].replace('.260407', '.230407')  # 45 ms off
    for name, lines in listed.items():
        (root / f'{name}.txt').write_text(f'# {name}\n# stamp file\n{lines}')
    poses = [f'1305031102.{tenth}500 {tenth} 0 0 0 0 0 1\n' for tenth in range(3)]
    (root / 'groundtruth.txt').write_text('# ground truth\n' + ''.join(poses))
    return root


def only(sequences: list[TrainingSequence]) -> TrainingSequence:
    assert len(sequences) == 1
    return sequences[0]


def test_a_folder_of_folders_gives_every_kind_of_sequence_in_it(tmp_path: Path) -> None:
    write_own(tmp_path / 'own')
    write_raw(tmp_path / 'raw')
    write_odometry(tmp_path / 'odometry')
    write_tum(tmp_path / 'desk')
    write_own(tmp_path / '.own.unfinished')
    names = [sequence.name for sequence in open_sequences([tmp_path])]
    assert names == ['desk', 'kitti_09_2', 'own', f'{DRIVE}_02', f'{DRIVE}_03']


def test_kitti_raw_has_its_images_stamps_and_baseline(tmp_path: Path) -> None:
    left, right = open_sequences([write_raw(tmp_path)])
    assert left.camera == CAMERA
    np.testing.assert_array_equal(left.image(1), picture(1))
    assert left.stamps_ns[0] == 1317042145_064360375
    assert np.diff(left.stamps_ns).tolist() == [10**8, 10**8]
    assert left.poses is not None
    assert right.poses is not None
    right_from_left = np.linalg.inv(right.poses[0]) @ left.poses[0]
    np.testing.assert_allclose(right_from_left[:3, 3], (-0.5, 0, 0), atol=1e-9)


def test_oxts_become_poses_of_the_camera_in_metres(tmp_path: Path) -> None:
    sequence = open_sequences([write_raw(tmp_path)])[0]
    first, second = (world_from_camera(sequence, index) for index in (0, 1))
    assert first is not None
    assert second is not None
    motion = np.linalg.inv(first) @ second
    np.testing.assert_allclose(motion[:3, 3], (0, 0, 1e-5 * METRES_PER_DEGREE), atol=1e-4)
    north, down = first[:3, 2], first[:3, 1]
    np.testing.assert_allclose(north, (0, 1, 0), atol=1e-9)
    np.testing.assert_allclose(down, (0, 0, -1), atol=1e-9)


def test_a_split_chooses_the_targets(tmp_path: Path) -> None:
    write_raw(tmp_path / 'raw')
    split = tmp_path / 'train_files.txt'
    split.write_text(f'2011_09_26/{DRIVE} 0000000001 r\n2011_09_26/{DRIVE} 2 r\n')
    sequence = only(open_sequences([tmp_path / 'raw'], split=split))
    assert sequence.name.endswith('_03')
    assert sequence.targets == (1, 2)
    assert len(sequence) == 3  # neighbours stay there


@pytest.mark.parametrize(
    ('line', 'sentence'),
    [
        (f'2011_09_26/{DRIVE} 7 l', 'has no frame 7, which the split chooses'),
        ('2011_09_28/2011_09_28_drive_0001_sync 7 l', 'has no camera 2 of 2011_09_28_drive_0001'),
        (f'{DRIVE} seven l', 'line 1: .* must be: drive frame l|r'),
        ('', 'is empty: it chooses no frame'),
    ],
)
def test_a_split_that_does_not_fit_is_refused(tmp_path: Path, line: str, sentence: str) -> None:
    write_raw(tmp_path / 'raw')
    (tmp_path / 'split.txt').write_text(line)
    with pytest.raises(DatasetError, match=sentence):
        open_sequences([tmp_path / 'raw'], split=tmp_path / 'split.txt')


def test_kitti_odometry_gives_the_poses_of_the_camera_that_is_read(tmp_path: Path) -> None:
    sequence = only(open_sequences([write_odometry(tmp_path)]))
    assert sequence.camera == CAMERA
    assert sequence.stamps_ns.tolist() == [0, 103787500, 207503000]
    pose = world_from_camera(sequence, 2)
    assert pose is not None
    np.testing.assert_allclose(pose[:3, 3], (-0.05, 0, 2), atol=1e-9)
    np.testing.assert_array_equal(sequence.image(2), picture(2))


def test_tum_associates_depth_and_interpolates_poses(tmp_path: Path) -> None:
    sequence = only(open_sequences([write_tum(tmp_path / 'rgbd_dataset_freiburg1_xyz')]))
    assert sequence.camera == Camera(640, 480, 525.0, 525.0, 319.5, 239.5)
    depth = sequence.depth(1)
    assert depth is not None
    assert np.all(depth == np.float32(2.0))
    assert sequence.depth(2) is None  # nothing within 20 ms
    poses = [world_from_camera(sequence, index) for index in range(3)]
    assert poses[0] is not None
    assert poses[0][0, 3] == pytest.approx(0.25304)
    assert poses[2] is None  # after the last measured one


def test_a_video_is_read_with_the_calibration_beside_it(tmp_path: Path) -> None:
    fourcc = cv2.VideoWriter.fourcc(*'FFV1')
    writer = cv2.VideoWriter(str(tmp_path / 'film.avi'), fourcc, 10.0, (48, 32))
    for index in range(5):
        writer.write(picture(index)[..., ::-1])
    writer.release()
    with pytest.raises(DatasetError, match=r'film\.avi has no calibration: .*film\.yaml'):
        open_sequences([tmp_path / 'film.avi'])
    write_camera(tmp_path / 'film.yaml', CAMERA)
    sequence = only(open_sequences([tmp_path]))
    assert sequence.camera == CAMERA
    assert np.diff(sequence.stamps_ns).tolist() == [10**8] * 4
    for index in (3, 1, 2, 4, 0):
        difference = np.abs(sequence.image(index).astype(int) - picture(index))
        assert difference.mean() < 2, index


def test_a_distorted_sequence_is_undistorted_without_a_black_border(tmp_path: Path) -> None:
    lens = Distortion('plumb_bob', (-0.3, 0.1, 0, 0, 0), IDENTITY_ROTATION, (40, 41, 23.5, 15.5))
    camera = Camera(48, 32, 40.0, 41.0, 23.5, 15.5, lens)
    with SequenceWriter(tmp_path / 'bent', camera, suffix='.png') as writer:
        writer.add(Frame(0, 'optical', np.full((32, 48, 3), 200, np.uint8)))
    sequence = only(open_sequences([tmp_path / 'bent']))
    assert sequence.camera.distortion is None
    image = sequence.image(0)
    assert image.shape[:2] == (sequence.camera.height, sequence.camera.width)
    assert image.min() == 200


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='nowhere does not exist: give a sequence'):
        open_sequences([tmp_path / 'nowhere'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match='empty holds no sequence: give a sequence'):
        open_sequences([tmp_path / 'empty'])
    (tmp_path / 'drive.mcap').touch()
    with pytest.raises(DatasetError, match='bags become sequences with lsd_ros extract'):
        open_sequences([tmp_path / 'drive.mcap'])
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'metadata.yaml').touch()
    with pytest.raises(DatasetError, match='bag holds no .* bags become sequences with lsd_ros'):
        open_sequences([tmp_path / 'bag'])
    with pytest.raises(DatasetError, match='no data are given'):
        open_sequences([])


def test_a_damaged_image_and_one_of_another_size_are_named(tmp_path: Path) -> None:
    sequence = only(open_sequences([write_odometry(tmp_path)]))
    folder = tmp_path / 'sequences' / '09' / 'image_2'
    (folder / '000001.png').write_bytes(b'no image')
    with pytest.raises(DatasetError, match=r'000001\.png cannot be decoded'):
        sequence.image(1)
    save(folder / '000002.png', picture(2, 64, 32))
    with pytest.raises(DatasetError, match=r'000002\.png is 64 x 32, its camera is of 48 x 32'):
        sequence.image(2)


def test_poses_that_do_not_match_are_refused(tmp_path: Path) -> None:
    root = write_odometry(tmp_path / 'odometry')
    (root / 'poses' / '09.txt').write_text('1 0 0 0 0 1 0 0 0 0 1 0\n')
    with pytest.raises(DatasetError, match='has 1 poses: image 2 has none'):
        open_sequences([root])
    desk = write_tum(tmp_path / 'desk')
    (desk / 'groundtruth.txt').write_text('1.0 0 0 0 0 0 0 1\n2.0 0 0 0 0 0 0 1\n')
    with pytest.raises(DatasetError, match=r'groundtruth\.txt matches no image'):
        open_sequences([desk])
