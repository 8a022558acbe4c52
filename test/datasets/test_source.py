"""A path is opened as what it is: bag, sequence, folder of images or video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lsd_ros.datasets.image_folder import ImageFolder
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.datasets.source import open_source
from lsd_ros.datasets.video import VideoReader
from lsd_ros.errors import DatasetError
from lsd_ros.types import Camera, Frame
from lsd_ros.types.frame_source import FrameStats

CAMERA = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Write ten frames, each brighter and less blue than the one before, at 12.5 Hz."""
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 12.5, (64, 48))
    for index in range(10):
        writer.write(np.full((48, 64, 3), (200 - 20 * index, 100, 20 * index), np.uint8))
    writer.release()
    return path


def images(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((48, 64, 3), (0, 0, index), np.uint8))
    return folder


def test_each_kind_is_recognised(tmp_path: Path, video: Path, every: Any) -> None:
    with SequenceWriter(tmp_path / 'sequence', CAMERA) as writer:
        writer.add(Frame(5, 'optical', np.zeros((48, 64, 3), np.uint8)))
    paths = {
        'bag': every.write(every.drive(2)),
        'sequence': tmp_path / 'sequence',
        'images': images(tmp_path / 'pictures', ['a.png']),
        'video': video,
    }
    for kind, path in paths.items():
        with open_source(path) as source:
            frames = list(source)
            assert source.kind == kind
            assert source.name == path.stem
            assert source.frame_count == len(frames) == source.stats.frames
            assert json.loads(json.dumps(source.describe()))['kind'] == kind


def test_a_given_camera_reaches_every_frame(tmp_path: Path, video: Path, bags: Any) -> None:
    folder = images(tmp_path / 'pictures', ['a.png'])
    other = Camera(48, 32, 1.0, 1.0, 1.0, 1.0)
    for path, camera in ((video, CAMERA), (folder, CAMERA), (bags.write(bags.drive(1)), other)):
        with open_source(path, camera=camera) as source:
            assert {frame.camera for frame in source} == {camera}


def test_a_camera_of_another_size_is_told(tmp_path: Path, video: Path) -> None:
    camera = Camera(640, 480, 1.0, 1.0, 1.0, 1.0)
    for path in (video, images(tmp_path / 'pictures', ['a.png'])):
        with (
            open_source(path, camera=camera) as source,
            pytest.raises(DatasetError, match='640 x 480 does not fit an image of 64 x 48'),
        ):
            list(source)


def test_paths_without_frames_are_told(tmp_path: Path, video: Path) -> None:
    (tmp_path / 'notes.txt').write_text('hello')
    (tmp_path / 'bad.mp4').write_text('hello')
    (tmp_path / 'empty').mkdir()
    single = images(tmp_path / 'pictures', ['a.png']) / 'a.png'
    for path, sentence in {
        tmp_path / 'missing': 'does not exist: give a bag, sequence, folder or video',
        tmp_path / 'notes.txt': r'notes.txt holds no frames: give a bag \(.mcap, .db3, .bag\)',
        tmp_path / 'empty': r'empty holds no frames: give a bag \(metadata.yaml',
        tmp_path / 'bad.mp4': 'bad.mp4 is no video that OpenCV can decode',
        single: 'is a single image: give the folder that holds it',
    }.items():
        with pytest.raises(DatasetError, match=sentence):
            open_source(path)
    with pytest.raises(DatasetError, match="is no bag: it has no topic '/image'"):
        open_source(video, image_topic='/image')


def test_video_frames_are_rgb_and_stamped_by_the_rate(video: Path) -> None:
    with VideoReader(video) as reader:
        frames = list(reader)
    assert [frame.stamp_ns for frame in frames] == [index * 80_000_000 for index in range(10)]
    for index, frame in enumerate(frames):
        expected = (20 * index, 100, 200 - 20 * index)
        np.testing.assert_allclose(frame.image.mean(axis=(0, 1)), expected, atol=4)


def test_a_damaged_video_is_told_on_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'cut.avi').write_bytes(b'RIFF')
    with pytest.raises(DatasetError, match='is no video that OpenCV can decode'):
        VideoReader(tmp_path / 'cut.avi')
    assert capfd.readouterr().err == ''


def test_images_are_taken_by_number_at_the_nominal_rate(tmp_path: Path) -> None:
    folder = images(tmp_path / 'pictures', ['im1.png', 'im2.png', 'im10.png'])
    frames = list(ImageFolder(folder, rate_hz=20))
    assert [frame.image[0, 0, 0] for frame in frames] == [0, 1, 2]
    assert [frame.stamp_ns for frame in frames] == [0, 50_000_000, 100_000_000]


@pytest.mark.parametrize(
    ('names', 'stamps_ns'),
    [
        (
            ['1700000000.250000001.png', '1700000000.5.png'],
            [1_700_000_000_250_000_001, 1_700_000_000_500_000_000],
        ),
        (
            ['1700000000000000007.png', '1700000000000000009.jpg'],
            [1_700_000_000_000_000_007, 1_700_000_000_000_000_009],
        ),
        (['1700000000.25.png', 'other.png'], [0, 100_000_000]),
    ],
)
def test_names_that_are_times_are_the_stamps(
    tmp_path: Path, names: list[str], stamps_ns: list[int]
) -> None:
    frames = list(ImageFolder(images(tmp_path / 'pictures', names)))
    assert [frame.stamp_ns for frame in frames] == stamps_ns


def test_an_image_that_cannot_be_decoded_is_named_and_costs_only_itself(tmp_path: Path) -> None:
    folder = images(tmp_path / 'pictures', ['a.png', 'b.png', 'c.png'])
    (folder / 'b.png').write_bytes(b'')
    source = ImageFolder(folder)
    assert [frame.stamp_ns for frame in source] == [0, 200_000_000]
    assert source.stats == FrameStats(frames=2, undecodable=1)
    assert len(source.damage) == 1
    assert 'b.png cannot be decoded' in source.damage[0]
    (folder / 'a.png').write_bytes(b'')
    assert source.describe()['frames'] == 3
    for name in ('a.png', 'c.png'):
        (folder / name).write_bytes(b'')
    with pytest.raises(DatasetError, match=r'no image can be read: .*c\.png cannot be decoded'):
        list(source)
