"""Motions by depth, where there is no structure from motion."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.metric_scale import by_depth
from lsd_ros.adaptation.parts import structures, with_depth, write_part
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

CAMERA = Camera(320, 160, 200.0, 200.0, 159.5, 79.5)


@pytest.fixture(scope='module')
def room(tmp_path_factory):
    path = tmp_path_factory.mktemp('room') / 'room'
    write_sequence(path, SyntheticDrive('room', 3, CAMERA, 12, start_s=2.5))
    return FolderSequence(path)


def test_without_pycolmap_the_camera_is_followed_by_depth(room, tmp_path, monkeypatch, caplog):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name: None if name == 'pycolmap' else find_spec(name)
    )
    (found,) = structures(room, AdaptationSettings(), room.depth, tmp_path)
    assert 'pycolmap is not installed' in caplog.text
    true, mine = np.linalg.inv(room.poses[0]) @ room.poses, found.world_from_camera
    way = np.linalg.norm(np.diff(true[:, :3, 3], axis=0), axis=1).sum()
    assert np.linalg.norm(true[-1, :3, 3] - mine[-1, :3, 3]) < 0.05 * way
    turn = np.trace(true[-1, :3, :3].T @ mine[-1, :3, :3])
    assert np.degrees(np.arccos(np.clip((turn - 1) / 2, -1, 1))) < 1.5
    metres = by_depth(found, room.depth, 'these')
    assert metres.factor == pytest.approx(1)
    part = write_part(tmp_path / 'part', room, found, metres)
    known = with_depth(part, tmp_path / 'known', AdaptationSettings(), 1)
    errors = []
    for index in range(len(known)):
        depth, truth = known.depth(index), room.depth(index)
        both = np.isfinite(depth) & np.isfinite(truth)
        errors.append(np.abs(depth[both] / truth[both] - 1))
    assert np.median(np.concatenate(errors)) < 0.05
