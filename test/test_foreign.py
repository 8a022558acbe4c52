"""The door to foreign code lets nothing through but results and errors of ours."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lsd_ros.errors import DatasetError, MessageError
from lsd_ros.foreign.door import ForeignCode, iterated, translated
from lsd_ros.foreign.files import read_text
from lsd_ros.foreign.printable import printable
from lsd_ros.foreign.yaml_text import parse_yaml


@pytest.mark.parametrize(
    ('error', 'reason'),
    [
        (ValueError('no  number\n at all'), 'it fails: no number at all'),
        (MemoryError(), 'it fails: it asks for more memory than there is'),
        (RecursionError('deep'), 'it fails: it is nested too deeply'),
        (KeyError('width'), "it fails: 'width' is missing"),
        (OSError(2, 'No such file'), 'it fails: No such file'),
        (AssertionError(), 'it fails: AssertionError'),
        (ValueError('\x1b[2J'), r'it fails: \x1b[2J'),
    ],
)
def test_whatever_foreign_code_raises_becomes_a_sentence(error: Exception, reason: str) -> None:
    with pytest.raises(DatasetError) as caught, ForeignCode(DatasetError, 'it fails'):
        raise error
    assert str(caught.value) == reason
    assert caught.value.__cause__ is error


def test_a_long_reason_is_cut_and_the_remedy_stays() -> None:
    with (
        pytest.raises(DatasetError, match=r'^it fails \(x{300} \.\.\.\): do that$'),
        ForeignCode(DatasetError, 'it fails', 'do that'),
    ):
        raise ValueError('x' * 10_000)


@pytest.mark.parametrize('error', [MessageError('ours'), KeyboardInterrupt(), SystemExit(3)])
def test_our_own_errors_and_ends_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, ForeignCode(DatasetError, 'it fails'):
        raise error
    assert caught.value is error


def test_panics_of_rust_are_errors_too() -> None:
    panic = type('PanicException', (BaseException,), {'__module__': 'pyo3_runtime'})
    with pytest.raises(DatasetError, match='it fails: oh'), ForeignCode(DatasetError, 'it fails'):
        raise panic('oh')


def test_what_the_user_of_an_iterator_raises_is_not_touched() -> None:
    def items():
        yield 1
        raise ValueError('broken')

    def user() -> None:
        for _ in iterated(items(), DatasetError, 'it fails'):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        user()
    with pytest.raises(DatasetError, match='it fails: broken'):
        list(iterated(items(), DatasetError, 'it fails'))


def test_a_function_keeps_its_name_and_loses_its_errors() -> None:
    @translated(DatasetError, 'no number')
    def number(text: str) -> int:
        return int(text)

    assert (number.__name__, number('7')) == ('number', 7)
    with pytest.raises(DatasetError, match='no number: invalid literal'):
        number('seven')


BOMB = '\n'.join(
    [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9 if n else ["lol"] * 9)}]' for n in range(12)]
)


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        (BOMB, 'stand for more than 1000000 values'),
        ('a: &a [*a]', 'the alias a stands for nothing before it'),
        ('[' * 200 + ']' * 200, 'nested more than 64 deep'),
        ('[' * 100_000, 'nest'),
        ('a: !!float x', "could not convert string to float: 'x'"),
        ('a: !!int [1]', 'expected a scalar node'),
        ('!!timestamp nonsense', 'x is not YAML'),
        ('a: !!python/object/apply:os.system [ls]', 'could not determine a constructor'),
        ('? [a]\n: 1', 'unhashable key'),
        ('a: ' + '9' * 10_000, 'x is not YAML'),
        ('\x07', 'control characters are not allowed'),
        ('- ' * 9_000_000, 'characters are more than'),
    ],
)
def test_yaml_of_others_is_data_or_a_sentence(text: str, reason: str) -> None:
    started = time.monotonic()
    with pytest.raises(DatasetError, match='^x is not YAML') as error:
        parse_yaml(text, 'x', DatasetError)
    assert reason in str(error.value)
    assert time.monotonic() - started < 30, 'it hangs'


def test_dates_stay_text_and_aliases_that_are_few_are_resolved() -> None:
    text = 'a: 2024-13-45\nb: 2024-01-02\nc: &c [1, .inf]\nd: *c\ne: !!opencv-matrix {rows: 1}'
    assert parse_yaml(text, 'x', DatasetError) == {
        'a': '2024-13-45',
        'b': '2024-01-02',
        'c': [1, float('inf')],
        'd': [1, float('inf')],
        'e': {'rows': 1},
    }


def test_files_that_are_none_are_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'latin').write_bytes(b'caf\xe9')
    (tmp_path / 'marked').write_bytes(b'\xef\xbb\xbfa')
    for name, sentence in {
        'pipe': 'it is a pipe and no file',
        '.': 'it is a folder and no file',
        'none': 'No such file or directory',
        'latin': 'is no text in UTF-8',
    }.items():
        with pytest.raises(DatasetError, match=sentence):
            read_text(tmp_path / name, DatasetError)
    assert read_text(tmp_path / 'marked', DatasetError) == 'a'
    with pytest.raises(DatasetError, match='its 4 bytes are more than 3'):
        read_text(tmp_path / 'latin', DatasetError, 3)


def test_what_steers_a_terminal_is_shown() -> None:
    assert printable('a\tb\nc é 漢 \U0001f600') == 'a\tb\nc é 漢 \U0001f600'
    assert printable('\x1b[31m\r\x7f\x9b\u202e\udcff') == r'\x1b[31m\x0d\x7f\x9b\u202e\udcff'
