"""Calibrations of ROS, OpenCV and kalibr, and sequences with odd files around them."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from lsd_ros.datasets.camera_yaml import read_camera, write_camera
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.errors import CameraError, DatasetError, LsdError
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion, Frame

K = np.array([[500.0, 0, 320], [0, 501, 240], [0, 0, 1]])
CAMERA = Camera(10, 8, 9.0, 9.0, 4.5, 3.5)


def test_a_file_of_opencv_is_read(tmp_path: Path) -> None:
    path = tmp_path / 'camera.yaml'
    file = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    file.write('image_width', 640)
    file.write('image_height', 480)
    file.write('camera_matrix', K)
    file.write('distortion_coefficients', np.array([[0.1, 0.2, 0.0, 0.0, 0.3]]))
    file.release()
    lines = path.read_text().splitlines()
    for first in ('%YAML:1.0', lines[0]):  # up to OpenCV 4, and since
        path.write_text('\n'.join([first, *lines[1:]]))
        camera = read_camera(path)
        assert (camera.width, camera.height, camera.fx, camera.cy) == (640, 480, 500.0, 240.0)
        assert camera.distortion == Distortion(
            'plumb_bob', (0.1, 0.2, 0.0, 0.0, 0.3), IDENTITY_ROTATION, (500.0, 501.0, 320.0, 240.0)
        )


def camchain(**changes: object) -> str:
    camera = {
        'cam_overlaps': [],
        'camera_model': 'pinhole',
        'distortion_coeffs': [0.1, 0.2, 0.3, 0.4],
        'distortion_model': 'radtan',
        'intrinsics': [400.0, 401.0, 320.0, 240.0],
        'resolution': [640, 480],
        **changes,
    }
    return yaml.safe_dump({'cam0': camera})


@pytest.mark.parametrize(
    ('lens', 'model'), [('radtan', 'plumb_bob'), ('equidistant', 'equidistant')]
)
def test_a_camchain_of_one_camera_is_read(tmp_path: Path, lens: str, model: str) -> None:
    path = tmp_path / 'camchain.yaml'
    path.write_text(camchain(distortion_model=lens))
    lens_found = Distortion(
        model, (0.1, 0.2, 0.3, 0.4), IDENTITY_ROTATION, (400.0, 401.0, 320.0, 240.0)
    )
    assert read_camera(path) == Camera(640, 480, 400.0, 401.0, 320.0, 240.0, lens_found)


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        (camchain() + camchain().replace('cam0', 'cam1'), 'cam0, cam1 does not say which camera'),
        (camchain(camera_model='omni'), 'omni with radtan of kalibr is no camera that can be'),
        ('hello: 1', r"'camera_matrix' is missing\): give the file that camera_calibration of"),
        ('image_width: !!int x', 'is not YAML'),
    ],
)
def test_other_files_are_refused_with_what_is_wanted(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / 'camera.yaml'
    path.write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        read_camera(path)


def test_a_rectification_in_a_file_must_be_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / 'camera.yaml'
    # of the left camera of a pair, as camera_calibration rounds it
    turned = (0.999925, 0.008731, -0.008642, -0.00879, 0.999938, -0.006795, 0.008582, 0.00687)
    lens = Distortion(
        'plumb_bob', (0.1, 0.0, 0.0, 0.0, 0.0), (*turned, 0.99994), (40.0, 41.0, 31.0, 23.0)
    )
    camera = Camera(64, 48, 50.0, 52.0, 30.0, 25.0, lens)
    write_camera(path, camera)
    assert read_camera(path) == camera
    content = yaml.safe_load(path.read_text())
    content['rectification_matrix']['data'][8] *= -1
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(CameraError, match=r'yaml: .* R \(.*, -0\.99994\) is no rotation'):
        read_camera(path)


def test_a_calibration_that_finds_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / 'camera.yaml'
    write_camera(path, CAMERA)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(DatasetError, match='cannot write the calibration'):
            write_camera(path, Camera(20, 16, 18.0, 18.0, 9.5, 7.5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_camera(path) == CAMERA
    assert list(tmp_path.iterdir()) == [path]


def test_p_of_a_camera_without_distortion_is_kept(tmp_path: Path) -> None:
    path = tmp_path / 'camera.yaml'
    camera = Camera(64, 48, 50.0, 52.0, 30.0, 25.0, rectified=(40.0, 41.0, 31.0, 23.0))
    write_camera(path, camera)
    assert read_camera(path) == camera
    write_camera(path, camera.without_twin())
    assert read_camera(path) == camera.without_twin()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / 'sequence'
    with SequenceWriter(path, CAMERA, suffix='.png') as writer:
        for index in range(3):
            image = np.full((8, 10, 3), 40 * index, np.uint8)
            frame = Frame(10**18 + index, 'eye', image)
            writer.add(frame, world_from_camera=np.eye(4))
    return path


def lens(text: str) -> tuple[str, str]:
    return 'camera.yaml', f'distortion_coefficients: {text}\ndistortion_model: plumb_bob\n'


@pytest.mark.parametrize(
    ('name', 'text', 'sentence'),
    [
        (*lens('null'), 'distortion_coefficients is None: it must have rows, cols and data'),
        (*lens('[1, 2]'), r'distortion_coefficients is \[1, 2\]: it must have rows'),
        (*lens('{data: [.inf, 0, 0, 0, 1]}'), 'must all be finite'),
        (*lens('{data: [a]}'), "distortion_coefficients has 'a', which is no number"),
        ('poses.tum', '1000000000000000000 0 0 0 0 0 0 1\n', 'are these nanoseconds'),
        ('poses.tum', 'inf 0 0 0 0 0 0 1\n', 'line 1: .* is no pose: .*infinity'),
        ('poses.tum', '1e30 0 0 0 0 0 0 1\n', 'is more than 292 years'),
        ('poses.tum', '1 nan 0 0 0 0 0 1\n', 'not finite'),
        ('poses.tum', '', 'holds no poses'),
        ('timestamps.txt', f'{2**63}\n1\n2\n', 'must be whole nanoseconds of 64 bits'),
        ('timestamps.txt', f'{-(2**63)}\n0\n{2**63 - 1}\n', 'pose 0 is .* s off its image'),
        ('manifest.yaml', 'a: &a [*a]', 'the alias a stands for nothing before it'),
        ('manifest.yaml', '- 1', 'must be a mapping, it holds list'),
        ('manifest.yaml', 'a: !!timestamp b', 'is not YAML'),
    ],
)
def test_odd_files_of_a_sequence_are_one_sentence(
    folder: Path, name: str, text: str, sentence: str
) -> None:
    if name == 'camera.yaml':
        content = yaml.safe_load((folder / name).read_text())
        for entry in ('distortion_coefficients', 'distortion_model'):
            del content[entry]
        text += yaml.safe_dump(content)
    (folder / name).write_text(text)
    with pytest.raises(LsdError, match=sentence):
        Sequence(folder)


def test_a_camera_that_would_take_all_memory_is_refused(folder: Path) -> None:
    text = (folder / 'camera.yaml').read_text()
    (folder / 'camera.yaml').write_text(text.replace('image_width: 10', 'image_width: 100000000'))
    with pytest.raises(CameraError, match='more than 100 megapixels'):
        Sequence(folder)


def test_odd_dates_and_numbers_in_a_manifest_do_no_harm(folder: Path) -> None:
    (folder / 'manifest.yaml').write_text('made: 2024-13-45\nshare: .inf\nlast: 2024-01-02\n')
    told = Sequence(folder).describe()['manifest']
    assert told == {'made': '2024-13-45', 'share': float('inf'), 'last': '2024-01-02'}


def test_a_damaged_image_of_a_sequence_costs_only_itself(folder: Path) -> None:
    (folder / 'images' / '000001.png').write_bytes(b'x')
    sequence = Sequence(folder)
    assert [frame.stamp_ns - 10**18 for frame in sequence] == [0, 2]
    assert sequence.stats.undecodable == 1
    assert '000001.png cannot be decoded' in sequence.damage[0]
    shutil.rmtree(folder / 'images')
    with pytest.raises(DatasetError, match='has no folder images/'):
        Sequence(folder)


@pytest.mark.parametrize(
    ('before', 'after', 'sentence'),
    [
        ('image_width: 64', 'image_width: .nan', 'image_width has nan: its values must all be'),
        ('image_width: 64', 'image_width: 320px', "image_width has '320px', which is no number"),
        ('image_width: 64', 'image_width: true', 'image_width has True: its values must all be'),
        ('image_width: 64', 'image_width: [1]', 'image_width is .1.: it must be a whole number'),
        ('image_width: 64', 'image_width: 64.5', 'image_width is 64.5: it must be a whole number'),
        ('- 50.0', '- true', 'camera_matrix has True: its values must all be'),
        ('- 50.0', '- a', "camera_matrix has 'a', which is no number"),
    ],
)
def test_a_wrong_value_is_named_with_its_field(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    file = tmp_path / 'camera.yaml'
    write_camera(file, Camera(64, 48, 50.0, 50.0, 31.5, 23.5))
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    with pytest.raises(DatasetError, match=sentence):
        read_camera(file)
