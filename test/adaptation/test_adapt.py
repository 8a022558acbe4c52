"""The whole way: from images and their calibration to weights, or to a reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from lsd_ros.adaptation import learning
from lsd_ros.cli.main import main
from lsd_ros.models.checkpoint import load_weights
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

pytest.importorskip('pycolmap')
CAMERA = Camera(256, 128, 160.0, 160.0, 127.5, 63.5)
QUICK = ['--minutes', '0.1', '--set', 'motions.threads=1', '--set', 'threads=1']
QUICK += ['--set', 'replay=0']


@pytest.fixture(scope='module')
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drive through a street with images and a camera, and nothing else."""
    path = tmp_path_factory.mktemp('drive') / 'drive'
    write_sequence(path, SyntheticDrive('street', 5, CAMERA, 40, start_s=2.5))
    (path / 'poses.tum').unlink()
    shutil.rmtree(path / 'depth')
    return path


def test_plain_images_become_better_weights_with_a_report(
    plain: Path, small_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'mine.safetensors'
    before = small_weights.read_bytes()
    call = ['adapt', str(plain), '--out', str(out), '--from', str(small_weights), *QUICK]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert 'drive_00: ' in said
    assert small_weights.read_bytes() == before
    card = load_weights(out).card
    assert card.metric
    assert 'drive_00' in ' '.join(card.data)
    report = json.loads((tmp_path / 'mine.safetensors.adapt' / 'report.json').read_text())
    assert report['after']['abs_rel'] < 0.8 * report['before']['abs_rel']
    assert report['after']['photometric'] < report['after']['one_depth']
    assert list((tmp_path / 'mine.safetensors.adapt').glob('held_out_*.png'))
    assert main(call) == 1, 'what is there is not overwritten'


def test_images_alone_teach_motions_then_both_and_the_recording_says_the_metres(
    plain: Path, small_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, 'FEWEST_STEPS', 25)
    out = tmp_path / 'mine.safetensors'
    call = ['adapt', str(plain), '--out', str(out), '--from', str(small_weights), *QUICK]
    ended = main([*call, '--set', 'learn_from=images'])
    work = tmp_path / 'mine.safetensors.adapt'
    start, moved = (
        load_weights(path)
        for path in (small_weights, work / 'images_pose' / 'weights.safetensors')
    )
    for name, value in start.depth.state_dict().items():
        assert torch.equal(value, moved.depth.state_dict()[name]), name
    assert (ended == 0) == out.exists()
    report = json.loads((work / 'report.json').read_text())
    after = report['after']
    assert load_weights(work / 'images' / 'metric.safetensors').card.metric
    assert after['unscaled'] < after['abs_rel'] + 0.1
    assert after['abs_rel'] < 1.1 * report['before']['abs_rel'], 'the anchor holds'


def test_a_recording_that_shows_nothing_gives_a_reason_and_no_file(
    plain: Path, small_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still = tmp_path / 'still'
    shutil.copytree(plain, still)
    images = sorted((still / 'images').iterdir())
    for image in images[1:]:
        shutil.copy(images[0], image)
    out = tmp_path / 'mine.safetensors'
    call = ['adapt', str(still), '--out', str(out), '--from', str(small_weights), *QUICK]
    assert main(call) == 1
    assert 'no new weights: the camera of still stands still' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ('given', 'sentence'),
    [
        (['--out', 'a.txt'], 'must end in .safetensors'),
        (['--out', 'a.safetensors', '--from', 'nowhere'], 'weights nowhere do not exist'),
        (['--out', 'no/such/a.safetensors'], 'does not exist: make it first'),
    ],
)
def test_a_wrong_call_says_what_is_wrong_before_any_work(
    given: list[str], sentence: str, plain: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(['adapt', str(plain), *given]) == 1
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
