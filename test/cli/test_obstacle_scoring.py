"""Scans of estimated depth beside true ones: values by judges whose depth is known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.cli.evaluate.obstacle_scoring import (
    ObstacleJudge,
    obstacle_tables,
    score_obstacles,
)
from lsd_ros.cli.evaluate.scoring import LabelledImage, Protocol
from lsd_ros.cli.main import main
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera, Estimate, Scale

CAMERA = Camera(160, 120, 130.0, 130.0, 79.5, 59.5)
ROOM = {'scan.max_range_m': 5.0}


@pytest.fixture(scope='module')
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('data') / 'room'
    write_sequence(path, SyntheticDrive('room', 3, CAMERA, 6))
    return path


@dataclass
class Knowing:
    """Knows the truth, and changes it."""

    sequence: FolderSequence
    factor: float = 1.0
    flat: bool = False

    def process(self, frame, **_: object) -> Estimate:
        index = self.sequence.stamps_ns.tolist().index(frame.stamp_ns)
        depth = self.sequence.depth(index) * np.float32(self.factor)
        if self.flat:
            depth = np.full_like(depth, 30.0)
        scale = Scale(1.0, True, 'checkpoint')
        return Estimate(
            frame.stamp_ns, 'camera', scale, camera=frame.camera, depth=depth, image=frame.image
        )


def scores(room: Path, **changes: object) -> dict:
    sequence = FolderSequence(room)
    wanted = settings.build(EngineSettings, ROOM)
    judge = Knowing(sequence, **changes)
    return score_obstacles(judge, sequence, Protocol(), wanted)


def test_the_truth_misses_nothing_and_sees_nothing_that_is_not_there(room: Path) -> None:
    found = scores(room)
    obstacles = found['obstacles']
    assert obstacles['obstacles'] > 100
    assert (obstacles['missed'], obstacles['false'], obstacles['unknown']) == (0, 0, 0)
    assert obstacles['median_error'] == pytest.approx(0, abs=1e-6)
    assert found['boundaries']['accuracy'] == pytest.approx(0, abs=1e-6)


def test_depth_of_another_scale_is_right_once_scaled_and_wrong_as_it_is(room: Path) -> None:
    far, near = (scores(room, factor=factor)['obstacles'] for factor in (1.6, 0.6))
    for found in (far, near):
        assert found['missed'] < 0.02
        assert found['false'] < 0.02
    assert far['unscaled']['missed'] > 0.8
    assert near['unscaled']['false'] > 0.3


def test_depth_without_things_misses_all_as_it_is(room: Path) -> None:
    unscaled = scores(room, flat=True)['obstacles']['unscaled']
    assert unscaled['missed'] + unscaled['unknown'] == 1


def test_the_mount_is_found_in_the_true_depth(room: Path) -> None:
    sequence = FolderSequence(room)
    judge = ObstacleJudge(settings.build(EngineSettings, ROOM))
    depth = sequence.depth(0)
    mount = judge._found(sequence, LabelledImage(0, sequence.image(0), depth))
    assert mount is not None
    v, u = np.mgrid[100:119:6, 20:140:20]
    z = depth[v, u]
    points = np.stack(((u - CAMERA.cx) / CAMERA.fx * z, (v - CAMERA.cy) / CAMERA.fy * z, z), -1)
    heights = (points @ mount[:3, :3].T + mount[:3, 3])[..., 2]
    assert np.median(np.abs(heights)) < 0.02, 'what is low in the image is floor'


def test_an_image_without_ground_is_counted_and_not_judged(room: Path) -> None:
    sequence = FolderSequence(room)
    wall = np.full((CAMERA.height, CAMERA.width), 2.0, np.float32)
    judge = ObstacleJudge(settings.build(EngineSettings, ROOM))
    assert judge.compare(sequence, LabelledImage(0, sequence.image(0), wall), wall, 1.0) is None


def test_the_verb_writes_both_tables_json_and_pictures(room: Path, tmp_path: Path, capsys) -> None:
    out, pictures = tmp_path / 'errors.json', tmp_path / 'pictures'
    given = ['--data', str(room), '--json', str(out), '--pictures', str(pictures), '--obstacles']
    assert main(['evaluate', *given, '--set', 'scan.max_range_m=5']) == 0
    printed = capsys.readouterr().out
    assert 'missed %' in printed
    assert 'completeness' in printed
    found = json.loads(out.read_text())['room']
    assert found['obstacles']['limit_m'] == 5.0
    assert len(found['obstacles']['by_distance']) == 4
    names = {path.name for path in pictures.iterdir()}
    assert {'room_sheet.png', 'room_000000_scan.png'} <= names
    green = cv2.imread(str(pictures / 'room_000000_scan.png'))
    assert ((green[..., 1] > 150) & (green[..., 2] < 100)).sum() > 20


def test_nothing_judged_gives_no_table() -> None:
    assert not list(obstacle_tables({'room': {'abs_rel': 0.1}}))
