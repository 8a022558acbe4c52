from __future__ import annotations

import math

import numpy as np
import pytest

from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.ground_watch import PERIOD_NS, GroundWatch
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.inference.scale.source import Observation
from lsd_ros.types import Camera, Scale

CAMERA = Camera(208, 128, 120.0, 120.0, 103.5, 63.5)
FACTOR = 2.0


def inverse_depth(**mount):
    """Return what a camera at this mount sees of flat ground, in half metres, and a far wall."""
    place = base_from_optical(MountSettings(**mount))
    u, v = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)])
    falling = -np.einsum('i,ihw->hw', place[2, :3], rays)
    inverse = np.maximum(falling / place[2, 3], 1 / 60)
    return (inverse * FACTOR).astype(np.float32)


def look(watch, said, truth, number=0):
    place = base_from_optical(MountSettings(**said))
    seen = Observation(number * PERIOD_NS, inverse_depth(**truth), CAMERA, None, place)
    return watch.look(seen, Scale(FACTOR, True, 'fixed'), 0.0)


@pytest.mark.parametrize(
    'mount', [{'z_m': 1.0}, {'z_m': 0.3, 'pitch_deg': 25}, {'z_m': 2.0, 'roll_deg': 180}]
)
def test_ground_where_the_mount_says_is_found_there(mount):
    ground = look(GroundWatch(), mount, mount)
    assert math.degrees(ground.tilt_rad) < 1
    assert ground.height_m == pytest.approx(mount['z_m'], rel=0.02)
    assert ground.expected_height_m == mount['z_m']


@pytest.mark.parametrize(
    ('said', 'truth', 'tilt', 'side'),
    [
        ({'pitch_deg': 30}, {}, 30, 'below'),
        ({}, {'pitch_deg': 30}, 30, 'below'),
        ({}, {'roll_deg': 180}, 180, 'above'),
        ({}, {'roll_deg': 90}, 90, 'right'),
        ({}, {'roll_deg': -90}, 90, 'left'),
        ({'roll_deg': 180}, {}, 180, 'below'),
    ],
)
def test_ground_elsewhere_is_found_within_a_few_looks(said, truth, tilt, side):
    watch = GroundWatch()
    looks = [look(watch, {'z_m': 1.0, **said}, {'z_m': 1.0, **truth}, i) for i in range(8)]
    found = [ground for ground in looks if ground is not None]
    assert len(found) >= 5
    for ground in found:
        assert math.degrees(ground.tilt_rad) == pytest.approx(tilt, abs=2)
        assert ground.side == side


def test_a_wall_is_no_ground():
    watch = GroundWatch()
    place = base_from_optical(MountSettings(z_m=1.0))
    wall = np.full((128, 208), 0.5, np.float32)
    for number in range(8):
        seen = Observation(number * PERIOD_NS, wall, CAMERA, None, place)
        assert watch.look(seen, Scale(1.0, True, 'fixed'), 0.0) is None


def test_looks_are_rare_and_time_that_goes_back_asks_for_one():
    watch = GroundWatch()
    assert watch.is_due(0)
    look(watch, {'z_m': 1.0}, {'z_m': 1.0})
    assert not watch.is_due(PERIOD_NS - 1)
    assert watch.is_due(PERIOD_NS)
    assert watch.is_due(-1)
