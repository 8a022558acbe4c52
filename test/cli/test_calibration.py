"""The uncertainty from its training to its calibration, called as people call it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import pytest

from lsd_ros.cli.evaluate.sheet import PANEL_WIDTH
from lsd_ros.cli.main import main
from lsd_ros.models.checkpoint import load_weights, save_weights, untrained_weights
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

SMALL = {
    'loop.batch_size': 2,
    'loop.workers': 0,
    'loop.device': 'cpu',
    'loop.threads': 1,
    'data.width': 96,
    'data.height': 64,
    'pose.widths': [8, 16],
}
TEACHER = {
    'network.hidden_encoder_widths': [8] * 5,
    'network.teacher.group_widths': [8] * 6,
    'network.teacher.group_blocks': [1, 1, 1, 0, 1, 1],
}
STUDENT = {'network.encoder_widths': [8] * 5, 'network.uncertainty': 'true'}

TORCH = ('--backend', 'torch', '--set', 'threads=1')


def call(*argv: str | Path) -> int:
    return main([str(word) for word in argv])


def refusal(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    assert call(*argv) == 1
    return capsys.readouterr().err.strip().splitlines()[-1]


def train(kind: str, data: Path, out: Path, given: dict[str, Any], *more: str | Path) -> None:
    chosen = [f'--set={name}={value}' for name, value in {**SMALL, **given}.items()]
    command = ['train', kind, '--data', data, '--out', out, '--max-steps', '2']
    assert call(*command, *chosen, *more) == 0


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a sequence, a teacher, and its student that says how far it is off."""
    folder = tmp_path_factory.mktemp('calibration')
    camera = Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    write_sequence(folder / 'hall', SyntheticDrive('corridor', 0, camera, 6, start_s=3.0))
    train('teacher', folder / 'hall', folder / 'teacher', TEACHER)
    more = ['--teacher', folder / 'teacher']
    train('student', folder / 'hall', folder / 'student', STUDENT, *more)
    return folder


def test_calibrated_weights_cover_what_they_say(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, out = folder / 'student' / 'weights.safetensors', tmp_path / 'errors.json'
    judge = ['evaluate', '--weights', weights, '--data', folder / 'hall', *TORCH]
    assert call(*judge, '--write-calibration', '--json', out) == 0
    before = json.loads(out.read_text())['hall']['uncertainty']
    assert load_weights(weights).card.uncertainty_factor == pytest.approx(before['factor'])
    assert 'is written into' in capsys.readouterr().out
    assert call(*judge, '--json', out, '--pictures', tmp_path / 'pictures') == 0
    after = json.loads(out.read_text())['hall']['uncertainty']
    assert after['coverage_1'] == pytest.approx(0.6827, abs=0.01)
    assert after['factor'] == pytest.approx(1, abs=0.01)
    assert after['ause'] == pytest.approx(before['ause'], rel=1e-4)
    assert 'within 1 sigma' in capsys.readouterr().out
    sheet = cv2.imread(str(tmp_path / 'pictures' / 'hall_sheet.png'))
    assert sheet.shape[1] // PANEL_WIDTH == 5, 'the last panel is the error that was expected'


def test_calibrated_motions_are_as_wrong_as_they_say(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, out = tmp_path / 'weights.safetensors', tmp_path / 'errors.json'
    shutil.copy(folder / 'student' / 'weights.safetensors', weights)
    camera = Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    write_sequence(tmp_path / 'walk', SyntheticDrive('corridor', 1, camera, 30))
    judge = ['evaluate', '--weights', weights, '--data', tmp_path / 'walk', *TORCH, '--json', out]
    judged = load_weights(weights)
    assert call(*judge, '--write-calibration') == 0
    assert 'motion_noise is written into' in capsys.readouterr().out
    before = json.loads(out.read_text())['walk']['motion_noise']
    assert not before['measured_before']
    written = load_weights(weights)
    assert written.sha256 != judged.sha256, 'the card is part of what it covers'
    assert written.card.motion_noise is not None
    assert written.card.motion_noise.along == pytest.approx(before['fitted']['along'])
    assert call(*judge) == 0
    after = json.loads(out.read_text())['walk']['motion_noise']
    assert after['measured_before']
    assert after['nees_steps'] == pytest.approx(1, abs=0.35)
    assert 'what the weights say' in ' '.join(capsys.readouterr().out.split())


def test_a_student_is_compared_with_its_teacher_where_there_is_no_truth(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'distances.json'
    taught = ['--data', folder / 'hall', '--teacher', folder / 'teacher', '--json', out]
    assert call('evaluate', '--weights', folder / 'teacher', *taught) == 0
    itself = json.loads(out.read_text())['hall']
    assert itself['abs_rel'] == pytest.approx(0, abs=1e-6)
    weights = folder / 'student' / 'weights.safetensors'
    assert call('evaluate', '--weights', weights, *TORCH, *taught) == 0
    distance = json.loads(out.read_text())['hall']
    assert distance['abs_rel'] > 1e-3
    assert 0 < distance['uncertainty']['coverage_1'] <= 1
    assert 'ate_m' not in distance


def test_what_cannot_be_calibrated_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ignorant = tmp_path / 'ignorant.safetensors'
    save_weights(untrained_weights(), ignorant)
    judge = ['evaluate', '--data', folder / 'hall', *TORCH, '--write-calibration']
    told = refusal(capsys, *judge, '--weights', ignorant)
    assert 'nothing to calibrate' in told
    assert 'network.uncertainty' in told
    assert 'the path of one' in refusal(capsys, *judge)
    assert 'the path of one' in refusal(capsys, *judge, '--weights', folder / 'teacher')
