"""Videos as phones and cameras write them: any name, any rate, turned or not."""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.datasets.image_folder import ImageFolder
from lsd_ros.datasets.video import VideoReader
from lsd_ros.datasets.video_sequence import VideoSequence
from lsd_ros.errors import DatasetError
from lsd_ros.extraction.extraction import extract
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.types import Camera

CAMERA = Camera(64, 48, 60.0, 60.0, 31.5, 23.5)
VARIABLE_MS = [0, 33, 66, 100, 300, 500, 520, 900, 933, 1000]


def picture(index: int) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def matroska(path: Path, times_ms: Sequence[int]) -> Path:
    """Write JPEG images with stamps of their own, which OpenCV's writer cannot."""

    def element(key: str, data: bytes) -> bytes:
        return bytes.fromhex(key) + struct.pack('>Q', len(data) | 1 << 56) + data

    def number(value: int) -> bytes:
        return value.to_bytes(max(1, (value.bit_length() + 7) // 8), 'big')

    head = element('4282', b'matroska') + element('4287', number(4)) + element('4285', number(2))
    lasts = struct.pack('>d', times_ms[-1] + 33.0)
    info = element('2AD7B1', number(1_000_000)) + element('4489', lasts)
    size = element('B0', number(64)) + element('BA', number(48))
    entry = element('D7', number(1)) + element('73C5', number(1)) + element('83', number(1))
    entry += element('86', b'V_MJPEG') + element('E0', size)
    clusters = b''
    for index, time_ms in enumerate(times_ms):
        image = cv2.imencode('.jpg', picture(index))[1].tobytes()
        block = b'\x81' + struct.pack('>hB', 0, 0x80) + image
        clusters += element('1F43B675', element('E7', number(time_ms)) + element('A3', block))
    segment = element('1549A966', info) + element('1654AE6B', element('AE', entry)) + clusters
    path.write_bytes(element('1A45DFA3', head) + element('18538067', segment))
    return path


def mp4(path: Path, count: int = 8) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 30.0, (64, 48))
    for index in range(count):
        writer.write(picture(index))
    writer.release()
    return path


def turn(path: Path) -> None:
    """Let a video be turned by a quarter before it is shown, as phones do."""
    data = path.read_bytes()
    place = data.index(b'tkhd') + 4 + 40
    matrix = struct.pack('>9i', 0, 0x10000, 0, -0x10000, 0, 0, 48 << 16, 0, 0x40000000)
    path.write_bytes(data[:place] + matrix + data[place + 36 :])


@pytest.mark.parametrize('name', ['2024-01-01-10:30.mp4', 'rtsp:film.mp4', 'a%03d #?.mp4'])
def test_a_video_may_have_any_name(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mp4(tmp_path / 'film.mp4').rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(VideoReader(name))) == 8


def test_a_variable_rate_gives_the_stamps_of_the_file(tmp_path: Path) -> None:
    path = matroska(tmp_path / 'film.mkv', VARIABLE_MS)
    video = VideoReader(path, CAMERA)
    assert [frame.stamp_ns // 1_000_000 for frame in video] == VARIABLE_MS
    assert (video.stats.frames, video.stats.undecodable, video.damage) == (10, 0, [])
    sequence = VideoSequence(path, CAMERA)
    assert (sequence.stamps_ns // 1_000_000).tolist() == VARIABLE_MS
    np.testing.assert_array_equal(sequence.image(7), [f.image for f in video][7])


def test_a_steady_rate_gives_steady_stamps(tmp_path: Path) -> None:
    """Stamps of Matroska are rounded to milliseconds, which is no change of the rate."""
    path = matroska(tmp_path / 'film.mkv', [round(index * 100 / 3) for index in range(12)])
    stamps = [frame.stamp_ns for frame in VideoReader(path)]
    assert stamps == [round(index * 1e9 / 30) for index in range(12)]
    assert VideoSequence(path, CAMERA).stamps_ns.tolist() == stamps


def test_a_rate_that_changes_late_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    times = [round(index * 100 / 3) for index in range(120)]
    path = matroska(tmp_path / 'film.mkv', times + [times[-1] + 500 * n for n in range(1, 4)])
    sequence = VideoSequence(path, CAMERA)
    with caplog.at_level(logging.WARNING):
        sequence.image(122)
    assert 'keeps its rate at the start only' in caplog.text


def test_a_video_that_is_to_be_turned_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = mp4(tmp_path / 'film.mp4')
    turn(path)
    video = VideoReader(path, CAMERA)
    assert video.describe()['turned_deg'] in (90, 270)
    assert (video.width, video.height) == (64, 48)
    with pytest.raises(DatasetError, match=r'stored turned by \d+ degrees: .*ffmpeg -i film.mp4'):
        list(video)
    with pytest.raises(DatasetError, match='stored turned by'):
        VideoSequence(path, CAMERA)


def test_an_image_that_is_to_be_turned_is_refused_by_the_same_rule(tmp_path: Path) -> None:
    entry = struct.pack('<HHIHH', 0x0112, 3, 1, 6, 0)
    exif = b'Exif\0\0II*\0' + struct.pack('<IH', 8, 1) + entry + bytes(4)
    for index in range(2):
        data = cv2.imencode('.jpg', picture(index))[1].tobytes()
        marked = data[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + data[2:]
        (tmp_path / f'{index}.jpg').write_bytes(marked)
    with pytest.raises(DatasetError, match=r'stored turned \(EXIF orientation 6\): .*mogrify'):
        list(ImageFolder(tmp_path, CAMERA))


@pytest.mark.parametrize('name', ['1²1', '٣', '9' * 5000, '1_000', '--help', '%s'])
def test_images_may_have_any_name(tmp_path: Path, name: str) -> None:
    if len(name) < 200:
        cv2.imwrite(str(tmp_path / 'x.png'), picture(0))
        (tmp_path / 'x.png').rename(tmp_path / f'{name}.png')
    cv2.imwrite(str(tmp_path / '7.png'), picture(1))
    assert len(list(ImageFolder(tmp_path))) == 1 + (len(name) < 200)


def test_without_calibration_the_reason_is_told_at_once(tmp_path: Path) -> None:
    path = mp4(tmp_path / 'film.mp4')
    (result,) = extract([path], tmp_path / 'out', ExtractionSettings())
    assert 'it comes without a calibration: give that of its camera' in result.problem


@pytest.mark.parametrize('damage', [0.3, 0.6, 0.9])
def test_a_video_that_is_cut_off_is_read_or_told(tmp_path: Path, damage: float) -> None:
    path = matroska(tmp_path / 'film.mkv', VARIABLE_MS)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * damage)])
    video: Any = VideoReader(path)
    frames = list(video)
    assert 2 <= len(frames) < 10
    if damage < 0.7:
        assert 'breaks off after' in video.damage[0]
