r"""
What a teacher brings: students of one budget, from random weights, with it and without it.

Five hundred steps of 8 at 288 x 96 each, two seeds; the teacher is the first one of ``rooms.sh``
or ``streets.sh``. What is there already is not made again.

    python experiments/shipped/controls.py rooms RUNS/rooms_small OUT --data RENDERED/* \
        TRI/indoor_7scenes_redkitchen_a --left-out office DATA/train/tum_fr1_rpy \
        --left-out rooms OTHERS/*
    python experiments/shipped/controls.py streets RUNS/streets_small OUT --data SYNTH/* \
        TRI/kitti_odom0[02]_cam0 --left-out drive DATA/train/kitti_raw0039x_cam0
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
from pathlib import Path
from typing import Any

HERE = Path('experiments/shipped')
STEPS, SEEDS = 500, (0, 1)
PLACES = {
    'rooms': ('rooms_teacher.yaml', 'data.shares=["indoor_* 0.2","* 0.8"]', 'metric.focal_px=145'),
    'streets': (
        'streets_teacher.yaml',
        'data.shares=["kitti_* 0.5","* 0.5"]',
        'metric.focal_px=167',
    ),
}
COMMON = (
    'loop.precision=bf16',
    'data.width=288',
    'data.height=96',
    'optimiser.learning_rate=1.5e-3',
    'optimiser.weight_decay=0.001',
    'optimiser.average=0.99',
)
TAUGHT = 'pose_from_teacher=false'
ROWS: dict[str, tuple[str, ...]] = {
    'no teacher': (),
    'no teacher, 8, 16, 32, 160, 352 channels': ('network.encoder_widths=[8,16,32,160,352]',),
    'L_apx': (TAUGHT,),
    'a tenth of L_apx': (
        TAUGHT,
        'approximation.encoder=0.005',
        'approximation.decoder=0.01',
        'approximation.disparity=1',
    ),
    'its disparities alone': (TAUGHT, 'approximation.encoder=0', 'approximation.decoder=0'),
}


def main() -> None:
    """Train and evaluate what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('place', choices=PLACES)
    parser.add_argument('teacher', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--data', nargs='+', required=True)
    parser.add_argument('--left-out', nargs='+', action='append', required=True)
    given = parser.parse_args()
    groups = [name for name, *_ in given.left_out]
    print('| |', ' | '.join(f'{name}: AbsRel | a1 | missed | false' for name in groups), '|')
    print('|---' * (1 + 4 * len(groups)) + '|')
    for row, settings in ROWS.items():
        cells = []
        runs = [trained(given, row, settings, seed) for seed in SEEDS]
        for name, *sequences in given.left_out:
            figures = [measured(run, name, sequences) for run in runs]
            cells += [spread(values) for values in zip(*figures, strict=True)]
        print(f'| {row} |', ' | '.join(cells), '|', flush=True)


def trained(given: argparse.Namespace, row: str, settings: tuple[str, ...], seed: int) -> Path:
    """Return the folder of a training, which is gone on with where it was stopped."""
    config, *place = PLACES[given.place]
    out: Path = given.out / f'{given.place} {row} {seed}'.replace(',', '').replace(' ', '_')
    call = ['lsd_ros', 'train', 'student', '--config', str(HERE / config), '--out', str(out)]
    call += ['--max-steps', str(STEPS), '--data', *given.data]
    for setting in (*place, *COMMON, *settings, f'loop.seed={seed}'):
        call += ['--set', setting]
    if TAUGHT in settings:
        call += ['--teacher', str(given.teacher)]
    if not (out / 'weights.safetensors').exists():
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
    return out


def measured(run: Path, name: str, sequences: list[str]) -> tuple[float, ...]:
    """Return AbsRel and a1, means over sequences, and the shares of obstacles missed and false."""
    file = run / f'{name}.json'
    if not file.exists():
        call = [
            'lsd_ros',
            'evaluate',
            '--weights',
            str(run / 'weights.safetensors'),
            '--obstacles',
        ]
        call += ['--set', 'mount.z_m=1.65'] if 'streets' in run.name else []
        call += ['--json', str(file), '--data', *sequences]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
    found: list[dict[str, Any]] = list(json.loads(file.read_text()).values())
    depth = [sum(each[key] for each in found) / len(found) for key in ('abs_rel', 'a1')]
    scans = [each['obstacles'] for each in found if each.get('obstacles', {}).get('obstacles')]
    seen = sum(scan['obstacles'] for scan in scans)
    shares = [sum(s[key] * s['obstacles'] for s in scans) for key in ('missed', 'false')]
    return (*depth, *(share / seen if seen else float('nan') for share in shares))


def spread(values: tuple[float, ...]) -> str:
    """Return the mean of both seeds and half of what is between them."""
    low, high = min(values), max(values)
    if math.isnan(low):  # there was no obstacle
        return '-'
    return f'{(low + high) / 2:.3f} ± {(high - low) / 2:.3f}'


if __name__ == '__main__':
    main()
