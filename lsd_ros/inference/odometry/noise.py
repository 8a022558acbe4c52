"""How wrong one step may be: of the pose network, and of the odometry that comes in."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from lsd_ros.geometry.rigid import Matrix, rotation_vector
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.types import MotionNoise

# What a source that stands still, or that never turns, is wrong by all the same, in one step.
INPUT_FLOOR_M = 2e-4
INPUT_FLOOR_RAD = 2e-4
# Wheels know nothing of height, roll and pitch; on a ground robot they stay within this.
PLANE_SHARE = 0.1
PLANE_RAD = 0.02
IN_PLANE = np.array([True, True, False, False, False, True])
EXACTLY_ZERO = 1e-9
# What a pose that means nothing is given as: huge for every filter, and finite [m^2, rad^2].
LOST_VARIANCE = 1e6


def chosen_noise(settings: OdometrySettings, measured: MotionNoise | None) -> MotionNoise:
    """
    Return the noise that counts: what the user says, else what was measured, else the default.

    :param measured: for the weights; None: never
    """
    known = measured or MotionNoise()
    turn, memory_s = settings.rotation_error_deg, settings.error_memory_s
    return dataclasses.replace(
        known,
        along=settings.translation_error or known.along,
        across=settings.direction_error or known.across,
        rotation_deg=(turn, turn, turn) if turn else known.rotation_deg,
        translation_memory_s=memory_s or known.translation_memory_s,
        rotation_memory_s=(memory_s, memory_s, memory_s) if memory_s else known.rotation_memory_s,
    )


def visual_memories_s(noise: MotionNoise) -> Matrix:
    """Return how long each of the six unit errors of a visual step lasts [s], shape (6,)."""
    return np.array([noise.translation_memory_s] * 3 + list(noise.rotation_memory_s))


def visual_root(previous_from_current: Matrix, noise: MotionNoise, factor: float) -> Matrix:
    """
    Return the symmetric root of the covariance of a step of the pose network, shape (6, 6).

    A camera knows the direction of its motion far better than the length.

    :param previous_from_current: with its translation in metres
    :param factor: metres per network unit
    """
    translation = previous_from_current[:3, 3]
    length = float(np.linalg.norm(translation))
    direction = translation / length if length > 0 else np.zeros(3)
    floor = noise.along_floor * factor
    along = math.hypot(noise.along * length, floor)
    # a way that is short beside its error has no direction
    undirected = floor * floor / math.hypot(length, floor) if floor > 0 else 0.0
    across = math.hypot(noise.across * length, noise.across_floor * factor, undirected)
    root = np.diag([across] * 3 + list(np.deg2rad(noise.rotation_deg)))
    root[:3, :3] += (along - across) * np.outer(direction, direction)
    return root


def informative(input_step: Matrix) -> np.ndarray:
    """
    Return which of x, y, z, roll, pitch, yaw another odometry knows, shape (6,), bool.

    A source in the plane (wheels) says exactly zero for the rest, and does not mean it.

    :param input_step: previous_from_current of the base
    """
    vector = np.concatenate([input_step[:3, 3], rotation_vector(input_step)])
    is_planar = bool(np.all(np.abs(vector[~IN_PLANE]) < EXACTLY_ZERO))
    return IN_PLANE.copy() if is_planar else np.ones(6, bool)


def input_deviations(
    input_step: Matrix, seconds: float, given: Matrix | None, settings: OdometrySettings
) -> Matrix:
    """
    Return the standard deviations of a step of another odometry, in the base frame, shape (6,).

    :param input_step: previous_from_current of the base
    :param seconds: that it took
    :param given: covariance of the velocity as the source says it; None, and zeros on its
        diagonal: it does not say
    """
    length = float(np.linalg.norm(input_step[:3, 3]))
    angle = float(np.linalg.norm(rotation_vector(input_step)))
    moved = float(np.hypot(settings.input_translation_error * length, INPUT_FLOOR_M))
    turned = float(np.hypot(settings.input_rotation_error * angle, INPUT_FLOOR_RAD))
    deviations = np.array([moved] * 3 + [turned] * 3)
    if given is not None:
        said = np.diag(given)
        floors = np.array([INPUT_FLOOR_M] * 3 + [INPUT_FLOOR_RAD] * 3)
        stated = np.hypot(np.sqrt(np.maximum(said, 0)) * seconds, floors)
        deviations = np.where(said > 0, stated, deviations)
    unknown = ~informative(input_step)
    plane = np.array([PLANE_SHARE * length + INPUT_FLOOR_M] * 3 + [PLANE_RAD] * 3)
    return np.where(unknown, plane, deviations)
