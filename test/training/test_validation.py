"""Held-out data while training: the right figures, the best checkpoint, an early end."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from lsd_ros import settings
from lsd_ros.cli.main import main
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.errors import DatasetError
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.training.checkpointing import CheckpointFolder
from lsd_ros.training.phase_settings import StudentSettings, TeacherSettings
from lsd_ros.training.phases import train_student, train_teacher
from lsd_ros.training.trained_teacher import read_teacher
from lsd_ros.training.validation import Course, NeighbourValidation
from lsd_ros.types import Camera

BOTH: dict[str, Any] = {
    'loop.max_steps': 4,
    'loop.batch_size': 2,
    'loop.workers': 0,
    'loop.threads': 1,
    'loop.device': 'cpu',
    'data.width': 96,
    'data.height': 64,
    'data.single_images': True,
    'data.true_depth': True,
    'truth.weight': 1.0,
    'trained': 'depth',
    'metric.focal_px': 60.0,
    'metric.metres_per_unit': 2.0,
    'pose.widths': (8, 16, 32),
    'record.picture_every': 0,
    'validation.every': 2,
}
STUDENT = {**BOTH, 'network.encoder_widths': (8, 8, 16, 16, 24)}
TEACHER = {
    **BOTH,
    'network.teacher.group_widths': (8, 8, 8, 8, 16, 16),
    'network.teacher.group_blocks': (1, 1, 1, 0, 1, 1),
    'network.teacher.full_width': 8,
    'network.hidden_encoder_widths': (8, 8, 16, 16, 24),
}


@pytest.fixture(scope='module')
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('rooms')
    camera = Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    for seed, name in enumerate(('learned', 'held_out', 'other')):
        write_sequence(path / name, SyntheticDrive('room', seed, camera, 5))
    return path


def trained(given: dict[str, Any], rooms: Path, out: Path, *held_out: str, **options: Any) -> Any:
    wanted = settings.build(StudentSettings, {**STUDENT, **given})
    validation = open_sequences([rooms / name for name in held_out]) if held_out else ()
    data = open_sequences([rooms / 'learned'])
    return train_student(wanted, data, out, validation=validation, **options)


def lines(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / 'validation.jsonl').read_text().splitlines()]


def test_figures_are_those_of_evaluate(rooms: Path, tmp_path: Path) -> None:
    trained({'validation.figure': 'rmse_log'}, rooms, tmp_path / 'run', 'held_out', 'other')
    found = lines(tmp_path / 'run')
    assert [line['step'] for line in found] == [2, 4]
    weights, out = tmp_path / 'run' / 'weights.safetensors', tmp_path / 'errors.json'
    data = [str(rooms / name) for name in ('held_out', 'other')]
    assert main(['evaluate', '--weights', str(weights), '--data', *data, '--json', str(out)]) == 0
    errors = json.loads(out.read_text())
    for name in ('held_out', 'other'):
        for figure in ('abs_rel', 'a1', 'rmse_log'):
            wanted = errors[name][figure]
            assert found[-1][f'{name}/{figure}'] == pytest.approx(wanted, rel=0.02)
        unscaled = errors[name]['unscaled']['abs_rel']
        assert found[-1][f'{name}/unscaled'] == pytest.approx(unscaled, rel=0.02)
    mean = (found[-1]['held_out/a1'] + found[-1]['other/a1']) / 2
    assert found[-1]['mean/a1'] == pytest.approx(mean)


def test_the_best_checkpoint_stays_beside_the_last_one(rooms: Path, tmp_path: Path) -> None:
    spoiled = {'optimiser.learning_rate': 0.3, 'loop.max_steps': 8, 'optimiser.average': 0.0}
    trained({**spoiled, 'validation.every': 1}, rooms, tmp_path / 'run', 'held_out')
    found = lines(tmp_path / 'run')
    best = min(found, key=lambda line: line['mean/abs_rel'])
    assert CheckpointFolder(tmp_path / 'run' / 'best').steps() == [best['step']]
    out = tmp_path / 'errors.json'
    weights = str(tmp_path / 'run' / 'best.safetensors')
    data = str(rooms / 'held_out')
    assert main(['evaluate', '--weights', weights, '--data', data, '--json', str(out)]) == 0
    abs_rel = json.loads(out.read_text())['held_out']['abs_rel']
    assert abs_rel == pytest.approx(best['mean/abs_rel'], rel=0.02)


def test_another_figure_is_not_compared_with_the_best_of_one() -> None:
    course = Course()
    assert course.note(0.13, 'photometric')
    assert course.note(0.79, 'abs_rel'), 'the first of its kind'
    assert not course.note(0.8, 'abs_rel')
    assert (course.best, course.worse) == (0.79, 1)


def test_images_without_truth_validate_by_how_they_explain_each_other(
    rooms: Path, tmp_path: Path
) -> None:
    plain = tmp_path / 'plain'
    shutil.copytree(rooms / 'held_out', plain)
    shutil.rmtree(plain / 'depth')
    wanted = settings.build(
        StudentSettings, {**STUDENT, 'data.gap': 1, 'validation.figure': 'photometric'}
    )
    run = tmp_path / 'run'
    train_student(
        wanted, open_sequences([rooms / 'learned']), run, validation=open_sequences([plain])
    )
    found = lines(run)
    first, last = (found[place]['plain/standing'] for place in (0, -1))
    assert last == pytest.approx(first, rel=1e-3), 'it does not look at the networks'
    assert first > 0.01
    best = min(found, key=lambda line: line['mean/photometric'])
    assert CheckpointFolder(run / 'best').steps() == [best['step']]


def test_without_motion_images_are_rebuilt_as_if_the_camera_stood(rooms: Path) -> None:
    given = {**STUDENT, 'data.gap': 1, 'validation.figure': 'photometric'}
    wanted = settings.build(StudentSettings, given)
    validation = NeighbourValidation(open_sequences([rooms / 'held_out']), wanted)
    pose = PoseNet(wanted.pose)
    networks = nn.ModuleDict({'depth': SmallDepthNet(wanted.network), 'pose': pose})
    nn.init.zeros_(pose.head.weight)
    nn.init.zeros_(pose.head.bias)
    still = validation.figures(networks)
    assert still['held_out/photometric'] == pytest.approx(still['held_out/standing'], rel=1e-5)
    nn.init.constant_(pose.head.bias, 10.0)  # times output_scale: the scene is elsewhere
    lost = validation.figures(networks)
    assert lost['held_out/standing'] == still['held_out/standing']
    assert lost['mean/photometric'] > 1.2 * still['mean/photometric']


def test_a_training_that_gets_no_better_ends_early_and_stays_ended(
    rooms: Path, tmp_path: Path
) -> None:
    stuck = {
        'optimiser.learning_rate': 1e-9,
        'optimiser.average': 0.0,
        'loop.max_steps': 40,
        'validation.every': 1,
        'validation.patience': 3,
        'optimiser.warmup_steps': 0,
        'validation.figure': 'a1',
    }
    first = trained(stuck, rooms, tmp_path / 'run', 'held_out')
    assert first.step < 40
    assert first.course.worse == 3
    again = trained(stuck, rooms, tmp_path / 'run', 'held_out')
    assert again.step == first.step
    assert len(lines(tmp_path / 'run')) == first.step


def test_an_interrupted_training_remembers_what_was_best(rooms: Path, tmp_path: Path) -> None:
    given = {'validation.every': 1, 'loop.max_steps': 4, 'record.checkpoint_every': 2}
    whole = trained(given, rooms, tmp_path / 'whole', 'held_out')
    shutil.copytree(tmp_path / 'whole', tmp_path / 'cut')
    shutil.rmtree(tmp_path / 'cut' / 'checkpoints' / 'step_0000004')
    again = trained(given, rooms, tmp_path / 'cut', 'held_out')
    assert dataclasses.asdict(again.course) == dataclasses.asdict(whole.course)
    assert lines(tmp_path / 'cut') == lines(tmp_path / 'whole')


def test_the_best_teacher_can_teach(rooms: Path, tmp_path: Path) -> None:
    wanted = settings.build(TeacherSettings, {**TEACHER, 'validation.every': 1})
    data, held_out = (open_sequences([rooms / name]) for name in ('learned', 'held_out'))
    train_teacher(wanted, data, tmp_path / 'teacher', validation=held_out)
    best = read_teacher(tmp_path / 'teacher' / 'best')
    found = lines(tmp_path / 'teacher')
    assert best.step == min(found, key=lambda line: line['mean/abs_rel'])['step']
    trained({}, rooms, tmp_path / 'run', teacher=tmp_path / 'teacher' / 'best')


def test_a_figure_of_which_more_is_better_rises() -> None:
    course = Course()
    assert [course.note(value, 'a1') for value in (0.5, 0.4, 0.6)] == [True, False, True]
    assert (course.best, course.worse) == (0.6, 0)


def test_what_has_no_truth_cannot_validate(rooms: Path, tmp_path: Path) -> None:
    shutil.copytree(rooms / 'held_out', tmp_path / 'blind', ignore=shutil.ignore_patterns('depth'))
    wanted = settings.build(StudentSettings, STUDENT)
    data, held_out = open_sequences([rooms / 'learned']), open_sequences([tmp_path / 'blind'])
    with pytest.raises(DatasetError, match='blind has no true depth, so that it cannot validate'):
        train_student(wanted, data, tmp_path / 'run', validation=held_out)
    assert not (tmp_path / 'run').exists()


def test_what_is_learned_from_cannot_validate(rooms: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='learned is learned from and cannot validate: give'):
        trained({}, rooms, tmp_path / 'run', 'learned')
