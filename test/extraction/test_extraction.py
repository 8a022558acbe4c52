from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from lsd_ros.datasets.camera_yaml import write_camera
from lsd_ros.datasets.job_processes import run_jobs
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.extraction.extraction import Extracted, extract
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.messages import encode
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion

PNG = ExtractionSettings(image_format='png', min_frames=3, still_by='none')
ZEROS = np.eye(6)
OPTICAL_FROM_BASE = np.array(((0, -1, 0), (0, 0, -1), (1, 0, 0)), float)
BASE_FROM_CAMERA = np.eye(4)
BASE_FROM_CAMERA[:3, :3] = OPTICAL_FROM_BASE.T
BASE_FROM_CAMERA[:3, 3] = (0.5, 0.0, 1.0)


def only(results: list[Extracted]) -> Extracted:
    assert len(results) == 1
    assert not results[0].problem, results[0].problem
    return results[0]


def extracted(bag: Path, given: ExtractionSettings = PNG) -> list[TrainingSequence]:
    """Extract a bag, and read what that gave."""
    out = bag.parent / 'out'
    assert only(extract([bag], out, given)).sequences
    return open_sequences([out])


def manifest(sequence: Path) -> dict[str, Any]:
    content = yaml.safe_load((sequence / 'manifest.yaml').read_text())
    assert isinstance(content, dict)
    return content


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder that is not hidden."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob('*'))
        if file.is_file() and not file.name.startswith('.')
    }


def turned(forward: float, yaw: float) -> NDArray[np.float64]:
    """Return ``odom_from_base`` of a robot that moved and turned."""
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(np.array((0.0, 0.0, yaw)))[0]
    pose[:3, 3] = (forward, 0.0, 0.0)
    return pose


def test_frames_camera_and_reasons_are_kept(every: Any) -> None:
    items = [item for index in (0, 2, 1, 3, 4) for item in (every.image(index), every.info(index))]
    bag = every.write([*items, every.image(4)])
    result = only(extract([bag], bag.parent / 'out', PNG))
    assert result.record['images'] == 6
    assert result.record['kept'] == 5
    assert result.record['dropped'] == {'duplicates': 1}
    assert result.record['complete']
    sequence = open_sequences([bag.parent / 'out'])[0]
    assert sequence.name == f'{bag.stem}_000'
    assert sequence.camera == every.camera
    for index in range(5):
        np.testing.assert_array_equal(sequence.image(index), every.picture(index))
    written = manifest(bag.parent / 'out' / sequence.name)
    assert written['frames'] == 5
    assert written['extraction']['topics']['images'] == '/camera/image_raw'
    assert written['extraction']['settings']['still_by'] == 'none'
    assert 'unknown' in written['licence']


def test_gaps_cut_and_what_is_too_short_is_counted(bags: Any) -> None:
    indices = [0, 1, 2, 3, 20, 21, 40, 41, 42]
    bag = bags.write([bags.info(0), *(bags.image(index) for index in indices)])
    result = only(extract([bag], bag.parent / 'out', PNG))
    assert result.sequences == ['bag_000', 'bag_001']
    assert result.record['dropped'] == {'in_short_sequences': 2}
    assert [len(sequence) for sequence in open_sequences([bag.parent / 'out'])] == [4, 3]


def test_odometry_becomes_poses_of_the_camera_by_the_transforms(bags: Any) -> None:
    types, items = bags.types, [bags.info(0)]
    static = encode.transform(types, 0, 'base_link', 'optical', BASE_FROM_CAMERA)
    items.append((('/tf_static'), encode.transforms(types, [static]), bags.start_ns))
    truth = [turned(0.2 * index, 0.1 * index) for index in range(5)]
    for index, pose in enumerate(truth):
        stamp = bags.start_ns + index * bags.step_ns
        odometry = encode.odometry(
            types, stamp, 'odom', 'base_link', pose, ZEROS, np.zeros(6), ZEROS
        )
        items += [bags.image(index), ('/odom', odometry, stamp)]
    sequence = extracted(bags.write(items))[0]
    assert sequence.poses is not None
    np.testing.assert_allclose(sequence.poses, truth @ BASE_FROM_CAMERA, atol=1e-9)


def test_without_transforms_the_camera_looks_ahead_and_a_note_says_so(bags: Any) -> None:
    items = [bags.info(0)]
    for index in range(4):
        stamp = bags.start_ns + index * bags.step_ns
        pose = turned(0.2 * index, 0)
        odometry = encode.odometry(
            bags.types, stamp, 'odom', 'base_link', pose, ZEROS, np.zeros(6), ZEROS
        )
        items += [bags.image(index), ('/odom', odometry, stamp)]
    bag = bags.write(items)
    result = only(extract([bag], bag.parent / 'out', PNG))
    assert any('no transform connects base_link and optical' in n for n in result.record['notes'])
    poses = open_sequences([bag.parent / 'out'])[0].poses
    assert poses is not None
    motion = np.linalg.inv(poses[0]) @ poses[1]
    np.testing.assert_allclose(motion[:3, 3], (0, 0, 0.2), atol=1e-9)


def test_transforms_alone_become_poses(bags: Any) -> None:
    types, items = bags.types, [bags.info(0)]
    static = encode.transform(types, 0, 'base_link', 'optical', BASE_FROM_CAMERA)
    items.append((('/tf_static'), encode.transforms(types, [static]), bags.start_ns))
    for half in range(9):  # twice as often as the images, and between them
        stamp = bags.start_ns + half * bags.step_ns // 2 + 7
        moved = encode.transform(types, stamp - 7, 'odom', 'base_link', turned(0.1 * half, 0))
        items.append(('/tf', encode.transforms(types, [moved]), stamp))
    items += [bags.image(index) for index in range(5)]
    sequence = extracted(bags.write(items))[0]
    assert sequence.poses is not None
    expected = [turned(0.2 * index, 0) @ BASE_FROM_CAMERA for index in range(5)]
    np.testing.assert_allclose(sequence.poses, expected, atol=1e-9)


def test_poses_are_interpolated_but_not_across_a_gap(bags: Any) -> None:
    items = [bags.info(0), *(bags.image(index) for index in range(12))]
    for tenth in (-5, 5, 15, 25, 35, 85, 95, 105, 115):
        stamp = bags.start_ns + tenth * bags.step_ns // 10
        pose = turned(0.01 * tenth, 0.001 * tenth)
        message = encode.pose_stamped(bags.types, stamp, 'world', pose)
        items.append(('/camera_pose', message, stamp))
    with_poses, without, again = extracted(
        bags.write(items), ExtractionSettings(still_by='none', min_frames=3, max_pose_gap_s=0.2)
    )
    assert without.poses is None
    assert (len(with_poses), len(without), len(again)) == (4, 5, 3)
    assert with_poses.poses is not None
    expected = [turned(0.1 * index, 0.01 * index) for index in range(4)]
    np.testing.assert_allclose(with_poses.poses, expected, atol=2e-5)


def test_registered_depth_comes_along_and_other_depth_does_not(bags: Any) -> None:
    depth = np.arange(32 * 48, dtype=np.float32).reshape(32, 48) / 100
    items = [bags.info(0)]
    for index in range(4):
        stamp = bags.start_ns + index * bags.step_ns
        millimetres = np.rint(depth * 1000).astype(np.uint16) + index
        for topic, frame in (('/aligned', 'optical'), ('/depth/image', 'infrared')):
            header = encode.header(bags.types, stamp, frame)
            message = bags.types.make(
                'sensor_msgs/msg/Image',
                header=header,
                height=32,
                width=48,
                encoding='16UC1',
                is_bigendian=0,
                step=96,
                data=millimetres.reshape(-1).view(np.uint8),
            )
            items.append((topic, message, stamp + 10**6))
        items.append(bags.image(index))
    bag = bags.write(items)
    sequence = extracted(bag)[0]
    found = sequence.depth(2)
    assert found is not None
    expected = np.where(depth == 0, 0.002, np.rint(depth * 1000) / 1000 + 0.002)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    with pytest.raises(DatasetError, match='is seen from infrared, its images from optical'):
        raise_problem(extract([bag], bag.parent / 'named', named_depth('/depth/image')))


def named_depth(topic: str) -> ExtractionSettings:
    return ExtractionSettings(min_frames=3, depth_topic=topic)


def raise_problem(results: list[Extracted]) -> None:
    raise DatasetError(results[0].problem)


def test_a_distorted_camera_is_undistorted_and_made_narrower(bags: Any) -> None:
    lens = Distortion('plumb_bob', (-0.2, 0.05, 0, 0, 0), IDENTITY_ROTATION, (40, 41, 23.5, 15.5))
    camera = Camera(48, 32, 40.0, 41.0, 23.5, 15.5, lens)
    white = np.full((32, 48, 3), 255, np.uint8)
    items = [bags.info(0, camera=camera)]
    for index in range(4):
        stamp = bags.start_ns + index * bags.step_ns
        image = encode.rgb_image(bags.types, white, stamp, 'optical')
        items.append(('/camera/image_raw', image, stamp))
    given = ExtractionSettings(image_format='png', min_frames=3, still_by='none', max_width=24)
    sequence = extracted(bags.write(items), given)[0]
    assert sequence.camera.distortion is None
    assert sequence.camera.width == 24
    assert sequence.image(0).min() == 255


def test_images_of_a_rectified_topic_are_taken_as_they_are(bags: Any) -> None:
    lens = Distortion('plumb_bob', (-0.2, 0.05, 0, 0, 0), IDENTITY_ROTATION, (39, 40, 23, 15))
    camera = Camera(48, 32, 40.0, 41.0, 23.5, 15.5, lens)
    items = [bags.info(0, camera=camera)]
    items += [bags.image(index, topic='/camera/image_rect') for index in range(3)]
    sequence = extracted(bags.write(items))[0]
    assert sequence.camera == Camera(48, 32, 39.0, 40.0, 23.0, 15.0)
    np.testing.assert_array_equal(sequence.image(0), bags.picture(0))


def test_a_bag_that_breaks_off_gives_what_is_readable_and_says_so(databases: Any) -> None:
    folder = databases.write(databases.drive(40))
    file = next(folder.glob('*.db3'))
    os.truncate(file, file.stat().st_size * 6 // 10)
    result = only(extract([folder], folder.parent / 'out', PNG))
    assert not result.record['complete']
    assert any('truncated or damaged' in note for note in result.record['notes'])
    sequence = open_sequences([folder.parent / 'out'])[0]
    assert 10 < len(sequence) < 40
    np.testing.assert_array_equal(sequence.image(5), databases.picture(5))


KILLED = """
import os, signal, sys
from lsd_ros.extraction.extraction import extract
from lsd_ros.extraction.extraction_settings import ExtractionSettings

def die(done, more):
    seen.append(done)
    if sum(seen) == 15:
        os.kill(os.getpid(), signal.SIGKILL)

seen = []
settings = ExtractionSettings(image_format='png', min_frames=3, still_by='none')
extract(sys.argv[2:], sys.argv[1], settings, jobs=1, advance=die)
"""


def test_a_killed_run_is_continued(bags: Any) -> None:
    first, second = (bags.write(bags.drive(10), name=name) for name in ('first', 'second'))
    out = bags.folder / 'out'
    call = [sys.executable, '-c', KILLED, str(out), str(first), str(second)]
    killed = subprocess.run(call, capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [sequence.name for sequence in open_sequences([out])] == ['first_000']
    results = extract([first, second], out, PNG)
    assert [result.skipped for result in results] == [True, False]
    extract([first, second], bags.folder / 'unbroken', PNG)
    assert snapshot(out) == snapshot(bags.folder / 'unbroken')
    assert not list(out.glob('.extracting.*'))


def test_what_is_there_is_only_replaced_when_told_so(bags: Any) -> None:
    bag, out = bags.write(bags.drive(6)), bags.folder / 'out'
    extract([bag], out, PNG)
    before = snapshot(out)
    other = ExtractionSettings(image_format='png', min_frames=3, still_by='none', rate_hz=5)
    with pytest.raises(DatasetError, match=r'holds bag with rate_hz 0\.0 instead of 5\.0'):
        extract([bag], out, other)
    assert snapshot(out) == before
    only(extract([bag], out, other, overwrite=True))
    assert len(open_sequences([out])[0]) == 3
    (out / 'bag.extraction.yaml').unlink()  # as where a run was killed just before the end
    assert not only(extract([bag], out, PNG)).skipped
    assert snapshot(out) == before
    (out / 'bag.extraction.yaml').unlink()
    (out / 'bag_000' / 'manifest.yaml').unlink()
    with pytest.raises(DatasetError, match=r'bag_000 exists already and is not of'):
        extract([bag], out, PNG)


def test_bags_run_in_processes_and_one_that_fails_stops_no_other(bags: Any) -> None:
    good = [bags.write(bags.drive(6), name=name) for name in ('a', 'b')]
    uncalibrated = bags.write([bags.image(index) for index in range(4)], name='c')
    seen = [0, 0]

    def count(done: int, more: int) -> None:
        seen[0] += done
        seen[1] += more

    results = extract(
        [good[0], uncalibrated, good[1]], bags.folder / 'out', PNG, jobs=2, advance=count
    )
    assert [bool(result.problem) for result in results] == [False, True, False]
    assert 'have no calibration' in results[1].problem
    assert seen == [12, 12]
    names = [sequence.name for sequence in open_sequences([bags.folder / 'out'])]
    assert names == ['a_000', 'b_000']


def test_a_process_that_dies_is_told() -> None:
    outcomes = run_jobs(sys.exit, [(), ()], 2, lambda done, more: None)
    assert [outcome.problem for outcome in outcomes] == ['its process died (exit code 1)'] * 2


def test_a_full_disk_leaves_nothing_half_written(bags: Any) -> None:
    bag, out = bags.write(bags.drive(6)), bags.folder / 'out'
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        result = extract([bag], out, PNG)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 'cannot write the image' in result.problem
    assert snapshot(out) == {}
    assert not list(out.glob('.extracting.*'))


def test_what_cannot_be_extracted_is_named(bags: Any) -> None:
    out = bags.folder / 'out'
    with pytest.raises(DatasetError, match='nowhere does not exist'):
        extract([bags.folder / 'nowhere'], out)
    with pytest.raises(DatasetError, match='no bag is given'):
        extract([], out)
    bag = bags.write(bags.drive(6))
    with pytest.raises(DatasetError, match='have the same name: rename one'):
        extract([bag, bag], out)
    wrong = ExtractionSettings(pose_topic='/odom')
    assert 'has no poses on /odom: choose one of none' in extract([bag], out, wrong)[0].problem
    extract([bag], out, PNG)
    again = extract([out / 'bag_000'], bags.folder / 'again', PNG)[0]
    assert 'is a training sequence already' in again.problem


def test_two_runs_do_not_write_into_one_folder(bags: Any) -> None:
    bag, out = bags.write(bags.drive(6)), bags.folder / 'out'
    out.mkdir()
    with (out / '.extraction.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DatasetError, match='out is in use'):
            extract([bag], out, PNG)


def test_a_video_is_extracted_with_a_given_calibration(tmp_path: Path, bags: Any) -> None:
    fourcc = cv2.VideoWriter.fourcc(*'FFV1')
    writer = cv2.VideoWriter(str(tmp_path / 'film.avi'), fourcc, 10.0, (48, 32))
    for index in range(5):
        writer.write(bags.picture(index)[..., ::-1])
    writer.release()
    write_camera(tmp_path / 'phone.yaml', bags.camera)
    given = ExtractionSettings(min_frames=3, calibration=str(tmp_path / 'phone.yaml'))
    sequence = extracted(tmp_path / 'film.avi', given)[0]
    assert (sequence.name, len(sequence)) == ('film_000', 5)
    assert sequence.camera == bags.camera
