"""The trainings of an adaptation: by what geometry found, or by the images alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import TrainingError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.models.weights import Weights
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.phases import Progress, train_student, unseen
from lsd_ros.training.recorder import read_metrics
from lsd_ros.training.run_folder import BEST_WEIGHTS, METRICS, WEIGHTS

ROOM_M = 6.0  # median of the sure points below which a place is a room
ROOM_UNIT, STREET_UNIT = 2.0, 10.0  # metres per unit of network depth
ROOM_FURTHEST_M = 15.0
FEWEST_STEPS, MOST_STEPS = 150, 30000
PROBE_STEPS = 12
REPLAYED = 'replayed_*'
MOST_GAP = 12  # images between neighbours that show enough parallax
SMOOTHNESS = 0.005  # of images alone, where holes open without it
PLAN = 'plan.json'
LOGGER = logging.getLogger(__name__)


def depth_settings(
    start: Weights, path: Path, points: NDArray[np.float32], given: AdaptationSettings
) -> dict[str, Any]:
    """
    Return the settings of the depth training, by their names.

    :param start: what is gone on from
    :param path: its file
    :param points: depth of the sure points [m], shape (N,)
    """
    is_room = float(np.median(points)) < ROOM_M
    metric = start.card.metric
    unit = start.card.metres_per_unit if metric else (ROOM_UNIT if is_room else STREET_UNIT)
    depths = start.depths
    furthest_m = depths.max_depth * unit
    nearest_m = float(np.percentile(points, 1)) / 2
    if is_room:
        furthest_m = min(furthest_m, ROOM_FURTHEST_M)
    return {
        **_common(start, path, given),
        'trained': 'depth',
        'input.min_depth': min(depths.min_depth, nearest_m / unit),
        'input.max_depth': furthest_m / unit,
        'data.single_images': True,
        'data.true_depth': True,
        'data.shares': _shares(given.replay),
        'truth.weight': 1.0,
        'truth.gradient': 0.5,
        'truth.furthest_m': furthest_m,
        'metric.metres_per_unit': unit,
        'metric.focal_px': start.card.focal_px,
        'validation.max_depth_m': furthest_m,
    }


def pose_settings(start: Weights, path: Path, given: AdaptationSettings) -> dict[str, Any]:
    """
    Return the settings of the pose training, by their names.

    :param start: what the depth training made
    :param path: its file
    """
    return {
        **_common(start, path, given),
        'trained': 'pose',
        'input.min_depth': start.depths.min_depth,
        'input.max_depth': start.depths.max_depth,
        'loop.batch_size': 2 * given.batch_size,
        'data.gap': 1,
        'data.gap_multiples': (0, 1, 1, 1, 2, 2, 3),
        'data.min_difference': 0.0,
        'data.motion_from_poses': True,
        'data.augmentation.turn_deg': 0.7,
        'data.augmentation.min_scale': 0.9,
        'metric.motion': 1.0,
        'metric.turn_rad': 0.01,
        'metric.shortest_m': 0.01,
        'metric.metres_per_unit': start.card.metres_per_unit,
        'metric.focal_px': start.card.focal_px,
    }


def image_settings(
    start: Weights, path: Path, points: NDArray[np.float32], given: AdaptationSettings
) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return the settings of learning from images alone, by their names: of motions, then of both.

    Motions come first, by the depth of the start: both at once end where motions lead that are
    worth nothing yet. Then depth follows slowly, held to the start where the images say little.

    :param start: what is gone on from
    :param path: its file
    :param points: depth of the sure points [m], shape (N,)
    """
    bounds = depth_settings(start, path, points, given)
    common = {
        **_common(start, path, given),
        'data.parallax_px': given.parallax_px,
        'data.max_gap': MOST_GAP,
        'data.min_difference': 0.0,
        'objective.bidirectional': False,
        'objective.occlusion': False,
        'objective.motion': False,
        'objective.selection': 'minimum',
        'objective.auto_mask': True,
        'objective.structure': 0.0,
        'objective.feature': 0.0,
        'validation.figure': 'photometric',
    }
    depths = start.depths
    moving = {
        **common,
        'trained': 'pose',
        'input.min_depth': depths.min_depth,
        'input.max_depth': depths.max_depth,
        'loop.batch_size': 2 * given.batch_size,
        'objective.auto_mask': False,  # at first no motion explains more than standing still
        'data.augmentation.min_scale': 0.9,
    }
    both = {
        **common,
        'input.min_depth': bounds['input.min_depth'],
        'input.max_depth': bounds['input.max_depth'],
        'objective.smoothness': SMOOTHNESS,
        'depth_rate': given.depth_rate,
        'anchor': given.anchor,
    }
    return moving, both


def learn(
    given: dict[str, Any],
    data: Sequence[TrainingSequence],
    held_out: Sequence[TrainingSequence],
    out: Path,
    seconds: float,
    *,
    minutes: float = 0.0,
    command: str = '',
    progress: Progress = unseen,
) -> Path:
    """
    Train for some time.

    How many steps that is, is measured once, and remembered beside the training, so that one that
    was interrupted goes on with the same number.

    :param given: settings by their names
    :param held_out: where there are any, the best weights on these are returned
    :param out: folder of the training
    :param seconds: how long it may take
    :param minutes: of the whole adaptation, which the number of steps was planned for
    :return: file of the weights
    :raises LsdError: the data cannot be read, or the training fails
    """
    plan = out.parent / f'{out.name}.{PLAN}'
    if plan.exists():
        steps = _planned(plan, minutes)
    else:
        steps = _affordable(given, data, out.parent / f'{out.name}.probe', seconds)
        content = json.dumps({'steps': steps, 'minutes': minutes}).encode()
        write_atomically(plan, content, durable=True, kind=TrainingError)
    every = max(25, steps // 12)
    chosen = {
        'loop.max_steps': steps,
        'optimiser.average': 0.998 if steps > 1000 else 0.99,
        'optimiser.warmup_steps': min(100, steps // 10),
        'record.checkpoint_every': every,
        'validation.every': every,
    }
    wanted = settings.build(StudentSettings, {**given, **chosen})
    train_student(wanted, data, out, validation=held_out, command=command, progress=progress)
    return out / (BEST_WEIGHTS if held_out else WEIGHTS)


def _planned(plan: Path, minutes: float) -> int:
    """Return how many steps were planned; another time makes them another training."""
    with ForeignCode(TrainingError, f'{plan} is damaged', 'remove it, and call again'):
        told = json.loads(plan.read_text(encoding='utf-8'))
        steps, before = int(told['steps']), float(told.get('minutes', minutes))
    if before != minutes:
        raise TrainingError(
            f'{plan.parent} holds a training that was planned for {before:g} minutes, not '
            f'{minutes:g}: give the same again, or --overwrite to begin anew'
        )
    return steps


def _affordable(
    given: dict[str, Any], data: Sequence[TrainingSequence], probe: Path, seconds: float
) -> int:
    """Return how many steps fit into a time, by making some."""
    few = {'loop.max_steps': PROBE_STEPS, 'record.log_every': PROBE_STEPS // 2}
    wanted = settings.build(StudentSettings, {**given, **few})
    train_student(wanted, data, probe, overwrite=probe.exists())
    speed = read_metrics(probe / METRICS)['samples_per_s'][-1]
    steps = int(seconds * speed / wanted.loop.batch_size)
    LOGGER.info('%.1f samples/s: %d steps in %.0f s', speed, steps, seconds)
    return int(np.clip(steps, FEWEST_STEPS, MOST_STEPS))


def _common(start: Weights, path: Path, given: AdaptationSettings) -> dict[str, Any]:
    """Return what both trainings take from the weights that they go on from."""
    seen = start.preprocessing
    networks = {
        **{f'network.{name}': value for name, value in settings.values(start.depth.shape).items()},
        **{f'pose.{name}': value for name, value in settings.values(start.pose.shape).items()},
    }
    return {
        **networks,
        'network.uncertainty': False,  # it is learned from a teacher
        'start_from': str(path),
        'input.colour': seen.colour,
        'input.fit_at_use': seen.fit,
        'data.width': seen.width,
        'data.height': seen.height,
        'data.augmentation.min_scale': 0.65,
        'data.augmentation.brightness': 0.3,
        'data.augmentation.contrast': 0.3,
        'data.augmentation.gamma': 0.3,
        'loop.batch_size': given.batch_size,
        'loop.seed': given.seed,
        'loop.workers': 0,
        'loop.threads': given.threads,
        'loop.precision': 'auto',
        'optimiser.learning_rate': given.learning_rate,
        'record.log_every': 25,
        'record.picture_every': 0,
        'record.keep_every': 0,
    }


def _shares(replay: float) -> tuple[str, ...]:
    if not replay:
        return ()
    return (f'{REPLAYED} {replay}', f'* {1 - replay}')
