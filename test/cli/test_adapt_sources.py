"""What ``lsd_ros adapt`` takes for a recording."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.cli.adapt import action
from lsd_ros.cli.main import main
from lsd_ros.datasets.image_file import write_image
from lsd_ros.extraction.extraction import Extracted
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

CAMERA = Camera(64, 48, 40.0, 40.0, 31.5, 23.5)


def test_recordings_of_one_name_are_extracted_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / day / 'drive' for day in ('monday', 'tuesday')]
    for path in paths:
        path.mkdir(parents=True)
        write_image(path / '0.png', np.zeros((48, 64), np.uint8))

    def extract(sources: Sequence[Path], out: Path, given: ExtractionSettings, **_: object):
        write_sequence(out / 'drive_000', SyntheticDrive('room', 0, CAMERA, 2))
        return [Extracted(sources[0], 'drive', {'sequences': [{'name': 'drive_000'}]})]

    monkeypatch.setattr(action, 'extract', extract)
    given = argparse.Namespace(recordings=paths, camera=None)
    found = action.opened(given, tmp_path / 'work', AdaptationSettings())
    assert [sequence.name for sequence in found] == ['drive_000', 'drive_000']
    made = sorted((tmp_path / 'work' / 'extracted').iterdir())
    assert [path.name for path in made] == ['monday_drive', 'tuesday_drive']


def test_a_camera_that_is_not_used_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_sequence(tmp_path / 'drive', SyntheticDrive('room', 0, CAMERA, 2))
    given = argparse.Namespace(recordings=[tmp_path / 'drive'], camera='other.yaml')
    with caplog.at_level(logging.WARNING):
        action.opened(given, tmp_path / 'work', AdaptationSettings())
    assert 'drive has a calibration of its own: --camera is not for it' in caplog.text


def test_images_without_a_calibration_say_which_option_gives_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'drive').mkdir()
    write_image(tmp_path / 'drive' / '0.png', np.zeros((48, 64), np.uint8))
    call = ['adapt', str(tmp_path / 'drive'), '--out', str(tmp_path / 'mine.safetensors')]
    assert main(call) == 1
    said = capsys.readouterr().err
    assert said.count(str(tmp_path / 'drive')) == 1
    assert 'comes without a calibration: give that of its camera with --camera' in said
