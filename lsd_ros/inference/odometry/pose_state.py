"""
An accumulated pose with an honest covariance.

The errors of steps are correlated in time, so that the covariance of their sum is not the sum of
their covariances. The state therefore carries the error of the newest step of each source beside
that of the pose: e(k + 1) = r e(k) + sqrt(1 - r^2) w (a Gauss-Markov process; Bar-Shalom et al.,
Estimation with Applications to Tracking and Navigation, 2001, section 8.2).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from lsd_ros.geometry.rigid import Matrix, constant_twist, cross_matrix, orthonormal

POSE, VISUAL, INPUT = slice(0, 6), slice(6, 12), slice(12, 18)
STATES = 18
_UNIT_ERRORS = np.eye(STATES)[:, 6:]


@dataclass(frozen=True)
class Step:
    """
    A motion of the camera, and what errors come with it, in the axes of the previous camera.

    An error is a translation [m] and a rotation [rad] by which the step is wrong, shape (6,).

    :param previous_from_current: shape (4, 4) [m]
    :param seconds: that it took
    :param visual: the error that a unit error of the pose network makes, shape (6, 6)
    :param visual_memory_s: how long each of the six lasts [s], shape (6,)
    :param scale: the error that one standard deviation of the scale makes, shape (6,)
    :param input: the error that a unit error of the other odometry makes, shape (6, 6)
    :param input_memory_s: how long it lasts [s]
    """

    previous_from_current: Matrix
    seconds: float
    visual: Matrix
    visual_memory_s: Matrix
    scale: Matrix
    input: Matrix = dataclasses.field(default_factory=lambda: np.zeros((6, 6)))
    input_memory_s: float = 0.0

    @property
    def covariance(self) -> Matrix:
        """Return the covariance of this step alone, shape (6, 6)."""
        correlated = self.visual @ self.visual.T + self.input @ self.input.T
        return correlated + np.outer(self.scale, self.scale)

    @property
    def twist(self) -> Matrix:
        """Return the velocity of the camera [m/s, rad/s], shape (6,)."""
        return constant_twist(self.previous_from_current) / self.seconds


@dataclass(frozen=True)
class PoseState:
    """
    Where the camera is, and how sure that is.

    :param odom_from_camera: shape (4, 4)
    :param errors: covariance of the pose, in the axes of the odometry frame, and of the unit
        errors of both sources, shape (18, 18)
    :param scale_effect: error of the pose where the scale has been one deviation off all the way
    :param scale_covariance: of the pose, by the scale, shape (6, 6)
    :param twist: velocity of the last step [m/s, rad/s], shape (6,)
    """

    odom_from_camera: Matrix
    errors: Matrix
    scale_effect: Matrix
    scale_covariance: Matrix
    twist: Matrix

    @classmethod
    def origin(cls) -> PoseState:
        """Return the pose of the first frame, which is known exactly."""
        errors = np.eye(STATES)
        errors[POSE, POSE] = 0.0
        return cls(np.eye(4), errors, np.zeros(6), np.zeros((6, 6)), np.zeros(6))

    @property
    def covariance(self) -> Matrix:
        """Return the covariance of the pose, in the axes of the odometry frame, shape (6, 6)."""
        result = self.errors[POSE, POSE] + self.scale_covariance
        return (result + result.T) / 2

    def moved(self, step: Step) -> PoseState:
        """Return the state after a step."""
        rotation = self.odom_from_camera[:3, :3]
        carried = np.eye(6)
        carried[:3, 3:] = -cross_matrix(rotation @ step.previous_from_current[:3, 3])
        turned = np.zeros((6, 6))
        turned[:3, :3] = turned[3:, 3:] = rotation
        effect = carried @ self.scale_effect + turned @ step.scale
        return PoseState(
            orthonormal(self.odom_from_camera @ step.previous_from_current),
            self._carried_errors(step, carried, turned),
            effect,
            self._carried_scale(carried, effect),
            step.twist,
        )

    def turned(self, step: Step) -> PoseState:
        """Return the state after the rotation of a step whose translation is of unknown unit."""
        motion, visual = step.previous_from_current.copy(), step.visual.copy()
        motion[:3, 3], visual[:3] = 0.0, 0.0
        turned = dataclasses.replace(
            step, previous_from_current=motion, visual=visual, scale=np.zeros(6)
        )
        # the last velocity in metres stays: a gap is judged by it
        twist = np.concatenate([self.twist[:3], turned.twist[3:]])
        return dataclasses.replace(self.moved(turned), twist=twist)

    def widened(self, travelled_m: float, turned_rad: float) -> PoseState:
        """Return the state after an unseen motion of about this size, in any direction."""
        errors = self.errors.copy()
        errors[POSE, POSE] += np.diag([travelled_m**2] * 3 + [turned_rad**2] * 3)
        return dataclasses.replace(self, errors=errors)

    def moved_unseen(self, way: Matrix) -> PoseState:
        """Return the state where the pose has missed a way [m], shape (3,), in odometry axes."""
        errors = self.errors.copy()
        errors[:3, :3] += np.outer(way, way)
        return dataclasses.replace(self, errors=errors)

    def _carried_errors(self, step: Step, carried: Matrix, turned: Matrix) -> Matrix:
        kept = (
            correlation(step.seconds, step.visual_memory_s),
            correlation(step.seconds, np.full(6, step.input_memory_s)),
        )
        entries = _UNIT_ERRORS.copy()  # of both sources, shape (18, 12)
        entries[POSE, :6] = turned @ step.visual
        entries[POSE, 6:] = turned @ step.input
        share = np.concatenate(kept)
        transition = np.zeros((STATES, STATES))
        transition[POSE, POSE] = carried
        transition[:, 6:] = entries * share
        added = (entries * (1 - share**2)) @ entries.T
        return transition @ self.errors @ transition.T + added

    def _carried_scale(self, carried: Matrix, effect: Matrix) -> Matrix:
        """
        Bound the covariance by the scale from above.

        Were the scale wrong by one and the same share all the time, it would be the square of the
        effect, which shrinks on the way back. A scale does not keep its error that long, so only
        what grows counts: exact on a straight way, too large on a bent one, never too small.
        """
        before = carried @ self.scale_effect
        change = np.outer(effect, effect) - np.outer(before, before)
        values, vectors = np.linalg.eigh(change)
        grown: Matrix = (vectors * np.maximum(values, 0.0)) @ vectors.T
        return carried @ self.scale_covariance @ carried.T + grown


def correlation(seconds: float, memories_s: Matrix) -> Matrix:
    """Return how much of errors is left after a time, shape that of their memories."""
    lasting = memories_s > 0
    kept: Matrix = np.exp(-seconds / np.where(lasting, memories_s, 1.0))
    return np.where(lasting, kept, 0.0)
