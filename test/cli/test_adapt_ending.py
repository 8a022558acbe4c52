"""New weights appear when everything else is there; before that, the same call goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsd_ros.adaptation.adaptation import Adaptation
from lsd_ros.cli.adapt import action
from lsd_ros.cli.main import main
from lsd_ros.models.checkpoint import load_weights
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera


@pytest.fixture
def call(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A call whose training is over."""
    camera = Camera(64, 48, 40.0, 40.0, 31.5, 23.5)
    write_sequence(tmp_path / 'drive', SyntheticDrive('room', 0, camera, 2))
    parts = [{'name': 'drive_00', 'images': 2, 'metres': 'odometry', 'deviation': 0.01}]
    monkeypatch.setattr(
        action, 'adapt', lambda *_, **__: Adaptation('street', parts=parts, weights=weights)
    )
    return ['adapt', str(tmp_path / 'drive'), '--out', str(tmp_path / 'out' / 'a.safetensors')]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_call_that_ends_before_its_report_is_there_leaves_no_weights(
    call: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / 'out' / 'a.safetensors'
    out.parent.mkdir()
    for error, code in ((KeyboardInterrupt(), 130), (OSError(28, 'No space left'), 1)):
        with monkeypatch.context() as patch:
            patch.setattr(action, '_write_report', lambda *_, error=error: _raise(error))
            assert main(call) == code
        assert left(out.parent) == ['a.safetensors.adapt']
    assert main(call) == 0
    assert left(out.parent) == ['a.safetensors', 'a.safetensors.adapt']
    assert load_weights(out).card.name == 'adapted from street'
    report = json.loads((tmp_path / 'out' / 'a.safetensors.adapt' / 'report.json').read_text())
    assert report['start'] == 'street'


def test_weights_that_another_process_wrote_meanwhile_stay(
    call: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    out = tmp_path / 'out' / 'a.safetensors'
    out.parent.mkdir()
    adapt = action.adapt

    def overtaken(*given: object, **more: object) -> Adaptation:
        out.write_text('of another process')
        return adapt(*given, **more)

    monkeypatch.setattr(action, 'adapt', overtaken)
    assert main(call) == 1
    assert 'a.safetensors exists: choose another, or add --overwrite' in capsys.readouterr().err
    assert out.read_text() == 'of another process'


def test_a_folder_that_is_removed_meanwhile_is_named(
    call: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    (tmp_path / 'out').mkdir()
    adapt = action.adapt

    def removed(*given: object, **more: object) -> Adaptation:
        (tmp_path / 'out').rename(tmp_path / 'elsewhere')
        return adapt(*given, **more)

    monkeypatch.setattr(action, 'adapt', removed)
    assert main([*call, '--work', str(tmp_path / 'work')]) == 1
    said = capsys.readouterr().err
    assert 'a.safetensors (No such file or directory): check that the folder is there' in said
    assert not (tmp_path / 'out').exists()


def _raise(error: BaseException) -> None:
    raise error
