import logging
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lsd_ros import settings
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.errors import SettingError
from lsd_ros.models.checkpoint import load_weights
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.training import precision
from lsd_ros.training.checkpointing import CheckpointFolder
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.phases import train_student
from lsd_ros.training.recorder import read_metrics
from lsd_ros.training.training_settings import LoopSettings
from lsd_ros.types import Camera

STUDENT = {
    'network.encoder_widths': (8, 8, 16, 16, 24),
    'pose.widths': (8, 16, 32),
    'data.width': 96,
    'data.height': 64,
    'loop.max_steps': 4,
    'loop.batch_size': 2,
    'loop.workers': 0,
    'loop.threads': 1,
    'loop.device': 'cpu',
    'record.log_every': 1,
    'record.picture_every': 4,
}


def state(run: Path) -> dict:
    checkpoint = CheckpointFolder(run / 'checkpoints').newest()
    assert checkpoint is not None
    return checkpoint.state


def test_both_networks_learn_in_bf16_with_losses_in_32_bits(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(precision, '_has_bf16', lambda device: True)  # emulated where it is not
    write_sequence(
        tmp_path / 'room', SyntheticDrive('room', 1, Camera(96, 64, 60.0, 60.0, 47.5, 31.5), 6)
    )
    losses = {}
    for name in ('full', 'bf16'):
        wanted = settings.build(StudentSettings, {**STUDENT, 'loop.precision': name})
        train_student(wanted, open_sequences([tmp_path / 'room']), tmp_path / name)
        losses[name] = read_metrics(tmp_path / name / 'metrics.jsonl')['loss']
        depth = load_weights(tmp_path / name / 'weights.safetensors').depth
        assert all(tensor.dtype == torch.float32 for tensor in depth.parameters())
    assert losses['bf16'] == pytest.approx(losses['full'], rel=0.05)
    assert losses['bf16'] != losses['full'], 'nothing was computed in 16 bits'


def test_auto_takes_the_fastest_and_changes_no_statistic(
    toy: ModuleType, tmp_path: Path, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(precision, '_has_bf16', lambda device: True)
    timed = []

    def slower_in_bf16(task, batch, kind, device) -> float:
        seconds = measured(task, batch, kind, device)
        timed.append(kind)
        return seconds + (1000 if kind.precision == 'bf16' else 0)

    measured = precision._seconds
    monkeypatch.setattr(precision, '_seconds', slower_in_bf16)
    caplog.set_level(logging.INFO)
    toy.toy_run(tmp_path / 'auto', {'loop.precision': 'auto'})
    toy.toy_run(tmp_path / 'full', {})
    assert {kind.precision for kind in timed} == {'full', 'bf16'}
    assert 'precision full, memory format channels_last: the fastest of' in caplog.text
    for there, here in zip(
        state(tmp_path / 'full')['networks'].values(),
        state(tmp_path / 'auto')['networks'].values(),
        strict=True,
    ):
        assert torch.equal(there, here)


def test_a_processor_without_bf16_goes_on_in_32_bits_and_says_so_once(
    toy: ModuleType, tmp_path: Path, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(precision, '_has_bf16', lambda device: False)
    toy.toy_run(tmp_path / 'bf16', {'loop.precision': 'bf16'})
    toy.toy_run(tmp_path / 'full', {})
    assert caplog.text.count('no bf16: going on in 32 bits') == 1
    for there, here in zip(
        state(tmp_path / 'full')['networks'].values(),
        state(tmp_path / 'bf16')['networks'].values(),
        strict=True,
    ):
        assert torch.equal(there, here)


def test_parts_of_a_step_learn_what_the_whole_step_learns(toy: ModuleType, tmp_path: Path) -> None:
    """Without statistics of the batch, which each part makes of its own samples."""
    given = {'noisy': False, 'loop.max_steps': 5, 'record.log_every': 1}
    toy.toy_run(tmp_path / 'whole', dict(given))
    toy.toy_run(tmp_path / 'parts', {**given, 'loop.accumulation': 2})
    whole, parts = (state(tmp_path / name)['networks'] for name in ('whole', 'parts'))
    for name, wanted in whole.items():
        torch.testing.assert_close(parts[name], wanted, rtol=1e-5, atol=1e-7)
    losses = (
        read_metrics(tmp_path / name / 'metrics.jsonl')['loss'] for name in ('whole', 'parts')
    )
    assert next(losses) == pytest.approx(next(losses), rel=1e-5)


def test_a_step_is_cut_into_equal_parts_or_refused() -> None:
    with pytest.raises(SettingError, match=r'batch_size is 8: it must be a multiple of .* is 3$'):
        LoopSettings(batch_size=8, accumulation=3)


def test_fp16_needs_a_gpu(toy: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="'fp16', which needs cuda: choose 'full'"):
        toy.toy_run(tmp_path / 'run', {'loop.precision': 'fp16'})
