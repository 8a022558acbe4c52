"""The engine with networks that are perfect but for their unit of length."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.types import BasePose, Frame

FACTOR = 4.0
TENTH_NS = 100_000_000
MOUNT = np.array(((0.0, 0, 1, 0.4), (-1, 0, 0, 0.1), (0, -1, 0, 0.6), (0, 0, 0, 1)))


class PerfectNetworks:
    """A backend that knows the drive; its pictures are grey, as bright as their number."""

    name, device = 'truth', 'cpu'

    def __init__(self, drive, depths):
        self.drive = drive
        self.depths = depths
        self.calls = []

    def disparities(self, images):
        self.calls.append('depth')
        inverse = self.drive.inverse_depth(int(images[0, 0, 0, 0]), FACTOR)
        far, near = 1 / self.depths.max_depth, 1 / self.depths.min_depth
        return ((inverse - far) / (near - far))[None, None].astype(np.float32)

    def motions(self, frames):
        self.calls.append('motion')
        before, target, after = (int(frame[0, 0, 0]) for frame in frames[0])
        poses = self.drive.poses
        vectors = []
        for other in (before, after):
            other_from_target = np.linalg.inv(poses[other]) @ poses[target]
            turn = cv2.Rodrigues(other_from_target[:3, :3])[0].ravel()
            vectors.append(np.concatenate((other_from_target[:3, 3] / FACTOR, turn)))
        return np.array([vectors], np.float32)


class Driven:
    """An engine on a drive."""

    def __init__(self, drive, **values):
        preprocessing = Preprocessing(width=128, height=96)
        weights = dataclasses.replace(untrained_weights(), preprocessing=preprocessing)
        self.networks = PerfectNetworks(drive, weights.depths)
        self.drive = drive
        self.engine = Engine(
            settings.build(EngineSettings, {'max_depth_m': 1000.0, **values}),
            weights,
            'test',
            lambda *_: self.networks,
        )
        self.told = drive.base_poses(MOUNT)

    def process(self, index, **wanted):
        stamp_ns = index * TENTH_NS
        self.engine.odometry_in.add(BasePose(stamp_ns, self.told[index]))
        camera = self.drive.camera
        picture = np.full((camera.height, camera.width, 3), index, np.uint8)
        frame = Frame(stamp_ns, 'camera', picture, camera)
        return self.engine.process(frame, base_from_camera=MOUNT, **wanted)


def sources(drive):
    return {
        'camera_height': {'scale.camera_height_m': drive.height_m},
        'odometry': {'scale.min_motion_m': 0.1},
    }


@pytest.mark.parametrize('name', ['camera_height', 'odometry'])
def test_depth_and_motion_are_metres_once_the_source_has_settled(drives, name):
    drive = drives['room']
    driven = Driven(drive, **{'scale.source': name}, **sources(drive)[name])
    estimates = [driven.process(index) for index in range(30)]
    assert not estimates[0].scale.metric
    assert estimates[0].scale.factor == 1
    assert all(estimate.scale.metric for estimate in estimates[15:])
    last = estimates[-1]
    assert last.scale.source == name
    assert 0 <= last.stages_s['scale'] < 0.1
    truth = 1 / drive.exact(drive.poses[29])
    np.testing.assert_allclose(last.depth, truth, rtol=0.03)
    moved = np.linalg.inv(drive.poses[29]) @ drive.poses[28]
    np.testing.assert_allclose(last.motion.current_from_previous, moved, atol=0.01)


@pytest.mark.parametrize('name', ['camera_height', 'odometry'])
def test_the_pose_never_jumps_when_the_scale_settles(drives, name):
    drive = drives['room']
    driven = Driven(drive, **{'scale.source': name}, **sources(drive)[name])
    estimates = [driven.process(index) for index in range(30)]
    factors = [estimate.scale.factor for estimate in estimates]
    assert len(set(factors)) > 2
    for index in range(3, 30):
        before, after = (estimates[index - back].odom_from_camera for back in (1, 0))
        step = np.linalg.inv(before) @ after
        seen = np.linalg.inv(drive.poses[index - 1]) @ drive.poses[index]
        # each step is as long as the scale of its own time says, or nothing where it was unknown
        wanted = seen[:3, 3] / FACTOR * factors[index]
        metric = estimates[index - 1].scale.metric and estimates[index].scale.metric
        held = not metric and np.linalg.norm(step[:3, 3]) < 1e-9
        assert held or np.linalg.norm(step[:3, 3] - wanted) < 1e-3 + 0.02 * np.linalg.norm(wanted)


def test_what_the_source_needs_is_computed_and_no_more(drives):
    drive = drives['room']
    height = Driven(drive, **{'scale.source': 'camera_height'}, **sources(drive)['camera_height'])
    estimates = [height.process(index, depth=False, motion=False) for index in range(12)]
    assert set(height.networks.calls) == {'depth'}
    assert estimates[-1].depth is None
    assert estimates[-1].scale.metric
    wheels = Driven(drive, **{'scale.source': 'odometry'}, **sources(drive)['odometry'])
    estimates = [wheels.process(index, depth=False, motion=False) for index in range(25)]
    assert set(wheels.networks.calls) == {'motion'}
    assert estimates[-1].motion is None
    assert estimates[-1].scale.metric
    fixed = Driven(drive, **{'scale.source': 'fixed'})
    fixed.process(0, depth=False, motion=False)
    assert fixed.networks.calls == []


def test_a_reset_and_other_settings_of_the_scale_start_anew(drives):
    drive = drives['room']
    wanted = {'scale.source': 'camera_height', 'scale.camera_height_m': drive.height_m}
    driven = Driven(drive, **wanted)
    assert [driven.process(index) for index in range(12)][-1].scale.metric
    driven.engine.reset_odometry()
    assert driven.process(12).scale.metric
    driven.engine.reset()
    assert not driven.process(13).scale.metric
    assert [driven.process(index) for index in range(14, 26)][-1].scale.metric
    changed = settings.build(EngineSettings, {**wanted, 'scale.camera_height_m': 2.0})
    driven.engine.apply(changed)
    assert not driven.process(26).scale.metric
    driven.engine.apply(dataclasses.replace(changed, max_depth_m=50.0))
    scales = [driven.process(index).scale for index in range(27, 40)]
    assert scales[-1].metric
    assert scales[-1].factor == pytest.approx(FACTOR * 2.0 / drive.height_m, rel=0.03)
