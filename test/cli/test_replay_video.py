"""The video of a replay appears whole, or a sentence says why it does not."""

from __future__ import annotations

import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lsd_ros.cli.replay import video
from lsd_ros.datasets.video import VideoReader
from lsd_ros.errors import DatasetError


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Something in the place of an estimate, whose picture cannot be compressed."""
    rng = np.random.default_rng(0)
    size = (240, 320, 3)
    monkeypatch.setattr(video, 'video_frame', lambda *_: rng.integers(0, 256, size, np.uint8))
    return SimpleNamespace(stamp_ns=0)


@pytest.mark.parametrize('name', ['film.mp4', '10:30.mp4', 'straße 1.mp4'])
def test_every_picture_is_in_the_file(name: str, noise: Any, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with video.replay_video(Path(name)) as film:
        for _ in range(5):
            film.add(noise, None)
    assert VideoReader(tmp_path / name).frame_count == 5


def test_a_full_disk_leaves_no_half_of_a_video(
    noise: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def write() -> None:
        with video.replay_video(tmp_path / 'film.mp4') as film:
            for _ in range(9):
                film.add(noise, None)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(DatasetError, match=r'cannot write .*/film\.mp4: 0 of 9 images are'):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())
    # FFmpeg asks once in a process how loud it may be, which another test may have been before
    assert '[ WARN' not in capfd.readouterr().err
