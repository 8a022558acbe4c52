"""Drives through the synthetic world with a pose network, and wheels, of known errors."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import cv2
import numpy as np

from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.network_motion import NetworkMotion
from lsd_ros.inference.odometry.noise import visual_memories_s
from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.synthetic.drive import World
from lsd_ros.types import BasePose, MotionNoise, Scale

STEP_NS = 100_000_000
START_NS = 1_700_000_000_000_000_000
BASE_FROM_CAMERA = base_from_optical(MountSettings(x_m=0.3, z_m=0.5, pitch_deg=5.0))


def lasting(along, across, along_floor, across_floor, rotation_deg, memory_s):
    """Return noise whose errors last for about this time, those of rotations not all equally."""
    about = (memory_s / 2, 2 * memory_s, memory_s)
    shares = (along, across, along_floor, across_floor)
    return MotionNoise(*shares, rotation_deg, memory_s, about)


def turn(vector):
    return cv2.Rodrigues(np.asarray(vector, float))[0]


def turned_by(rotation):
    return cv2.Rodrigues(rotation)[0].ravel()


def perturbed(step, error):
    """Apply an error of translation and rotation, in the axes that the step begins in."""
    result = step.copy()
    result[:3, 3] += error[:3]
    result[:3, :3] = turn(error[3:]) @ step[:3, :3]
    return result


def error_of(found, true):
    """Return by how much a pose is off, in the axes of the frame that both are in, shape (6,)."""
    return np.concatenate([found[:3, 3] - true[:3, 3], turned_by(found[:3, :3] @ true[:3, :3].T)])


def nees(error, covariance):
    return float(error @ np.linalg.solve(covariance, error))


@functools.cache
def _path(kind, seed):
    return World(kind, seed).path


def true_poses(kind='room', seed=0, count=80, start_s=0.0):
    """Where the camera is, every tenth of a second; the way of the base is smooth as well."""
    path = _path(kind, seed)
    return [path.pose(start_s + number / 10) for number in range(count)]


class Correlated:
    """Unit errors that forget each other with time."""

    def __init__(self, rng, memory_s, size=6):
        memories = np.broadcast_to(np.maximum(memory_s, 1e-9), size)
        self._rng, self._kept = rng, np.exp(-0.1 / memories)
        self.value = rng.normal(size=size)

    def next(self):
        fresh = self._rng.normal(size=len(self.value))
        self.value = self._kept * self.value + np.sqrt(1 - self._kept**2) * fresh
        return self.value


@dataclass
class Drive:
    """One run: true poses, and what is told of them."""

    poses: list
    noise: MotionNoise = field(default_factory=MotionNoise)
    seed: int = 0

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        self._error = Correlated(self.rng, visual_memories_s(self.noise))

    def true_step(self, number):
        return np.linalg.inv(self.poses[number - 1]) @ self.poses[number]

    def visual(self, number):
        """Return the motion into a frame as the network says it."""
        step = self.true_step(number)
        unit, way = self._error.next(), step[:3, 3]
        length = np.linalg.norm(way)
        along = np.hypot(self.noise.along * length, self.noise.along_floor)
        across = np.hypot(self.noise.across * length, self.noise.across_floor)
        forward = way / length if length else np.zeros(3)
        translation = across * unit[:3] + (along - across) * (forward @ unit[:3]) * forward
        rotation = np.deg2rad(self.noise.rotation_deg) * unit[3:]
        return perturbed(step, np.concatenate([translation, rotation]))

    def true_pose(self, number):
        return np.linalg.inv(self.poses[0]) @ self.poses[number]


def motion_of(step, number):
    """Return what the pose network says about the step into a frame."""
    return NetworkMotion(
        np.linalg.inv(step), START_NS + (number - 1) * STEP_NS, START_NS + number * STEP_NS
    )


def fixed(factor=1.0, deviation=0.0):
    return Scale(factor, True, 'fixed', deviation)


def ground_poses(kind='room', seed=0, count=80, start_s=0.0):
    """Where a camera is that is fixed to a base which stays in the plane."""
    path = _path(kind, seed)
    poses = []
    for number in range(count):
        x, y, heading = path.on_ground(start_s + number / 10)
        base = np.eye(4)
        base[:3, :3], base[:2, 3] = turn((0, 0, heading)), (x, y)
        poses.append(base @ BASE_FROM_CAMERA)
    return poses


def base_step(step):
    return BASE_FROM_CAMERA @ step @ np.linalg.inv(BASE_FROM_CAMERA)


class Wheels:
    """Another odometry: x, y and yaw of the base, with errors as the settings say them."""

    def __init__(self, settings, seed=0):
        self._settings = settings
        self._rng = np.random.default_rng(1000 + seed)
        self._error = Correlated(self._rng, settings.input_error_memory_s, 3)
        self.pose = np.eye(4)
        self.history = OdometryHistory()
        self.history.add(BasePose(START_NS, self.pose))

    def drive(self, step, number, slip=(0.0, 0.0, 0.0)):
        """Tell the motion of the base into a frame."""
        unit = self._error.next()
        moved = np.hypot(
            self._settings.input_translation_error * np.linalg.norm(step[:3, 3]), 2e-4
        )
        angle = np.linalg.norm(turned_by(step[:3, :3]))
        rotated = np.hypot(self._settings.input_rotation_error * angle, 2e-4)
        x, y = step[:2, 3] + moved * unit[:2] + slip[:2]
        told = np.eye(4)
        told[:3, :3] = turn((0, 0, turned_by(step[:3, :3])[2] + rotated * unit[2] + slip[2]))
        told[:2, 3] = x, y
        self.pose = self.pose @ told
        self.history.add(BasePose(START_NS + number * STEP_NS, self.pose))


def fused_run(poses, noise, settings, seed, slips=None, broken=(), scale=None, late=0):
    """Drive with both; return the odometry and the pose of the wheels in the camera's frame."""
    drive, wheels = Drive(poses, noise, seed), Wheels(settings, seed)
    odometry = Odometry(settings, noise, wheels.history)
    for number in range(1, len(poses) + late):
        if number < len(poses):
            step = drive.visual(number)
            if number in broken:
                step = perturbed(step, (0.3, 0.0, -0.5, 0.0, 0.2, 0.0))
        told = number - late
        if 1 <= told < len(poses):
            slip = (slips or {}).get(told, (0.0, 0.0, 0.0))
            wheels.drive(base_step(drive.true_step(told)), told, slip)
        if number < len(poses):
            odometry.advance(motion_of(step, number), scale or fixed(), BASE_FROM_CAMERA)
    wheel_pose = np.linalg.inv(BASE_FROM_CAMERA) @ wheels.pose @ BASE_FROM_CAMERA
    return odometry, wheel_pose
