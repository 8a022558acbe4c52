"""
How well is the uncertainty of depth calibrated? Trains and judges what docs/measurements.md says.

    python experiments/uncertainty.py OUT [--test DATA/val/kitti_odom04_cam2 ...]

Worlds to learn from, others to calibrate on, and others again to judge on. It goes on where it was
stopped, and prints every call of ``lsd_ros`` before it makes it; about half an hour on one core.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

LSD_ROS = (sys.executable, '-m', 'lsd_ros.cli.main')
CAMERA = Camera(384, 128, 222.0, 222.0, 191.5, 63.5)
TRAINED, CALIBRATED, JUDGED = range(6), (200, 201, 202), (100, 101, 102)
STEPS = 400
WIDTHS = [8, 16, 32, 64, 96]
BOTH: dict[str, Any] = {
    'data.width': 192,
    'data.height': 64,
    'data.augmentation.min_scale': 1.0,
    'input.colour': 'grey',
    'loop.batch_size': 4,
    'loop.device': 'cpu',
    'loop.workers': 0,
    'loop.threads': 1,
    'optimiser.learning_rate': 2e-3,
    'optimiser.warmup_steps': 10,
    'optimiser.average': 0.98,
    'pose.output_scale': 0.03,
    'pose.widths': [8, 16, 32, 48, 64],
    'objective.scales': 2,
    'objective.feature': 0.0,
    'record.picture_every': 0,
    'record.log_every': 20,
    'record.checkpoint_every': 100,
}
OWN: dict[str, dict[str, Any]] = {
    'teacher': {
        'network.teacher.group_widths': [16, 24, 32, 64, 96, 128],
        'network.teacher.group_blocks': [1, 1, 1, 0, 2, 2],
        'network.teacher.full_width': 16,
        'network.hidden_encoder_widths': WIDTHS,
    },
    'student': {'network.encoder_widths': WIDTHS, 'network.uncertainty': 'true'},
}


def make(folder: Path) -> None:
    """Write the streets."""
    kinds = {'train': (TRAINED, 100, 10.0), 'calibrate': (CALIBRATED, 12, 1.0)}
    for name, (seeds, images, rate_hz) in {**kinds, 'judge': (JUDGED, 12, 1.0)}.items():
        for seed in seeds:
            path = folder / name / f'street{seed}'
            if not path.exists():
                drive = SyntheticDrive(
                    'street', seed, CAMERA, images, rate_hz=rate_hz, start_s=2.5
                )
                write_sequence(path, drive)


def train(kind: str, out: Path, *more: object) -> None:
    """Train a phase, or go on with it."""
    chosen = [f'--set={name}={value}' for name, value in {**BOTH, **OWN[kind]}.items()]
    call('train', kind, '--data', out / 'train', '--out', out / kind, *more, *chosen)


def call(*words: object) -> None:
    """Say and make a call of the command."""
    command = [str(word) for word in words]
    print('\nlsd_ros', shlex.join(command), flush=True)
    subprocess.run([*LSD_ROS, *command], check=True)


def main() -> None:
    """Make, train, calibrate, judge."""
    parser = argparse.ArgumentParser(description='How well is the uncertainty calibrated?')
    parser.add_argument('out', type=Path)
    parser.add_argument('--test', type=Path, nargs='*', default=[], help='other data with depth')
    parser.add_argument('--teacher-steps', type=int, default=STEPS)
    given = parser.parse_args()
    out, others = given.out, given.test
    make(out)
    train('teacher', out, '--max-steps', given.teacher_steps)
    train('student', out, '--max-steps', STEPS, '--teacher', out / 'teacher')
    told, fitted = out / 'student' / 'weights.safetensors', out / 'calibrated.safetensors'
    shutil.copy(told, fitted)
    judge = ('evaluate', '--data', out / 'judge', *others)
    call('evaluate', '--weights', out / 'teacher', '--data', out / 'judge', *others)
    call(*judge[:3], '--weights', told, '--teacher', out / 'teacher')
    call(*judge, '--weights', told)
    call('evaluate', '--data', out / 'calibrate', '--weights', fitted, '--write-calibration')
    call(*judge, '--weights', fitted)


if __name__ == '__main__':
    main()
