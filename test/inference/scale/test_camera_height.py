from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from lsd_ros.inference.scale.camera_height import CameraHeightScale
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.scale.source import Observation
from lsd_ros.types import Camera

KINDS = ('room', 'corridor', 'street')
TENTH_NS = 100_000_000
CAMERA = Camera(128, 96, 80, 80, 63.5, 47.5)
LEVEL = np.array(((0.0, 0, 1, 0), (-1, 0, 0, 0), (0, -1, 0, 0), (0, 0, 0, 1)))  # base_from_camera


def source_of(height_m=1.0, **values):
    return CameraHeightScale(
        ScaleSettings(source='camera_height', camera_height_m=height_m, **values)
    )


def plane_seen(normal, distance, camera=CAMERA):
    """Return inverse depth of a plane: points p with normal p = distance; elsewhere far away."""
    v, u = np.mgrid[: camera.height, : camera.width]
    rays = np.stack(
        ((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(u.shape)), 2
    )
    return np.maximum(rays @ np.asarray(normal, float) / distance, 0.005).astype(np.float32)


def watch(source, inverse_depth, first, count, mount=None):
    """Show the same picture for some frames; return the last scale."""
    for index in range(first, first + count):
        scale = source.update(Observation(index * TENTH_NS, inverse_depth, CAMERA, None, mount))
    return scale


GROUND = plane_seen((0, 1, 0), 0.5)  # the camera is half a unit above it
WALL = plane_seen((0.1, 0, 1), 2.0)


@pytest.mark.parametrize('kind', KINDS)
def test_exact_depth_gives_the_exact_factor_after_a_second(drives, kind):
    drive = drives[kind]
    run = drive.follow(source_of(drive.height_m), 7.3)
    assert not any(scale.metric for _, scale in run[:7])
    assert all(scale.metric and scale.problem == '' for _, scale in run[10:])
    assert max(abs(error) for error, _ in run[10:]) < 0.02


@pytest.mark.parametrize('corrupted', [0.0, 0.3])
def test_noisy_depth_gives_the_factor_and_a_deviation_that_covers_its_error(
    drives, judge, corrupted
):
    runs = []
    for kind in KINDS:
        for seed in range(7):
            rng = np.random.default_rng((seed, len(kind)))
            measured_m = drives[kind].height_m * (1 + 0.01 * rng.standard_normal())
            runs.append(drives[kind].follow(source_of(measured_m), 0.4, rng, corrupted))
    judge.right_within_three_seconds(runs)
    judge.deviation_covers(runs)


@pytest.mark.parametrize('turn_deg', [(5, 0, 0), (-5, 0, 0), (0, 0, 5)])
def test_a_slope_or_a_pitching_robot_changes_nothing(drives, turn_deg):
    drive = drives['corridor']
    source = source_of(drive.height_m)
    turn = np.eye(4)
    turn[:3, :3] = cv2.Rodrigues(np.deg2rad(np.array(turn_deg, float)))[0]
    for index in range(15):
        inverse = drive.exact(drive.poses[index] @ turn) * np.float32(3)
        scale = source.update(Observation(index * TENTH_NS, inverse, drive.camera))
    assert scale.metric
    assert scale.factor == pytest.approx(3, rel=0.05)


def test_a_camera_that_looks_down_by_its_mount_finds_the_ground():
    pitch = np.eye(4)
    pitch[:3, :3] = cv2.Rodrigues(np.array((np.deg2rad(-35), 0, 0)))[0]
    mount = LEVEL @ pitch
    mount[2, 3] = 0.8
    seen = plane_seen(-mount[2, :3], 0.2)
    scale = watch(source_of(0.0), seen, 0, 12, mount)
    assert scale.metric
    assert scale.factor == pytest.approx(0.8 / 0.2, rel=0.02)
    untold = watch(source_of(0.8), seen, 0, 12, None)
    assert not untold.metric
    assert 'no ground is seen' in untold.problem


def test_a_wall_is_no_ground(drives):
    blobs = np.random.default_rng(0).normal(-1, 0.8, (4, 6)).astype(np.float32)
    views = {
        'facing': WALL,
        'slanted': plane_seen((0.8, 0, 0.6), 2.0),
        'leaning': plane_seen((0, 0.5, 0.87), 2.0),
        'open': np.full((96, 128), 0.005, np.float32),
        'shapeless': np.exp(cv2.resize(blobs, (128, 96))),
    }
    for name, view in views.items():
        scale = watch(source_of(), view, 0, 30)
        assert not scale.metric, name
        assert scale.problem.startswith('no ground is seen: '), name
        assert 'choose another scale.source' in scale.problem


def test_a_table_before_the_camera_is_not_taken_for_the_ground():
    table = plane_seen((0, 1, 0), 0.2)
    seen = GROUND.copy()
    seen[60:, 20:60] = table[60:, 20:60]
    scale = watch(source_of(), seen, 0, 12)
    assert scale.metric
    assert scale.factor == pytest.approx(2, rel=0.02)


def test_while_no_ground_is_seen_the_scale_becomes_less_sure_and_at_last_not_metric():
    source = source_of(max_age_s=20.0)
    sure = watch(source, GROUND, 0, 20)
    later = watch(source, WALL, 20, 50)
    assert later.metric
    assert later.factor == sure.factor
    assert later.deviation > sure.deviation + 0.02
    lost = watch(source, WALL, 70, 160)
    assert not lost.metric
    assert 'unconfirmed for 21 s, longer than scale.max_age_s: no ground is seen' in lost.problem
    assert watch(source, GROUND, 230, 20).metric


def test_a_scale_too_uncertain_is_not_metric():
    source = source_of(max_deviation=0.05)
    assert watch(source, GROUND, 0, 20).metric
    scale = watch(source, WALL, 20, 100)
    assert not scale.metric
    assert 'more than scale.max_deviation: no ground is seen' in scale.problem


def test_a_small_change_is_followed_and_a_large_one_settled_anew():
    source = source_of()
    assert watch(source, GROUND, 0, 30).factor == pytest.approx(2, rel=0.01)
    near = watch(source, GROUND / np.float32(1.1), 30, 30)
    assert near.metric
    assert near.factor == pytest.approx(2 / 1.1, rel=0.02)
    at = range(60, 110)
    scales = [watch(source, GROUND / np.float32(1.6), index, 1) for index in at]
    metric = [scale.metric for scale in scales]
    assert not any(metric[12:20])
    assert 'the scale has changed and has not settled' in scales[15].problem
    assert all(metric[40:])
    assert scales[-1].factor == pytest.approx(2 / 1.6, rel=0.02)


def test_what_is_missing_is_said_with_the_remedy():
    unknown = watch(source_of(0.0), GROUND, 0, 12)
    assert not unknown.metric
    for remedy in ('scale.camera_height_m', 'mount.z_m', 'transform'):
        assert remedy in unknown.problem
    blind = source_of().update(Observation(0))
    assert 'publish camera info' in blind.problem
    soon = watch(source_of(), GROUND, 0, 3)
    assert soon.problem == 'the scale has not settled: 3 of 8 measurements agree'
    assert math.isinf(soon.deviation)


def test_time_that_goes_back_starts_anew():
    source = source_of()
    assert watch(source, GROUND, 50, 20).metric
    assert not watch(source, GROUND, 0, 1).metric
    assert watch(source, GROUND, 1, 20).metric
    source.reset()
    assert not watch(source, GROUND, 21, 1).metric
