from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.main import main
from lsd_ros.messages import encode
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.types import Camera

CAMERA = Camera(240, 160, 140.0, 140.0, 119.5, 79.5)


@pytest.fixture(scope='module')
def hood() -> Any:
    """Return where the robot is, and what it looks like."""
    mask = np.zeros((160, 240), np.uint8)
    corners = np.array([[0, 159], [40, 120], [200, 120], [239, 159]], np.int32)
    cv2.fillPoly(mask, [corners], 1)
    paint = np.random.default_rng(0).integers(40, 160, (16, 24, 3), np.uint8)
    return mask > 0, cv2.resize(paint, (240, 160))


def bag_of(path: Path, images: list[Any]) -> Path:
    rng = np.random.default_rng(1)
    with BagWriter(path) as writer:
        for number, image in enumerate(images):
            stamp = 10**9 + number * 10**8
            noisy = np.clip(image.astype(int) + rng.normal(0, 2, image.shape), 0, 255)
            message = encode.raw_image(writer.types, noisy.astype(np.uint8), stamp, 'camera')
            writer.add('/image', message, stamp)
            writer.add('/camera_info', encode.camera_info(writer.types, CAMERA, stamp, 'c'), stamp)
    return path


@pytest.fixture(scope='module')
def drive(tmp_path_factory: pytest.TempPathFactory, hood: Any) -> Path:
    where, paint = hood
    frames = [s.frame.image for s in SyntheticDrive('street', 0, CAMERA, 60, rate_hz=4.0)]
    images = [np.where(where[..., None], paint, image) for image in frames]
    return bag_of(tmp_path_factory.mktemp('drive') / 'bag', images)


def test_hood_of_a_robot_is_found_and_nothing_else(
    drive: Path, hood: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'mask.png'
    assert main(['mask', str(drive), '--out', str(out)]) == 0
    made = cv2.imread(str(out), cv2.IMREAD_GRAYSCALE) < 128
    where, _ = hood
    assert (made & where).sum() / (made | where).sum() > 0.85
    assert (made | ~where).all()  # nothing of it is left out
    assert cv2.imread(str(tmp_path / 'mask_preview.png')).shape == (160, 240, 3)
    assert f'-p mask.file:={out}' in capsys.readouterr().out
    assert main(['mask', str(drive), '--out', str(out)]) == 1
    assert 'add --overwrite' in capsys.readouterr().err


def test_drive_without_the_robot_in_view_gives_no_mask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [s.frame.image for s in SyntheticDrive('room', 0, CAMERA, 60, rate_hz=4.0)]
    bag = bag_of(tmp_path / 'bag', frames)
    assert main(['mask', str(bag), '--out', str(tmp_path / 'mask.png')]) == 0
    assert 'masked      nothing' in capsys.readouterr().out
    assert not (tmp_path / 'mask.png').exists()


@pytest.mark.parametrize('name', ['mask.jpg', 'mask'])
def test_mask_is_a_png_and_is_called_so(
    name: str, drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['mask', str(drive), '--out', str(tmp_path / name)]) == 1
    assert "the file of a mask ends in '.png'" in capsys.readouterr().err
    assert not list(tmp_path.glob('mask*'))


def test_robot_that_stands_gives_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sample,) = SyntheticDrive('room', 0, CAMERA, 1)
    bag = bag_of(tmp_path / 'bag', [sample.frame.image] * 20)
    assert main(['mask', str(bag), '--out', str(tmp_path / 'mask.png')]) == 1
    assert 'the camera moves in 1 images and 60 are needed' in capsys.readouterr().err
