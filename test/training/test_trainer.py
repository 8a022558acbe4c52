from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from lsd_ros.errors import SettingError, TrainingError
from lsd_ros.training.checkpointing import CheckpointFolder
from lsd_ros.training.recorder import read_metrics
from lsd_ros.training.run_folder import RunFolder, read_run_card
from lsd_ros.training.sampling import StepSampler

TOY = Path(__file__).with_name('toy_run.py')


def final_state(run: Path) -> dict[str, Any]:
    newest = CheckpointFolder(run / 'checkpoints').newest()
    assert newest is not None
    return newest.state


def assert_same(a: Any, b: Any) -> None:
    """Compare two trees bit by bit."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for name in a:
            assert_same(a[name], b[name])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            assert_same(left, right)
    else:
        assert a == b


def figures(run: Path) -> dict[str, list[float]]:
    columns = read_metrics(run / 'metrics.jsonl')
    return {name: columns[name] for name in columns if name not in COSTS}


COSTS = ('samples_per_s', 'waiting_share', 'memory_mib')


def between_checkpoints(folder: CheckpointFolder) -> bool:
    return len(folder.steps()) >= 2


def while_writing(folder: CheckpointFolder) -> bool:
    return len(folder.steps()) >= 2 and any(folder.path.glob('.part-*'))


@pytest.mark.parametrize('moment', [between_checkpoints, while_writing])
def test_a_killed_training_that_goes_on_equals_an_unbroken_one(
    toy: ModuleType, tmp_path: Path, moment: Callable[[CheckpointFolder], bool]
) -> None:
    given = {'loop.max_steps': 60, 'record.checkpoint_every': 7, 'loop.workers': 1}
    toy.toy_run(tmp_path / 'unbroken', dict(given))

    command = [sys.executable, TOY, tmp_path / 'killed', json.dumps({**given, 'delay_s': 0.05})]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        folder = CheckpointFolder(tmp_path / 'killed' / 'checkpoints')
        deadline = time.monotonic() + 120
        while not moment(folder) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0002)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL, 'it ended before it was killed'
    assert 0 < folder.steps()[-1] < 60

    toy.toy_run(tmp_path / 'killed', dict(given))
    assert_same(final_state(tmp_path / 'killed'), final_state(tmp_path / 'unbroken'))
    assert figures(tmp_path / 'killed') == figures(tmp_path / 'unbroken')
    assert not list(folder.path.glob('.part-*'))


def test_a_seed_repeats_and_another_one_does_not(toy: ModuleType, tmp_path: Path) -> None:
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        toy.toy_run(tmp_path / name, {'loop.seed': seed})
    a, b, c = (final_state(tmp_path / name)['networks'] for name in 'abc')
    assert_same(a, b)
    assert not torch.equal(a['0.weight'], c['0.weight'])


def test_two_processes_take_the_steps_of_one(toy: ModuleType, tmp_path: Path) -> None:
    """Without statistics of the batch, which each process makes of its own part on the CPU."""
    given = {'noisy': False, 'loop.max_steps': 5, 'record.log_every': 1}
    toy.toy_run(tmp_path / 'one', dict(given))
    launch = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node', '2']
    command = [*launch, '--standalone', TOY, tmp_path / 'two', json.dumps(given)]
    # a busy machine may take minutes; what hangs says where before the time is over
    run = subprocess.run(command, capture_output=True, text=True, timeout=2 * toy.STUCK_S)
    assert run.returncode == 0, run.stderr

    one, two = (final_state(tmp_path / name) for name in ('one', 'two'))
    assert len(two['processes']) == 2
    for name, wanted in one['networks'].items():
        torch.testing.assert_close(two['networks'][name], wanted, rtol=1e-5, atol=1e-7)
    # the averaged gradients themselves, as Adam has gathered them
    for mine, theirs in zip(*(s['optimiser']['state'].values() for s in (one, two)), strict=True):
        torch.testing.assert_close(theirs['exp_avg'], mine['exp_avg'], rtol=1e-4, atol=1e-8)
    one_loss, two_loss = (figures(tmp_path / name)['loss'] for name in ('one', 'two'))
    assert two_loss == pytest.approx(one_loss, rel=1e-5)


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toy.toy_run(tmp_path / 'whole', {})
    wanted = final_state(tmp_path / 'whole')
    folder = CheckpointFolder(tmp_path / 'whole' / 'checkpoints')
    file = folder.path / f'step_{folder.steps()[-1]:07d}' / 'state.pt'
    file.write_bytes(file.read_bytes()[:-100])

    trainer = toy.toy_run(tmp_path / 'whole', {})
    assert trainer.step == 20
    assert 'step_0000020 is damaged' in caplog.text
    assert_same(final_state(tmp_path / 'whole'), wanted)

    for step in folder.steps():
        (folder.path / f'step_{step:07d}' / 'checkpoint.json').write_text('{')
    with pytest.raises(TrainingError, match='not one of the 3 checkpoints'):
        toy.toy_run(tmp_path / 'whole', {})


def test_numbers_that_are_not_finite_stop_the_training_with_the_batch(
    toy: ModuleType, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match='step 8 gives a loss of nan') as caught:
        toy.toy_run(tmp_path / 'run', {'bad_after': 7})
    saved = tmp_path / 'run' / 'bad_batch_0000008_0.pt'
    assert str(saved) in str(caught.value)
    samples = toy.ToySamples()
    batch = torch.load(saved, weights_only=True)['batch']
    every = [samples[toy.Draw(i, epoch)] for i in range(13) for epoch in range(3)]
    assert all(any(torch.equal(image, other) for other in every) for image in batch)
    assert final_state(tmp_path / 'run')['step'] == 5
    assert all(
        tensor.isfinite().all() for tensor in final_state(tmp_path / 'run')['networks'].values()
    )


def test_old_checkpoints_go_and_numbered_ones_stay(toy: ModuleType, tmp_path: Path) -> None:
    given = {'record.checkpoint_every': 2, 'record.keep_last': 2, 'record.keep_every': 8}
    toy.toy_run(tmp_path / 'run', given)
    assert CheckpointFolder(tmp_path / 'run' / 'checkpoints').steps() == [8, 16, 18, 20]


def test_an_existing_run_is_never_overwritten_unasked(toy: ModuleType, tmp_path: Path) -> None:
    run = tmp_path / 'run'
    toy.toy_run(run, {})
    before = final_state(run)
    with pytest.raises(TrainingError, match=r'optimiser\.learning_rate 0\.01, not 0\.02'):
        toy.toy_run(run, {'optimiser.learning_rate': 0.02})
    assert_same(final_state(run), before)
    toy.toy_run(run, {'optimiser.learning_rate': 0.02, 'overwrite': True})
    assert not torch.equal(
        final_state(run)['networks']['0.weight'], before['networks']['0.weight']
    )
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'diary.txt').write_text('dear diary')
    for overwrite in (False, True):
        with pytest.raises(TrainingError, match='holds no training'):
            toy.toy_run(tmp_path / 'mine', {'overwrite': overwrite})


def test_a_checkpoint_of_other_networks_is_refused(toy: ModuleType, tmp_path: Path) -> None:
    toy.toy_run(tmp_path / 'run', {'noisy': False})
    before = final_state(tmp_path / 'run')
    with pytest.raises(TrainingError, match='step_0000020 is of other networks') as caught:
        toy.toy_run(tmp_path / 'run', {'noisy': True})
    assert '\n' not in str(caught.value)
    assert_same(final_state(tmp_path / 'run'), before)


def test_a_training_may_become_longer_where_no_learning_rate_depends_on_its_length(
    toy: ModuleType, tmp_path: Path
) -> None:
    constant = {'optimiser.schedule': 'constant'}
    toy.toy_run(tmp_path / 'run', {**constant, 'loop.max_steps': 10})
    toy.toy_run(tmp_path / 'run', {**constant, 'loop.max_steps': 20})
    toy.toy_run(tmp_path / 'once', {**constant, 'loop.max_steps': 20})
    assert_same(final_state(tmp_path / 'run'), final_state(tmp_path / 'once'))
    toy.toy_run(tmp_path / 'cosine', {'loop.max_steps': 10})
    with pytest.raises(TrainingError, match=r'loop\.max_steps 10, not 20'):
        toy.toy_run(tmp_path / 'cosine', {'loop.max_steps': 20})


@pytest.mark.parametrize(
    ('given', 'file'),
    [
        ({}, 'step_0000005'),
        ({'record.log_every': 1, 'record.checkpoint_every': 1000}, 'tensorboard'),
    ],
)
def test_a_full_disk_stops_with_a_sentence_and_whole_checkpoints(
    toy: ModuleType, tmp_path: Path, given: dict[str, Any], file: str
) -> None:
    """A limit on the size of files stands for the disk."""
    if file == 'tensorboard':
        pytest.importorskip('tensorboard')
    limited = 'import resource, runpy, sys; sys.argv = sys.argv[1:]; '
    limited += 'resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); '
    limited += "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, '-c', limited, TOY, tmp_path / 'run', json.dumps(given)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=2 * toy.STUCK_S)
    assert run.returncode == 1
    assert 'Traceback' not in run.stderr
    assert 'cannot write' in run.stderr
    assert file in run.stderr
    assert CheckpointFolder(tmp_path / 'run' / 'checkpoints').steps() == []


def test_pictures_and_curves_go_to_tensorboard(toy: ModuleType, tmp_path: Path) -> None:
    events = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    toy.toy_run(tmp_path / 'run', {'record.picture_every': 10})
    board = events.EventAccumulator(str(tmp_path / 'run' / 'tensorboard'))
    board.Reload()
    assert [event.step for event in board.Images('picture')] == [10, 20]
    shown = [event.value for event in board.Scalars('loss')]
    assert shown == pytest.approx(figures(tmp_path / 'run')['loss'])


def test_groups_take_turns_and_are_never_mixed() -> None:
    groups = [range(6), range(6, 8)]
    steps = list(itertools.islice(StepSampler(groups, 2, 0), 40))
    for draws in steps:
        assert len({draw.sample < 6 for draw in draws}) == 1
    counts = Counter(draw.sample for draws in steps for draw in draws)
    assert set(counts.values()) == {10}  # ten epochs of eight samples
    assert list(itertools.islice(StepSampler(groups, 2, 0, first_step=17), 23)) == steps[17:]


def test_a_batch_that_processes_cannot_share_is_refused() -> None:
    with pytest.raises(SettingError, match=r'loop\.batch_size is 3.*2 processes'):
        StepSampler([range(10)], 3, 0, processes=2)


def test_a_folder_is_trained_into_by_one_process_at_a_time(
    toy: ModuleType, tmp_path: Path
) -> None:
    toy.toy_run(tmp_path / 'run', {})
    card = read_run_card(tmp_path / 'run')
    with (
        RunFolder(tmp_path / 'run', card),
        pytest.raises(TrainingError, match='another process trains into'),
        RunFolder(tmp_path / 'run', card),
    ):
        pass
    with (
        RunFolder(tmp_path / 'run', card),
        pytest.raises(TrainingError, match='another process trains into'),
    ):
        toy.toy_run(tmp_path / 'run', {'overwrite': True})
    assert final_state(tmp_path / 'run')['step'] == 20


def test_a_sample_that_is_there_twice_is_drawn_twice_an_epoch_and_never_alike():
    steps = itertools.islice(StepSampler([[0, 1, 1]], 3, 0), 4)
    draws = [draw for step in steps for draw in step]
    assert len(set(draws)) == len(draws)
    assert sum(draw.sample == 1 for draw in draws) == 8
