"""Whatever the bytes are: a result or one of our errors, in time and in memory."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='needs rosbags')
sys.path.insert(0, str(Path(__file__).parent))

import trials
from mutations import mutated_bytes, mutated_text
from options import ODD_VALUES, run_calls, run_training_settings
from originals import Original, make_originals
from readers import READERS
from trials import FAILURES, Tally, in_processes, judged, run_files

from lsd_ros.errors import DatasetError

SEED = 20_251_129
TRIES = {'bags': 40, 'weights': 40, 'texts': 50, 'images': 40, 'videos': 20}  # of each kind


@pytest.fixture(scope='module')
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[Original]:
    return make_originals(tmp_path_factory.mktemp('originals') / 'sound')


def checked(tally: Tally, count: int) -> None:
    assert not tally.failures, '\n'.join(tally.failures[:5])
    assert tally.counts['read'] + tally.counts['refused'] == count


def test_sound_files_are_read(originals: list[Original]) -> None:
    for original in originals:
        if original.reader != 'extraction':  # which writes
            READERS[original.reader](original.path)


@pytest.mark.parametrize('group', TRIES)
def test_damaged_files_give_a_result_or_a_sentence(
    originals: list[Original], group: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(60, 'lsd_ros')
    of_group = [original for original in originals if original.group == group]
    count = TRIES[group] * len(of_group)
    ((_, tally),) = in_processes([(group, lambda: run_files(of_group, count, SEED))])
    checked(tally, count)
    assert tally.counts['refused'], 'not one was damaged enough'


def test_odd_options_give_an_exit_code(originals: list[Original]) -> None:
    calls = 60
    share = (7, 101)  # one of so many
    ((_, tally),) = in_processes([('options', lambda: run_calls(originals, share, calls))])
    checked(tally, calls)


def test_odd_settings_of_trainings_are_refused_or_taken() -> None:
    tally = run_training_settings(ODD_VALUES[::4])
    checked(tally, sum(tally.counts.values()))


def test_the_same_seed_gives_the_same_damage() -> None:
    import random

    for mutated in (mutated_bytes, mutated_text):
        data = b'stamp: 1\nsize: [1, 2]\n' * 20
        first, again, other = (mutated(random.Random(seed), data) for seed in (1, 1, 2))
        assert first == again != other


def _hangs() -> None:
    time.sleep(60)


def _loops() -> None:
    for _ in itertools.repeat(0):
        pass


def _eats() -> None:
    assert len(bytearray(2200 * 2**20))


def _breaks() -> None:
    raise ValueError('foreign')


def _dies() -> Iterator[Tally]:
    import os

    os._exit(3)


@pytest.mark.parametrize(
    ('trial', 'outcome'),
    [(_hangs, 'hang'), (_loops, 'hang'), (_eats, 'memory'), (_breaks, 'traceback')],
)
def test_what_must_not_be_is_noticed(
    trial: object, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, 'HANG_S', 0.5 if outcome == 'hang' else 10)
    ((_, tally),) = in_processes([('x', lambda: judged('x', trial))])  # type: ignore[arg-type]
    assert tally.counts[outcome] == 1
    assert outcome in FAILURES
    assert len(tally.failures) == 1


def test_a_process_that_dies_is_noticed() -> None:
    ((_, tally),) = in_processes([('x', _dies)])  # type: ignore[list-item]
    assert tally.counts['crash'] == 1


def test_an_error_of_ours_is_no_failure() -> None:
    def refuses() -> None:
        raise DatasetError('x is damaged')

    assert judged('x', refuses).counts == {'refused': 1}
