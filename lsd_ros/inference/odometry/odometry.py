"""
Camera motion from three consecutive frames, accumulated.

Causal: the motion into the newest frame comes from the pose network's second output, with the
frame before it as target. A gap, or time running backwards, breaks the chain.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lsd_ros.geometry.pose import pose_from_vector
from lsd_ros.inference.odometry.settings import OdometrySettings
from lsd_ros.models.pose_net import FRAMES
from lsd_ros.types import RelativePose

LOGGER = logging.getLogger(__name__)
NS_PER_S = 1_000_000_000
TRANSLATION_FLOOR_M = 1e-3  # a still camera is not known to stand still exactly

Matrix = NDArray[np.float64]
MotionNetwork = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class NetworkMotion:
    """
    What the pose network says about the last frames, in its own unit of length.

    :param current_from_previous: shape (4, 4)
    :param previous_ns: stamp of the frame before [ns]
    :param current_ns: stamp of the newest frame [ns]
    :param first_step: ``previous_from_current`` of the step before, where nothing has told it yet
    """

    current_from_previous: Matrix
    previous_ns: int
    current_ns: int
    first_step: Matrix | None = None


class Odometry:
    """
    The accumulated pose of a camera.

    Pose and covariance are those of the camera in the frame of its first image. Every step is
    multiplied with the scale of its time, so that a later change of scale never moves what lies
    behind.
    """

    def __init__(self, settings: OdometrySettings) -> None:
        self.settings = settings
        self._frames: deque[tuple[int, NDArray[np.uint8]]] = deque(maxlen=FRAMES)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame is the origin."""
        self._frames.clear()
        self._first_triple = True
        self._speed = self._turn_rate = 0.0
        self.odom_from_camera: Matrix = np.eye(4)
        self.covariance: Matrix = np.zeros((6, 6))

    def pause(self) -> None:
        """Forget the last frames, but not the pose: motion goes on from here after a pause."""
        self._frames.clear()
        self._first_triple = True

    def update(
        self, stamp_ns: int, image: NDArray[np.uint8], network: MotionNetwork, factor: float
    ) -> RelativePose | None:
        """
        Take the next frame where the scale is known beforehand: observe, then advance.

        :return: the motion since the frame before; None where it is not known
        """
        motion = self.observe(stamp_ns, image, network)
        return None if motion is None else self.advance(motion, factor)

    def observe(
        self, stamp_ns: int, image: NDArray[np.uint8], network: MotionNetwork
    ) -> NetworkMotion | None:
        """
        Take the next frame; the pose stays where it is until :meth:`advance`.

        :param stamp_ns: of the frame [ns]
        :param image: network input, shape (H, W, 3), uint8
        :param network: from three frames (3, H, W, 3) to two motions (2, 6)
        :return: the motion since the frame before; None where it is not known
        """
        if not self._continues(stamp_ns, image.shape):
            return None
        self._frames.append((stamp_ns, image))
        if len(self._frames) < FRAMES:
            return None
        stamps = [stamp for stamp, _ in self._frames]
        vectors = network(np.stack([image for _, image in self._frames])).astype(np.float64)
        if not np.all(np.isfinite(vectors)):
            LOGGER.warning('the pose network gave %s: motion is broken off', vectors.tolist())
            self.pause()
            return None
        before, after = pose_from_vector(torch.from_numpy(vectors)).numpy()
        first = before if self._first_triple else None
        return NetworkMotion(after, stamps[-2], stamps[-1], first)

    def advance(self, motion: NetworkMotion, factor: float) -> RelativePose:
        """
        Append what was observed to the pose.

        :param motion: what :meth:`observe` has just returned
        :param factor: metres per network unit, at this time
        """
        if motion.first_step is not None:
            self._advance(_scaled(motion.first_step, factor))
            self._first_triple = False
        current_from_previous = _scaled(motion.current_from_previous, factor)
        return self._step(current_from_previous, motion.previous_ns, motion.current_ns)

    def _continues(self, stamp_ns: int, shape: tuple[int, ...]) -> bool:
        """Say whether this frame may be taken; break the chain where it does not follow on."""
        if not self._frames:
            return True
        last_ns, last_image = self._frames[-1]
        gap_s = (stamp_ns - last_ns) / NS_PER_S
        if stamp_ns == last_ns:
            LOGGER.debug('frame of stamp %d ns came twice', stamp_ns)
            return False
        if gap_s < 0:
            LOGGER.warning('time went back by %.3f s: odometry starts anew', -gap_s)
            self.reset()
        elif gap_s > self.settings.max_gap_s or shape != last_image.shape:
            LOGGER.info('no frame for %.3f s, or a new size: motion is broken off', gap_s)
            self._widen(gap_s)
            self.pause()
        return True

    def _step(
        self, current_from_previous: Matrix, previous_ns: int, current_ns: int
    ) -> RelativePose:
        covariance = self._advance(_inverse(current_from_previous))
        seconds = (current_ns - previous_ns) / NS_PER_S
        self._speed = float(np.linalg.norm(current_from_previous[:3, 3])) / seconds
        self._turn_rate = float(np.linalg.norm(cv2.Rodrigues(current_from_previous[:3, :3])[0]))
        self._turn_rate /= seconds
        return RelativePose(current_from_previous, previous_ns, current_ns, covariance)

    def _advance(self, previous_from_current: Matrix) -> Matrix:
        """Append one step to the pose; return the covariance of the step in its own frame."""
        step = self._step_covariance(previous_from_current)
        rotation = self.odom_from_camera[:3, :3]
        moved = rotation @ previous_from_current[:3, 3]
        jacobian = np.eye(6)
        jacobian[:3, 3:] = -_cross(moved)
        turned = np.kron(np.eye(2), rotation)
        self.covariance = jacobian @ self.covariance @ jacobian.T + turned @ step @ turned.T
        self.odom_from_camera = _rigid(self.odom_from_camera @ previous_from_current)
        return step

    def _step_covariance(self, previous_from_current: Matrix) -> Matrix:
        length = float(np.linalg.norm(previous_from_current[:3, 3]))
        translation = self.settings.translation_error * length + TRANSLATION_FLOOR_M
        rotation = np.deg2rad(self.settings.rotation_error_deg)
        return np.diag([translation**2] * 3 + [rotation**2] * 3)

    def _widen(self, gap_s: float) -> None:
        """Grow the covariance by what may have happened unseen: going on at the last rates."""
        travelled = self._speed * gap_s + TRANSLATION_FLOOR_M
        turned = self._turn_rate * gap_s + np.deg2rad(self.settings.rotation_error_deg)
        self.covariance = self.covariance + np.diag([travelled**2] * 3 + [turned**2] * 3)


def _scaled(motion: Matrix, factor: float) -> Matrix:
    result = motion.copy()
    result[:3, 3] *= factor
    return result


def _rigid(matrix: Matrix) -> Matrix:
    """Take the rounding of many products out of a rotation."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    result = matrix.copy()
    result[:3, :3] = left @ right
    result[3] = (0.0, 0.0, 0.0, 1.0)
    return result


def _inverse(matrix: Matrix) -> Matrix:
    result = np.eye(4)
    result[:3, :3] = matrix[:3, :3].T
    result[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return result


def _cross(vector: Matrix) -> Matrix:
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
