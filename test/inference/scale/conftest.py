"""Drives through the synthetic world as networks of an unknown unit of length would see them."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
import pytest

from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.network_motion import NetworkMotion
from lsd_ros.inference.scale.odometry import OdometryScale
from lsd_ros.inference.scale.source import Observation
from lsd_ros.synthetic.drive import World
from lsd_ros.types import BasePose, Camera

TENTH_NS = 100_000_000
CAMERAS = {
    'room': Camera(128, 96, 80, 80, 63.5, 47.5),
    'corridor': Camera(128, 96, 80, 80, 63.5, 47.5),
    'street': Camera(208, 64, 120, 120, 103.5, 31.5),
}
FARTHEST_M = 200.0


def rigid(translation, turn=(0.0, 0.0, 0.0)):
    matrix = np.eye(4)
    matrix[:3, :3] = cv2.Rodrigues(np.array(turn, float))[0]
    matrix[:3, 3] = translation
    return matrix


class Drive:
    """Four and a half seconds at 10 Hz: exact depth and poses, and what networks make of them."""

    frames = 45

    def __init__(self, kind, seed=0, start_s=4.0):
        self.world = World(kind, seed)
        self.camera = CAMERAS[kind]
        self.height_m = self.world.path.ride.height_m
        times = start_s + 0.1 * np.arange(self.frames)
        self.poses = [self.world.path.pose(time) for time in times]
        self._inverse = [self.exact(pose) for pose in self.poses]

    def exact(self, pose):
        """Return inverse depth [1/m]."""
        return 1 / np.minimum(self.world.depth(self.camera, pose), np.float32(FARTHEST_M))

    def inverse_depth(self, index, factor, rng=None, corrupted=0.0):
        """Return what a depth network says: noise of pixels, of patches and of the whole frame."""
        exact = self._inverse[index] * np.float32(factor)
        if rng is None:
            return exact
        height, width = exact.shape
        patches = rng.standard_normal((height // 16, width // 16)).astype(np.float32)
        noise = 0.05 * cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
        noise += 0.03 * rng.standard_normal(exact.shape) + 0.03 * rng.standard_normal()
        seen = exact * np.exp(noise).astype(np.float32)
        return _corrupted(seen, rng) if rng.random() < corrupted else seen

    def motion(self, index, factor, rng=None, corrupted=0.0):
        """Return what a pose network says about a frame and the one before it."""
        current_from_previous = np.linalg.inv(self.poses[index]) @ self.poses[index - 1]
        if rng is not None:
            length = np.linalg.norm(current_from_previous[:3, 3])
            current_from_previous = current_from_previous @ rigid(
                (0, 0, 0), rng.normal(0, 2e-3, 3)
            )
            current_from_previous[:3, 3] += rng.normal(0, 0.07 * length, 3)
            if rng.random() < corrupted:
                current_from_previous[:3, 3] = rng.normal(0, length, 3)
        current_from_previous[:3, 3] /= factor
        stamps = ((index - 1) * TENTH_NS, index * TENTH_NS)
        return NetworkMotion(current_from_previous, *stamps)

    def base_poses(self, mount, rng=None, corrupted=0.0, wheel=1.0):
        """Return what wheels of a wrong size say, with noise, and slipping now and then."""
        bases = [pose @ np.linalg.inv(mount) for pose in self.poses]
        told = [np.eye(4)]
        for before, after in itertools.pairwise(bases):
            step = np.linalg.inv(before) @ after
            step[:3, 3] *= wheel
            if rng is not None:
                step[:3, 3] += rng.normal(0, 0.01 * np.linalg.norm(step[:3, 3]), 3)
                step[:3, 3] *= rng.uniform(0, 2.5) if rng.random() < corrupted else 1.0
            told.append(told[-1] @ step)
        return told

    def follow(self, source, factor, rng=None, corrupted=0.0, mount=None):
        """Drive with a source that looks at depth; return (log error, scale) of every frame."""
        result = []
        for index in range(self.frames):
            inverse = self.inverse_depth(index, factor, rng, corrupted)
            seen = Observation(index * TENTH_NS, inverse, self.camera, base_from_camera=mount)
            scale = source.update(seen)
            result.append((math.log(scale.factor / factor), scale))
        return result

    def follow_wheels(self, wanted, factor, mount, rng=None, corrupted=0.0, late=2, wheel=1.0):
        """Drive with odometry that comes some frames late; return as :meth:`follow`."""
        history = OdometryHistory()
        source = OdometryScale(wanted, history)
        told = self.base_poses(mount, rng, corrupted / 2, wheel)
        result = []
        for index in range(self.frames):
            if index >= late:
                history.add(BasePose((index - late) * TENTH_NS, told[index - late]))
            motion = self.motion(index, factor, rng, corrupted / 2) if index > 1 else None
            seen = Observation(index * TENTH_NS, motion=motion, base_from_camera=mount)
            scale = source.update(seen)
            result.append((math.log(scale.factor / factor), scale))
        return result


def _corrupted(seen, rng):
    height, width = seen.shape
    kind = rng.integers(3)
    if kind == 0:  # nothing but blobs
        blobs = rng.normal(np.log(np.median(seen)), 0.8, (4, 6)).astype(np.float32)
        return np.exp(cv2.resize(blobs, (width, height)))
    if kind == 1:  # something stands right in front of the camera
        hidden = seen.copy()
        hidden[height // 2 :] = seen.max() * rng.uniform(0.5, 1.5)
        return hidden
    return seen * np.float32(np.exp(rng.normal(0, 0.5)))  # the whole frame is off


class Judge:
    """What the issue asks of every source, over many runs."""

    @staticmethod
    def right_within_three_seconds(runs):
        """Check that runs are metric, and within 5 %, three seconds after their start."""
        at = [run[30] for run in runs]
        right = [scale.metric and abs(error) < math.log(1.05) for error, scale in at]
        assert np.mean(right) >= 0.95, [(round(error, 3), scale) for error, scale in at]

    @staticmethod
    def deviation_covers(runs):
        """Check that errors are as large as the deviations say, from the first metric frame."""
        ratios = np.array(
            [error / scale.deviation for run in runs for error, scale in run if scale.metric]
        )
        assert len(ratios) > 20 * len(runs)
        assert np.mean(np.abs(ratios) < 2) >= 0.9
        assert 0.15 < np.mean(ratios**2) < 1.5, np.mean(ratios**2)


@pytest.fixture(scope='package')
def drives():
    return {kind: Drive(kind) for kind in CAMERAS}


@pytest.fixture(scope='package')
def judge():
    return Judge
