r"""
Does each part of the method help? Trains and judges every row of experiments/ablation.md.

    python experiments/ablation.py make SYNTHETIC
    python experiments/ablation.py run OUT --train SYNTHETIC/train DATA/train \
        --test SYNTHETIC/test DATA/val --seeds 0 1
    python experiments/ablation.py json OUT > results.json
    python experiments/ablation.py table results.json

``run`` goes on where it was stopped; several may run at once, each with seeds of its own. Every
training and every evaluation is a call of ``lsd_ros``, and ``OUT/*/commands.txt`` has them all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

LSD_ROS = (sys.executable, '-m', 'lsd_ros.cli.main')
WIDE = Camera(384, 128, 222.0, 222.0, 191.5, 63.5)
INDOORS = Camera(256, 192, 210.0, 210.0, 127.5, 95.5)
TRAINED_STREETS = range(6)
# rooms and corridors: nothing like them is learned
HELD_OUT = {'street': (100, 101, 102), 'corridor': (100, 101), 'room': (100, 101)}

# what is the same for every row: the smallest network input that shows something
SHARED = {
    'data.width': 192,
    'data.height': 64,
    'input.colour': 'grey',
    'loop.batch_size': 4,
    'loop.device': 'cpu',
    'loop.workers': 0,
    'loop.threads': 1,
    'data.augmentation.min_scale': 1.0,
    'optimiser.learning_rate': 2e-3,
    'optimiser.warmup_steps': 50,
    'pose.output_scale': 0.03,
    'objective.feature': 0.0,
    'record.picture_every': 0,
    'record.log_every': 50,
    'record.checkpoint_every': 500,
    'record.keep_last': 2,
    'record.keep_every': 0,
}
MINIMUM = {
    'objective.bidirectional': False,
    'objective.occlusion': False,
    'objective.motion': False,
    'objective.structure': 0.0,
    'objective.selection': 'minimum',
    'objective.auto_mask': True,
}
TEACHER = {'network.teacher.group_blocks': [1, 2, 2, 0, 4, 4]}
OWN_POSE = {'pose_from_teacher': False}
MEAN_MAP = 'mean_map_abs_rel'


@dataclass(frozen=True)
class Row:
    """
    One line of the table.

    :param kind: ``teacher`` or ``student``
    :param settings: beyond :data:`SHARED`
    :param taught: whether the teacher of the same seed is there
    :param share: of the steps that the other rows have
    """

    name: str
    title: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    taught: bool = False
    share: float = 1.0


def _without(term: str) -> dict[str, Any]:
    return {**OWN_POSE, f'approximation.{term}': 0.0}


# the rows that matter most come first
ROWS = (
    Row('teacher', 'teacher alone', 'teacher', TEACHER),
    Row('photometric', 'student, photometric only', 'student'),
    Row('taught', 'student + L_apx', 'student', OWN_POSE, taught=True),
    Row('no_disparity', '- without its disparity term', 'student', _without('disparity'), True),
    Row('no_decoder', '- without its decoder term', 'student', _without('decoder'), True),
    Row('no_encoder', '- without its encoder term', 'student', _without('encoder'), True),
    Row('sum', 'student, photometric only, plain sum', 'student', {'network.fusion': 'sum'}),
    Row(
        'squared',
        'student + L_apx, mean squared',
        'student',
        {**OWN_POSE, 'approximation.norm': 'mean_squared'},
        taught=True,
    ),
    Row('minimum', 'student, photometric only, minimum and auto-mask', 'student', MINIMUM),
    Row('early', 'student, photometric only, a third of the steps', 'student', share=1 / 3),
    Row(
        'early_taught',
        'student + L_apx, a third of the steps (the teacher has all)',
        'student',
        OWN_POSE,
        taught=True,
        share=1 / 3,
    ),
)


def make(folder: Path) -> None:
    """Write the synthetic sequences: worlds to learn from, and other worlds to be judged on."""
    for seed in TRAINED_STREETS:
        drive = SyntheticDrive('street', seed, WIDE, 100, rate_hz=10.0, start_s=2.5)
        _write(folder / 'train' / f'street{seed}', drive)
    for kind, held_out in HELD_OUT.items():
        camera = WIDE if kind == 'street' else INDOORS
        for seed in held_out:
            drive = SyntheticDrive(kind, seed, camera, 12, rate_hz=1.0, start_s=2.5)
            _write(folder / 'test' / f'synthetic_{kind}{seed}', drive)


def _write(path: Path, drive: SyntheticDrive) -> None:
    if not path.exists():
        write_sequence(path, drive)


def run(given: argparse.Namespace) -> None:
    """Train and judge the rows, seed by seed within a row; what is done already is left out."""
    rows = [row for row in ROWS if not given.rows or row.name in given.rows]
    for row in rows:
        for seed in given.seeds:
            folder = given.out / f'{row.name}_{seed}'
            if not (folder / 'result.json').exists():
                _run_row(row, seed, folder, given)


def _run_row(row: Row, seed: int, folder: Path, given: argparse.Namespace) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    training = folder / 'run'
    steps = round(row.share * given.steps)
    values = {**SHARED, **row.settings, 'loop.seed': seed, 'loop.max_steps': steps}
    train = ['train', row.kind, '--out', training, '--data', *given.train]
    if row.taught:
        train += ['--teacher', given.out / f'teacher_{seed}' / 'run']
    for name, value in values.items():
        train += ['--set', f'{name}={json.dumps(value)}']
    weights = training if row.kind == 'teacher' else training / 'weights.safetensors'
    scores = folder / 'scores.json'
    evaluate = ['evaluate', '--weights', weights, '--data', *given.test, '--json', scores]
    cpu_s = [_call(arguments, folder) for arguments in (train, evaluate)]
    result = {
        'row': row.name,
        'seed': seed,
        'steps': steps,
        'samples': steps * SHARED['loop.batch_size'],
        'training_cpu_s': round(cpu_s[0], 1),  # of its last part, where it was stopped
        'parameters': _parameters(training),
        'settings': row.settings,
        'scores': {name: _kept(score) for name, score in json.loads(scores.read_text()).items()},
    }
    (folder / 'result.json').write_text(json.dumps(result, indent=1))


def _call(arguments: list[Any], folder: Path) -> float:
    """Call ``lsd_ros``, keep the command and what it says, and return its CPU time [s]."""
    command = [*LSD_ROS, *map(str, arguments)]
    with (folder / 'commands.txt').open('a') as commands:
        commands.write(shlex.join(['lsd_ros', *command[3:]]) + '\n')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / 'log.txt').open('a') as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _parameters(training: Path) -> int:
    """Count the parameters of the depth network of a training."""
    import torch

    state = sorted((training / 'checkpoints').glob('step_*'))[-1] / 'state.pt'
    networks = torch.load(state, weights_only=True)['networks']
    statistics = ('running_mean', 'running_var', 'num_batches_tracked')
    return sum(
        value.numel()
        for name, value in networks.items()
        if name.startswith('depth.') and not name.endswith(statistics)
    )


def _kept(score: dict[str, Any]) -> dict[str, Any]:
    names = ('images', 'abs_rel', 'sq_rel', 'rmse', 'a1', 'scale_std', 'ate_m', 't_rel_percent')
    kept = {name: score[name] for name in names if score.get(name) is not None}
    priors = score.get('priors', {})
    return kept | {f'{name}_abs_rel': prior['abs_rel'] for name, prior in priors.items()}


def gather(out: Path) -> list[dict[str, Any]]:
    """Return the results of all rows; ``out`` is a folder of runs, or a file of results."""
    if out.is_file():
        found: list[dict[str, Any]] = json.loads(out.read_text())
        return found
    order = [row.name for row in ROWS]
    results = [json.loads(path.read_text()) for path in out.glob('*/result.json')]
    return sorted(results, key=lambda result: (order.index(result['row']), result['seed']))


def _rounded(result: dict[str, Any]) -> Any:
    return json.loads(json.dumps(result), parse_float=lambda digits: round(float(digits), 4))


def table(results: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the table in Markdown: mean and sample standard deviation over the seeds."""
    sets = _test_sets(results[0])
    heads = ['row', 'seeds', 'parameters', *(f'{name}: AbsRel, a1' for name in sets)]
    yield '| ' + ' | '.join(heads) + ' |'
    yield '|---' * len(heads) + '|'
    for row in ROWS:
        those = [result for result in results if result['row'] == row.name]
        if those:
            cells = [row.title, len(those), f'{those[0]["parameters"] / 1e6:.2f} M']
            cells += [_cell(those, names) for names in sets.values()]
            yield '| ' + ' | '.join(map(str, cells)) + ' |'
    for prior in ('row_prior', 'constant'):
        cells = ['one depth per row' if prior == 'row_prior' else 'one depth', '', '']
        for names in sets.values():
            errors = [results[0]['scores'][name][f'{prior}_abs_rel'] for name in names]
            cells.append(f'{mean(errors):.3f}')
        yield '| ' + ' | '.join(cells) + ' |'


def _test_sets(result: dict[str, Any]) -> dict[str, list[str]]:
    names = [name for name, score in result['scores'].items() if 'abs_rel' in score]
    synthetic = [name for name in names if name.startswith('synthetic')]
    streets = [name for name in synthetic if 'street' in name]
    indoors = [name for name in synthetic if name not in streets]
    others = {name: [name] for name in names if name not in synthetic}
    return {'synthetic streets': streets, 'synthetic indoors': indoors, **others}


def _cell(results: list[dict[str, Any]], names: list[str]) -> str:
    """Return AbsRel (that of the network's own mean map in brackets) and a1."""
    shown = {}
    for figure in ('abs_rel', MEAN_MAP, 'a1'):
        values = [mean(result['scores'][name][figure] for name in names) for result in results]
        spread = f' ± {stdev(values):.3f}' if len(values) > 1 and figure != MEAN_MAP else ''
        shown[figure] = f'{mean(values):.3f}{spread}'
    return f'{shown["abs_rel"]} ({shown[MEAN_MAP]}), {shown["a1"]}'


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest='verb', required=True)
    verbs.add_parser('make').add_argument('folder', type=Path)
    runs = verbs.add_parser('run')
    runs.add_argument('out', type=Path)
    runs.add_argument('--train', type=Path, nargs='+', required=True, help='sequences to learn')
    runs.add_argument('--test', type=Path, nargs='+', required=True, help='held-out sequences')
    runs.add_argument('--seeds', type=int, nargs='+', default=[0, 1])
    runs.add_argument('--steps', type=int, default=300)
    runs.add_argument('--rows', nargs='*', choices=[row.name for row in ROWS])
    for verb in ('table', 'json'):
        verbs.add_parser(verb).add_argument('out', type=Path)
    given = parser.parse_args()
    if given.verb == 'make':
        make(given.folder)
    elif given.verb == 'run':
        run(given)
    elif given.verb == 'table':
        print('\n'.join(table(gather(given.out))))
    else:
        lines = (json.dumps(_rounded(result)) for result in gather(given.out))
        print('[\n' + ',\n'.join(lines) + '\n]')


if __name__ == '__main__':
    main()
