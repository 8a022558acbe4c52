"""The pose of a camera, accumulated from what the pose network says, and how sure it is."""

from __future__ import annotations

import collections
import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from lsd_ros.geometry.rigid import Matrix, inverse, rotation_vector
from lsd_ros.inference.odometry.accumulation import NS_PER_S, Accumulation, TimedStep
from lsd_ros.inference.odometry.fusion import FusionOutcome
from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.odometry.network_motion import (
    MotionChain,
    MotionNetwork,
    NetworkMotion,
    Taken,
)
from lsd_ros.inference.odometry.noise import (
    LOST_VARIANCE,
    chosen_noise,
    visual_memories_s,
    visual_root,
)
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.inference.odometry.pose_state import Step
from lsd_ros.inference.odometry.standing import StandStill
from lsd_ros.types import MotionNoise, RelativePose, Scale

UNSAID_DEVIATION = 0.1  # of a metric scale that does not say how sure it is
UNSEEN_M, UNSEEN_RAD = 1e-3, 4e-3  # what a pose is less sure by after any gap
# What a camera that stands may have moved by in a frame all the same; and what the network may say
# that it moved. More than that is believed: far things alone do not show how fast a robot is.
STILL_M, STILL_RAD = 1e-4, 1e-4
MOST_STILL_M, MOST_STILL_RAD = 0.05, math.radians(0.5)
MOST_UNSEEN_M, MOST_UNSEEN_RAD = math.sqrt(LOST_VARIANCE), math.pi


class Odometry:
    """
    The accumulated pose of a camera.

    Pose and covariance are those of the camera in the frame of its first image. Every step is
    multiplied with the scale of its time, so that a later change of scale never moves what lies
    behind. While there is no motion, or no metric scale, it is lost: the place stands still, and
    the covariance says that it means nothing; afterwards it goes on from there, less sure.

    :param noise: of the motions, as measured for the weights; None: never measured
    :param history: what odometry_in has said; None: there is none
    """

    def __init__(
        self,
        settings: OdometrySettings,
        noise: MotionNoise | None = None,
        history: OdometryHistory | None = None,
    ) -> None:
        self.settings = settings
        self._measured = noise
        self._chain = MotionChain()
        self._standing = StandStill()
        self._pose = Accumulation(history)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame is the origin."""
        self._chain.clear()
        self._standing.forget()
        self._pose.reset()
        self._lost = True
        self._known_until_ns: int | None = None
        self._was_metric = False
        self._held: Matrix | None = None

    def pause(self) -> None:
        """
        Be lost: forget the last frames, but not the pose, which goes on from here.

        For whoever knows that the frames that come, or do not come, tell no motion.
        """
        self._chain.clear()
        self._standing.forget()
        self._lost = True

    @property
    def lost(self) -> bool:
        """Return whether no motion, or none in metres, is known at the moment."""
        return self._lost

    @property
    def odom_from_camera(self) -> Matrix:
        """Return the pose of the camera, shape (4, 4); the last one known while it is lost."""
        return self._pose.state.odom_from_camera.copy()

    @property
    def covariance(self) -> Matrix:
        """Return the covariance of the pose, shape (6, 6): huge, yet finite, while it is lost."""
        return LOST_VARIANCE * np.eye(6) if self._lost else self._pose.state.covariance

    @property
    def verdicts(self) -> collections.Counter[FusionOutcome]:
        """Return how many steps were fused, and how many were not, so far."""
        return self._pose.verdicts.copy()

    def update(
        self, stamp_ns: int, image: NDArray[np.uint8], network: MotionNetwork, scale: Scale
    ) -> RelativePose | None:
        """
        Take the next frame where the scale is known beforehand: observe, then advance.

        :return: the motion since the frame before; None where it is not known
        """
        motion = self.observe(stamp_ns, image, network)
        return None if motion is None else self.advance(motion, scale)

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
        taken = self._chain.take(stamp_ns, image, self.settings.max_gap_s)
        if taken is Taken.REPEATED:
            return None
        if taken is Taken.BACKWARDS:
            self.reset()
            self._chain.take(stamp_ns, image, self.settings.max_gap_s)
        still = self._standing.take(image)
        motion = self._chain.ask(network)
        self._lost |= motion is None
        return None if motion is None else dataclasses.replace(motion, still=still)

    def advance(
        self, motion: NetworkMotion, scale: Scale, base_from_camera: Matrix | None = None
    ) -> RelativePose:
        """
        Append what was observed to the pose.

        :param motion: what :meth:`observe` has just returned
        :param scale: of this time
        :param base_from_camera: shape (4, 4); needed to fuse odometry_in. None: not known
        :return: the motion since the frame before, in metres where the scale is metric
        """
        steps = self._steps(motion, scale, base_from_camera)
        self._reach(steps[0], metric=scale.metric)
        if scale.metric:
            self._resume(scale.factor)
            used = [self._pose.append(step, self.settings) for step in steps]
        else:
            used = [self._hold(step.step, scale.factor) for step in steps]
        self._lost = not scale.metric
        self._known_until_ns = motion.current_ns
        return RelativePose(
            inverse(used[-1].previous_from_current),
            motion.previous_ns,
            motion.current_ns,
            used[-1].covariance,
        )

    def _steps(
        self, motion: NetworkMotion, scale: Scale, base_from_camera: Matrix | None
    ) -> list[TimedStep]:
        """Return the steps that the motion tells, in the unit of the scale."""
        told = [(inverse(motion.current_from_previous), motion.previous_ns, motion.current_ns)]
        if motion.first_step is not None:
            told.insert(0, (motion.first_step, motion.first_ns, motion.previous_ns))
        if self._stands(motion, scale):
            return [self._still_step(motion)]
        noise = chosen_noise(self.settings, self._measured)
        deviation = scale.deviation if math.isfinite(scale.deviation) else UNSAID_DEVIATION
        steps = []
        for previous_from_current, previous_ns, current_ns in told:
            moved = previous_from_current.copy()
            moved[:3, 3] *= scale.factor
            step = Step(
                moved,
                (current_ns - previous_ns) / NS_PER_S,
                visual_root(moved, noise, scale.factor),
                visual_memories_s(noise),
                deviation * np.concatenate([moved[:3, 3], np.zeros(3)]),
            )
            from_input = scale.source == 'odometry'
            steps.append(TimedStep(step, previous_ns, current_ns, base_from_camera, from_input))
        return steps

    def _stands(self, motion: NetworkMotion, scale: Scale) -> bool:
        """Say whether the camera stands still: by its images, and nearly so by the network."""
        if not self.settings.stand_still or not motion.still:
            return False
        way_m = _length(motion.current_from_previous[:3, 3]) * scale.factor
        turned = _length(rotation_vector(motion.current_from_previous))
        return way_m < MOST_STILL_M and turned < MOST_STILL_RAD

    def _still_step(self, motion: NetworkMotion) -> TimedStep:
        """Return the step of a camera that stands: none, and sure of it."""
        step = Step(
            np.eye(4),
            (motion.current_ns - motion.previous_ns) / NS_PER_S,
            np.diag([STILL_M] * 3 + [STILL_RAD] * 3),
            np.zeros(6),
            np.zeros(6),
        )
        return TimedStep(step, motion.previous_ns, motion.current_ns)

    def _reach(self, first: TimedStep, *, metric: bool) -> None:
        """Cross the time since the pose was last known, as if at the speed before or after it."""
        since_ns = self._known_until_ns
        if since_ns is None or first.previous_ns <= since_ns:
            return
        if self._held is None and self._pose.bridge(since_ns, first, self.settings):
            return
        seconds = (first.previous_ns - since_ns) / NS_PER_S
        before, after = self._pose.state.twist, first.step.twist
        speed = max(_length(before[:3]), _length(after[:3]) if metric else 0.0)
        turn_rate = max(_length(before[3:]), _length(after[3:]))
        travelled = min(speed * seconds + UNSEEN_M, MOST_UNSEEN_M)
        turned = min(turn_rate * seconds + UNSEEN_RAD, MOST_UNSEEN_RAD)
        self._pose.change(lambda state: state.widened(travelled, turned))

    def _hold(self, step: Step, factor: float) -> Step:
        """Take the rotation alone, and remember what way the place would have gone."""
        rotation = self._pose.state.odom_from_camera[:3, :3]
        way = rotation @ step.previous_from_current[:3, 3] / factor
        self._held = way if self._held is None else self._held + way
        self._pose.change(lambda state: state.turned(step))
        return step

    def _resume(self, factor: float) -> None:
        """Have metres again: the place is less sure by the way that it was held for."""
        held, self._held = self._held, None
        if held is not None and self._was_metric:  # before, nobody had been told a place
            way = factor * held
            self._pose.change(lambda state: state.moved_unseen(way))
        self._was_metric = True


def _length(vector: Matrix) -> float:
    return float(np.linalg.norm(vector))
