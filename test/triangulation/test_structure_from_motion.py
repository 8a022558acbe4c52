"""Motions and points of a drive whose truth is known."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from lsd_ros.errors import DatasetError
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.triangulation import structure_from_motion
from lsd_ros.triangulation.structure_from_motion import mapped, reconstruct
from lsd_ros.triangulation.triangulation_settings import StructureSettings
from lsd_ros.types import Camera

pytest.importorskip('pycolmap')
CAMERA = Camera(320, 160, 200.0, 200.0, 159.5, 79.5)
FEW = StructureSettings(threads=1, min_images=6)


@pytest.fixture(scope='module')
def drive():
    return list(SyntheticDrive('street', 5, CAMERA, 14, start_s=2.5))


@pytest.fixture(scope='module')
def found(drive, tmp_path_factory):
    images = [sample.frame.image for sample in drive]
    work = tmp_path_factory.mktemp('sfm')
    return reconstruct(images.__getitem__, range(len(drive)), CAMERA, work, FEW)


def test_a_drive_hangs_together(found, drive):
    assert len(found) == 1
    assert found[0].indices.tolist() == list(range(len(drive)))
    assert found[0].error_px < 1


def test_motions_are_the_true_ones_but_for_one_scale(found, drive):
    true = np.stack([sample.world_from_camera for sample in drive])
    mine = found[0].world_from_camera
    ends = np.linalg.norm(true[-1, :3, 3] - true[0, :3, 3])
    scale = ends / np.linalg.norm(mine[-1, :3, 3] - mine[0, :3, 3])
    for i in range(len(drive) - 1):
        there = np.linalg.inv(true[i]) @ true[i + 1]
        here = np.linalg.inv(mine[i]) @ mine[i + 1]
        turn = np.arccos(np.clip((np.trace(there[:3, :3].T @ here[:3, :3]) - 1) / 2, -1, 1))
        assert np.degrees(turn) < 0.2
        np.testing.assert_allclose(scale * here[:3, 3], there[:3, 3], atol=0.05 * ends / 13 + 0.02)


def test_points_have_the_true_depth_at_their_pixels(found, drive):
    true = np.stack([sample.world_from_camera for sample in drive])
    mine = found[0].world_from_camera
    scale = np.linalg.norm(true[-1, :3, 3] - true[0, :3, 3])
    scale /= np.linalg.norm(mine[-1, :3, 3] - mine[0, :3, 3])
    ratios = []
    for sample, points in zip(drive, found[0].points, strict=True):
        u, v = np.rint(points.pixels).astype(int).T
        ratios.append(points.depth * scale / sample.depth[v, u])
    every = np.concatenate(ratios)
    assert len(every) > 200
    assert np.median(every) == pytest.approx(1, abs=0.02)
    assert np.mean(np.abs(every - 1) < 0.05) > 0.8


def test_a_chain_that_bends_is_cut_where_it_does(tmp_path, monkeypatch):
    fast = SyntheticDrive('street', 5, CAMERA, 14, 4.0, start_s=2.5)  # steps that two images show
    for index, sample in enumerate(fast):
        structure_from_motion.write_grey(tmp_path, index, sample.frame.image, (320, 160))
    (model,) = mapped(tmp_path, 'PINHOLE', (200.0, 200.0, 160.0, 80.0), FEW)
    database = tmp_path / structure_from_motion.DATABASE

    def cut() -> list[list[int]]:
        runs = structure_from_motion._straight_runs(model, database, CAMERA)
        return [[index for index, _ in run] for run in runs]

    straight = structure_from_motion._camera_from_world

    def bent(image):
        extra = np.eye(4)
        turn = np.array((0, np.radians(3 * max(0, int(image.name[:8]) - 8)), 0))
        extra[:3, :3] = cv2.Rodrigues(turn)[0]
        return extra @ straight(image)

    assert cut() == [list(range(14))]
    monkeypatch.setattr(structure_from_motion, '_camera_from_world', bent)
    assert cut() == [list(range(9)), [9], [10], [11], [12], [13]]


@pytest.mark.parametrize(
    ('module', 'call'),
    [
        ('structure_from_motion', 'reconstruct(lambda _: image, [0], camera, work, given)'),
        ('self_calibration', 'calibrate([image, image], given)'),
    ],
)
def test_a_process_that_starts_colmap_keeps_its_handlers_of_signals(module, call, tmp_path):
    """Where it is imported, SIGTERM is answered with a stack trace."""
    script = f"""
import sys
from contextlib import suppress
from pathlib import Path
import numpy as np
from lsd_ros.datasets.job_processes import Outcome
from lsd_ros.errors import DatasetError
from lsd_ros.triangulation.triangulation_settings import StructureSettings
from lsd_ros.triangulation import {module} as module
from lsd_ros.types import Camera

module.run_jobs = lambda *_, **__: [Outcome(0, None, '')]
image, camera = np.zeros((48, 64, 3), np.uint8), Camera(64, 48, 40.0, 40.0, 31.5, 23.5)
work, given = Path(sys.argv[1]), StructureSettings()
with suppress(DatasetError):
    module.{call}
assert 'pycolmap' not in sys.modules
"""
    subprocess.run([sys.executable, '-c', script, tmp_path], check=True)


def test_pictures_without_anything_in_common_give_nothing(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 160, 320, 3), dtype=np.uint8)
    assert reconstruct(images.__getitem__, range(8), CAMERA, tmp_path, FEW) == []


def test_one_picture_again_and_again_gives_nothing(tmp_path, drive):
    assert reconstruct(lambda _: drive[0].frame.image, range(8), CAMERA, tmp_path, FEW) == []


def test_a_missing_library_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pycolmap', None)
    with pytest.raises(DatasetError, match=r'structure from motion needs .*lsd_ros\[sfm\]'):
        reconstruct(lambda _: np.zeros((160, 320, 3), np.uint8), [0], CAMERA, tmp_path, FEW)
