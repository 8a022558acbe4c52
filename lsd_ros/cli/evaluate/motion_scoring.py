"""What the motions of weights are worth on a sequence with true poses, and how sure they are."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from lsd_ros.cli.evaluate.scoring import FRAME_ID, Advance, Judged, Protocol
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import FrameError
from lsd_ros.evaluation.trajectory import (
    absolute_error_m,
    aligned,
    matched,
    relative_errors,
    segment_errors,
)
from lsd_ros.inference.odometry.calibration import (
    JudgedSteps,
    fitted_noise,
    nees_of_poses,
    nees_of_steps,
)
from lsd_ros.types import Estimate, Frame, MotionNoise, Trajectory

NS_PER_S = 1_000_000_000


def score_motion(
    engine: Judged,
    sequence: TrainingSequence,
    protocol: Protocol,
    advance: Advance = lambda: None,
    known: list[JudgedSteps] | None = None,
) -> dict[str, Any]:
    """
    Compare the odometry over the whole sequence, laid upon the truth with one scale.

    :param advance: called after each frame
    :param known: the motions whose truth is known are added to these
    :return: the errors, None where the way is too short or too straight for one; empty where the
        sequence has no poses
    :raises LsdError: an image cannot be read, or the engine fails
    """
    truth = _truth(sequence)
    if truth is None:
        return {}
    moved = _motions(engine, sequence, protocol.frame_step, advance)
    steps = np.linalg.norm(np.diff(truth.world_from_camera[:, :3, 3], axis=0), axis=1)
    score: dict[str, Any] = dict.fromkeys(
        ('ate_m', 'rpe_m', 'rpe_deg', 't_rel_percent', 'r_rel_deg_per_100m', 'odometry_scale')
    )
    score['length_m'] = float(steps.sum())
    try:
        found, wanted = matched(_chained(moved), truth)
        score['metric_ate_m'] = absolute_error_m(found, wanted, 'se3')
        laid = aligned(found, wanted, 'sim3')
        score.update(ate_m=absolute_error_m(found, wanted, 'sim3'), odometry_scale=laid.scale)
        relative = relative_errors(laid.trajectory, wanted)
        score.update(rpe_m=relative.translation_m, rpe_deg=relative.rotation_deg)
        segments = segment_errors(laid.trajectory, wanted, step=max(1, 10 // protocol.frame_step))
        score.update(
            t_rel_percent=segments.t_rel_percent, r_rel_deg_per_100m=segments.r_rel_deg_per_100m
        )
    except FrameError as error:
        score['odometry_note'] = str(error)
    judged = judged_steps(moved, truth)
    if judged is not None:
        score['motion_noise'] = _noise_score(judged, engine.info.motion_noise)
        if known is not None:
            known.append(judged)
    return score


def judged_steps(moved: list[Estimate], truth: Trajectory) -> JudgedSteps | None:
    """
    Put motions beside the true ones; laid upon them with one scale where they are not metric.

    :param moved: estimates with motion
    :return: None where the truth of too few of them is known
    """
    index_of = {int(stamp): index for index, stamp in enumerate(truth.stamps_ns)}
    found, true, seconds = [], [], []
    for motion in (estimate.motion for estimate in moved):
        if motion is None or not {motion.previous_ns, motion.current_ns} <= index_of.keys():
            continue
        previous, current = (
            truth.world_from_camera[index_of[stamp]]
            for stamp in (motion.previous_ns, motion.current_ns)
        )
        found.append(np.linalg.inv(motion.current_from_previous))
        true.append(np.linalg.inv(previous) @ current)
        seconds.append((motion.current_ns - motion.previous_ns) / NS_PER_S)
    ways = [sum(float(np.linalg.norm(step[:3, 3])) for step in steps) for steps in (found, true)]
    try:
        steps = np.reshape(found, (-1, 4, 4))
        factor = 1.0
        if moved and not moved[0].scale.metric and ways[0] > 0:
            factor = ways[1] / ways[0]
            steps[:, :3, 3] *= factor
        factor *= moved[0].scale.factor if moved else 1.0
        return JudgedSteps(steps, np.reshape(true, (-1, 4, 4)), np.array(seconds), factor)
    except FrameError:
        return None


def _noise_score(judged: JudgedSteps, claimed: MotionNoise | None) -> dict[str, Any]:
    """Say how wrong the motions are, and how that fits what is claimed."""
    noise = claimed or MotionNoise()
    return {
        'measured_before': claimed is not None,
        'nees_steps': nees_of_steps(judged, noise),
        'nees_poses': nees_of_poses(judged, noise),
        'fitted': dataclasses.asdict(fitted_noise([judged])),
    }


def _truth(sequence: TrainingSequence) -> Trajectory | None:
    if sequence.poses is None:
        return None
    known = np.isfinite(sequence.poses).all(axis=(1, 2))
    if known.sum() < 3:
        return None
    return Trajectory(sequence.stamps_ns[known], sequence.poses[known])


def _motions(
    engine: Judged, sequence: TrainingSequence, step: int, advance: Advance
) -> list[Estimate]:
    """Return the estimates that have a motion."""
    engine.reset_odometry()
    moved = []
    for index in range(len(sequence)):
        if index % step == 0:
            stamp_ns = int(sequence.stamps_ns[index])
            frame = Frame(stamp_ns, FRAME_ID, sequence.image(index), sequence.camera)
            estimate = engine.process(frame, depth=False)
            if estimate.motion is not None:
                moved.append(estimate)
        advance()
    return moved


def _chained(moved: list[Estimate]) -> Trajectory:
    """
    Append motion to motion: the engine's own pose stands still where the unit is not known.

    :raises FrameError: there is no motion
    """
    motions = [estimate.motion for estimate in moved if estimate.motion is not None]
    if not motions:
        raise FrameError('there is no motion: fewer than three frames follow each other')
    stamps, poses = [motions[0].previous_ns], [np.eye(4)]
    for motion in motions:
        stamps.append(motion.current_ns)
        poses.append(poses[-1] @ np.linalg.inv(motion.current_from_previous))
    return Trajectory(np.array(stamps, np.int64), np.stack(poses))
