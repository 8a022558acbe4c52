"""``lsd_ros synthesize``: streets always, rooms where Blender is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsd_ros.cli.main import main
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.errors import DatasetError
from lsd_ros.rendering.imaging import flow_between
from lsd_ros.rendering.rooms import RoomsSettings, missing_rooms, render_rooms

HAS_BLENDER = importlib.util.find_spec('bpy') is not None
SMALL = ['--frames', '2', '--width', '96', '--height', '64']


def test_streets_are_drawn_once_and_the_same_seed_is_the_same_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ['synthesize', '--world', 'streets', '--count', '2', *SMALL, '--out', str(tmp_path)]
    assert main([*call, '--jobs', '2']) == 0
    assert capsys.readouterr().out == f'2 new sequences in {tmp_path}\n'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['road_00001', 'street_00000']
    sequence = Sequence(tmp_path / 'street_00000')
    assert len(sequence) == 2
    assert len(sequence.depth_indices) == 2
    assert main([*call[:-1], str(tmp_path / 'again'), '--count', '1']) == 0
    first = (tmp_path / 'street_00000' / 'images' / '000000.jpg').read_bytes()
    again = (tmp_path / 'again' / 'street_00000' / 'images' / '000000.jpg').read_bytes()
    assert first == again
    capsys.readouterr()
    assert main(call) == 0
    assert capsys.readouterr().out == f'0 new sequences in {tmp_path}\n'


@pytest.mark.parametrize(
    ('python', 'said'),
    [
        ('/no/such/python', '/no/such/python cannot be run as a Python interpreter'),
        pytest.param(
            sys.executable,
            'has no bpy: install lsd_ros[rooms]',
            marks=pytest.mark.skipif(HAS_BLENDER, reason='Blender is installed'),
        ),
        ('/bin/false', 'has no bpy'),
    ],
)
def test_a_missing_blender_is_said_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], python: str, said: str
) -> None:
    out = tmp_path / 'out'
    call = ['synthesize', '--world', 'rooms', '--out', str(out), '--blender-python', python]
    assert main(call) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count('\n') == 1
    assert not out.exists()


def test_what_a_killed_run_left_half_written_is_no_room(tmp_path: Path) -> None:
    (tmp_path / 'office_00003_a').mkdir()
    (tmp_path / '.kitchen_00004_a.unfinished').mkdir()
    assert missing_rooms(tmp_path, RoomsSettings(first_seed=3, rooms=2)) == [4]


def test_numbers_out_of_range_are_named() -> None:
    with pytest.raises(DatasetError, match='clips is 40: it must be from 1 to 26'):
        RoomsSettings(clips=40)


@pytest.mark.skipif(not HAS_BLENDER, reason='rendering needs bpy (lsd_ros[rooms])')
def test_rooms_have_exact_depth_and_poses(tmp_path: Path) -> None:
    made = render_rooms(
        tmp_path, RoomsSettings(first_seed=3, rooms=1, clips=1, width=160, height=120)
    )
    assert [path.name for path in made] == ['office_00003_a']
    sequence = Sequence(made[0])
    poses = sequence.trajectory.world_from_camera
    depth = sequence.depth(0)
    flow = flow_between(depth, poses[0], poses[1], sequence.camera.fx)
    u, v = np.meshgrid(np.arange(160), np.arange(120))
    there = np.stack([u, v], -1).astype(np.float32) + flow
    warped = cv2.remap(sequence.depth(1), there[..., 0], there[..., 1], cv2.INTER_NEAREST)
    moved = np.linalg.inv(poses[1]) @ poses[0]
    camera = sequence.camera
    rays = np.stack(
        [(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], -1
    )
    points = rays * depth[..., None]
    expected = points @ moved[2, :3] + moved[2, 3]
    seen = (warped > 0) & (depth > 0) & (depth < 10)
    off = np.abs(warped - expected)[seen] / expected[seen]
    assert np.median(off) < 0.01
    assert render_rooms(tmp_path, RoomsSettings(first_seed=3, rooms=1, clips=1)) == []
