"""The unit of a structure from motion, by each of its three sources."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lsd_ros.adaptation.metric_scale import by_depth, by_height, by_poses
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.triangulation.structure_from_motion import SparseDepth, Structure
from lsd_ros.types import Camera

CAMERA = Camera(160, 96, 110.0, 110.0, 79.5, 47.5)
UNIT_M = 3.7  # metres per unit of the structure


@pytest.fixture(scope='module')
def drive():
    return list(SyntheticDrive('street', 1, CAMERA, 12))


@pytest.fixture(scope='module')
def found(drive):
    """What structure from motion would find, without an error but for the unit."""
    rng = np.random.default_rng(0)
    poses = np.stack([sample.world_from_camera for sample in drive])
    poses[:, :3, 3] /= UNIT_M
    points = []
    for sample in drive:
        pixels = rng.integers((0, 0), (CAMERA.width, CAMERA.height), (80, 2))
        depth = sample.depth[pixels[:, 1], pixels[:, 0]] / UNIT_M
        near = depth < 40 / UNIT_M
        points.append(SparseDepth(pixels[near].astype(np.float32), depth[near].astype(np.float32)))
    return Structure(np.arange(len(drive)), poses, tuple(points), 0.3)


def test_odometry_says_how_long_a_unit_is(found, drive):
    rng = np.random.default_rng(1)
    known = np.stack([sample.world_from_camera for sample in drive])
    known[:, :3, 3] += rng.normal(0, 0.01, (len(drive), 3))
    metres = by_poses(found, known)
    assert metres.factor == pytest.approx(UNIT_M, rel=0.03)
    assert metres.source == 'odometry'
    known[3] = np.nan
    assert by_poses(found, known).factor == pytest.approx(UNIT_M, rel=0.03)


def test_odometry_that_does_not_fit_says_nothing(found, drive):
    rng = np.random.default_rng(2)
    known = np.stack([sample.world_from_camera for sample in drive])
    known[:, :3, 3] = rng.normal(0, 5, (len(drive), 3)) ** 3
    assert by_poses(found, known) is None
    assert by_poses(found, None) is None


def test_metric_weights_say_how_long_a_unit_is(found, drive):
    metres = by_depth(found, lambda index: drive[index].depth * np.float32(1.1), 'mine')
    assert metres.factor == pytest.approx(1.1 * UNIT_M, rel=0.02)
    assert metres.source == 'depth of the weights mine'
    rng = np.random.default_rng(3)
    wild = by_depth(found, lambda index: drive[index].depth * np.exp(rng.normal(0, 3)), 'wild')
    assert wild is None


def test_the_height_of_the_camera_says_it_whatever_the_metres_of_the_weights_are(found, drive):
    height = float(drive[0].world_from_camera[2, 3])
    metres = by_height(found, lambda i: drive[i].depth * np.float32(7), CAMERA, height)
    assert metres.factor == pytest.approx(UNIT_M, rel=0.1)
    assert metres.source == 'camera height'
    assert by_height(found, lambda i: drive[i].depth, CAMERA, 0.0) is None


def test_too_few_points_say_nothing(found, drive):
    none = tuple(SparseDepth(p.pixels[:2], p.depth[:2]) for p in found.points)
    assert by_depth(dataclasses.replace(found, points=none), lambda i: drive[i].depth, 'a') is None
