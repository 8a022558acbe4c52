from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.evaluation.depth import depth_errors
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.phases import train_student
from lsd_ros.types import Frame

STEPS = 150
TINY = {
    'loop.batch_size': 4,
    'loop.workers': 0,
    'loop.threads': 1,  # two would starve each other beside a busy process
    'loop.device': 'cpu',
    'data.width': 96,
    'data.height': 64,
    'data.augmentation.min_scale': 1.0,
    'network.encoder_widths': (8, 12, 16, 24, 32),
    'pose.widths': (8, 16, 32, 48, 64),
    'pose.output_scale': 0.03,
    'objective.scales': 2,
    'objective.feature': 0.0,
    'optimiser.learning_rate': 2e-3,
    'optimiser.schedule': 'constant',
    'optimiser.warmup_steps': 10,
    'optimiser.average': 0.95,
    'record.picture_every': 0,
}


def held_out_error(weights: Path, held_out: Path) -> float:
    """Return the mean absolute relative error of all images, median scaled."""
    wanted = EngineSettings(weights=str(weights), depth_size='camera', max_depth_m=1e4)
    engine = Engine.load(wanted)
    errors = []
    for sequence in open_sequences([held_out]):
        for index in range(len(sequence)):
            frame = Frame(index, 'camera', sequence.image(index), sequence.camera)
            depth = engine.process(frame, motion=False).depth
            errors.append(error_of(depth, sequence.depth(index)))
    engine.close()
    return float(np.mean(errors))


def error_of(depth: Any, truth: Any) -> float:
    return depth_errors(depth, truth, median_scaling=True).abs_rel


def test_a_student_learns_to_see_depth_from_images_alone(streets: Any, tmp_path: Path) -> None:
    """Within a minute or so, far below the untrained network and what any constant depth gives."""
    data = open_sequences([streets.train])
    for steps in (1, STEPS):
        wanted = settings.build(StudentSettings, {**TINY, 'loop.max_steps': steps})
        train_student(wanted, data, tmp_path / str(steps))
    untrained, learnt = (
        held_out_error(tmp_path / str(steps) / 'weights.safetensors', streets.held_out)
        for steps in (1, STEPS)
    )
    truths = [
        sequence.depth(index)
        for sequence in open_sequences([streets.held_out])
        for index in range(len(sequence))
    ]
    constant = float(np.mean([error_of(np.ones((2, 2)), truth) for truth in truths]))
    assert untrained == pytest.approx(constant, rel=0.1)
    assert learnt < 0.5 * min(untrained, constant)
