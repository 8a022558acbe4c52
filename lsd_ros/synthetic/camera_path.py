"""How the camera of the synthetic world moves: closed, smooth, at a plausible speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEPS = 8192  # along one round


@dataclass(frozen=True)
class Ride:
    """
    Who carries the camera.

    :param speed_m_s: slowest and fastest
    :param turn_rad_s: fastest turn; bends are taken slowly enough for it
    :param acceleration_m_s2: how hard it speeds up and brakes
    :param height_m: of the camera above the ground
    :param bob_m: how far it moves up and down
    :param sway_rad: how far it rolls and pitches
    :param gaze_rad: how far it looks to the sides of its way
    """

    speed_m_s: tuple[float, float]
    turn_rad_s: float
    acceleration_m_s2: float
    height_m: float
    bob_m: float
    sway_rad: float
    gaze_rad: float


@dataclass(frozen=True)
class Path:
    """
    A closed way on the ground and when the camera is where.

    :param points: x, y in equal steps along the way, the first point again at the end [m],
        shape (STEPS + 1, 2)
    :param heading: direction of the way, unwrapped [rad], shape (STEPS + 1,)
    :param times: when every point is reached [s], shape (STEPS + 1,)
    :param ride: who carries the camera
    :param phases: of the small movements, shape (5, 2)
    """

    points: Array
    heading: Array
    times: Array
    ride: Ride
    phases: Array

    @classmethod
    def of(cls, outline: Array, smoothing_m: float, ride: Ride, rng: np.random.Generator) -> Path:
        """
        Smooth a closed outline and drive along it.

        :param outline: corners of the way, counter-clockwise or clockwise [m], shape (N, 2)
        :param smoothing_m: length over which bends are rounded
        """
        points = _smoothed(_resampled(outline), smoothing_m)
        points = _resampled(points)
        step = np.diff(np.vstack((points, points[1])), axis=0)
        heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
        length = np.linalg.norm(step[:-1], axis=1)
        bend = np.abs(np.diff(heading)) / length
        slow, fast = ride.speed_m_s
        wish = fast - (fast - slow) * (0.5 + 0.5 * np.cos(np.linspace(0, 6 * np.pi, STEPS)))
        speed = np.minimum(ride.turn_rad_s / np.maximum(bend, 1e-9), wish)
        speed = _drivable(speed, length.mean(), ride.acceleration_m_s2)
        times = np.concatenate(([0.0], np.cumsum(length / speed)))
        return cls(points, heading, times, ride, rng.uniform(0, 2 * np.pi, (5, 2)))

    @property
    def period_s(self) -> float:
        """Return how long one round takes."""
        return float(self.times[-1])

    def on_ground(self, time_s: float, ahead_m: float = 0.0, left_m: float = 0.0) -> Array:
        """
        Return a place and direction on the way.

        :param ahead_m: this far ahead of the camera along the way
        :param left_m: this far to its left
        :return: x, y [m] and heading [rad], shape (3,)
        """
        rounds, time = divmod(time_s, self.period_s)
        step = np.interp(time, self.times, np.arange(STEPS + 1))
        spacing = float(np.linalg.norm(self.points[1] - self.points[0]))
        further, step = divmod(step + ahead_m / spacing, STEPS)
        turned = (rounds + further) * (self.heading[-1] - self.heading[0])
        at = np.arange(STEPS + 1)
        x, y = (np.interp(step, at, self.points[:, i]) for i in range(2))
        heading = float(np.interp(step, at, self.heading)) + turned
        return np.array((x - left_m * np.sin(heading), y + left_m * np.cos(heading), heading))

    def beside(self, step: float, left_m: float) -> tuple[Array, float]:
        """
        Return a place to the left of a point of the way, and the way's direction there.

        :param step: which point, in 0 .. ``STEPS``; one round further is the same place
        :return: x, y [m], shape (2,); heading [rad]
        """
        number = round(step) % STEPS
        heading = float(self.heading[number])
        aside = np.array((-np.sin(heading), np.cos(heading)))
        return self.points[number] + left_m * aside, heading

    def pose(self, time_s: float) -> Array:
        """Return world_from_camera, shape (4, 4)."""
        x, y, heading = self.on_ground(time_s)
        rates = np.array(((0.31, 0.83), (1.3, 2.9), (0.9, 2.3), (0.21, 0.57), (1.1, 3.1)))
        waves = (np.sin(2 * np.pi * rates * time_s + self.phases) * (0.7, 0.3)).sum(1)
        ride = self.ride
        yaw = heading + ride.gaze_rad * waves[3]
        pitch, roll = ride.sway_rad * waves[1], ride.sway_rad * waves[2]
        pose = np.eye(4)
        pose[:3, :3] = _turn(yaw, pitch, roll) @ OPTICAL
        pose[:3, 3] = x, y, ride.height_m + ride.bob_m * waves[4]
        return pose


OPTICAL = np.array(((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)))  # body_from_optical


def _turn(yaw: float, pitch: float, roll: float) -> Array:
    """Return world_from_body of a body that looks along x, with y to the left (REP-103)."""
    cy, sy, cp, sp, cr, sr = (f(angle) for angle in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_z = np.array(((cy, -sy, 0), (sy, cy, 0), (0, 0, 1)))
    about_y = np.array(((cp, 0, sp), (0, 1, 0), (-sp, 0, cp)))
    about_x = np.array(((1, 0, 0), (0, cr, -sr), (0, sr, cr)))
    return np.asarray(about_z @ about_y @ about_x)


def _resampled(outline: Array) -> Array:
    """Walk a closed outline in equal steps; the first point comes again at the end."""
    closed = outline if np.allclose(outline[0], outline[-1]) else np.vstack((outline, outline[:1]))
    way = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))))
    at = np.linspace(0, way[-1], STEPS + 1)
    points = np.column_stack([np.interp(at, way, closed[:, i]) for i in range(2)])
    points[-1] = points[0]
    return points


def _smoothed(points: Array, length_m: float) -> Array:
    """Average a closed way over a length, three times over: bends become smooth curves."""
    spacing = np.linalg.norm(points[1] - points[0])
    window = max(int(length_m / spacing), 1)
    ring = points[:-1]
    for _ in range(3):
        ring = np.column_stack([_averaged(ring[:, i], window) for i in range(2)])
    return np.vstack((ring, ring[:1]))


def _averaged(values: Array, window: int) -> Array:
    """Average over a window of a ring of values."""
    kernel = np.zeros(len(values))
    kernel[np.arange(window) - window // 2] = 1 / window
    return np.fft.irfft(np.fft.rfft(values) * np.fft.rfft(kernel), len(values))


def _drivable(speed: Array, step_m: float, acceleration_m_s2: float) -> Array:
    """Slow down before and after every slow place: the square of speed grows along the way."""
    growth = 2 * acceleration_m_s2 * step_m * np.arange(3 * len(speed))
    square = np.tile(speed**2, 3)
    after = np.minimum.accumulate(square - growth) + growth
    before = np.minimum.accumulate(after[::-1] - growth) + growth
    return np.asarray(np.sqrt(before[::-1][len(speed) : 2 * len(speed)]))


def distance_to(path: Array, place: Array) -> float:
    """Return how near the way comes to a place on the ground [m]."""
    return float(np.sqrt(((path - place) ** 2).sum(1).min()))
