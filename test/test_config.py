from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsd_ros import config, settings
from lsd_ros.errors import SettingError
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.settings import setting


@dataclass(frozen=True)
class Inner:
    share: float = setting(0.5, 'A share', minimum=0, maximum=1)
    name: str = setting('', 'Any text')

    def __post_init__(self) -> None:
        settings.check(self)


@dataclass(frozen=True)
class Outer:
    count: int = setting(1, 'A count', minimum=0)
    on: bool = setting(False, 'A switch')
    sizes: tuple[int, ...] = setting((1, 2), 'Some sizes')
    tiny: float = setting(0.0, 'Any number')
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        settings.check(self)


@given(
    count=st.integers(0, 10**12),
    on=st.booleans(),
    sizes=st.lists(st.integers(-9, 9)),
    tiny=st.floats(allow_nan=False, allow_infinity=False),
    share=st.floats(0, 1),
    name=st.text(st.characters(blacklist_categories=['Cc', 'Cs'])),
)
def test_what_is_dumped_is_read_back(
    count: int, on: bool, sizes: list[int], tiny: float, share: float, name: str
) -> None:
    given_settings = Outer(count, on, tuple(sizes), tiny, Inner(share, name))
    assert config.loads(config.dump(given_settings), Outer) == given_settings


def test_the_settings_of_the_engine_survive_a_file(tmp_path: Path) -> None:
    engine = EngineSettings(device='cpu', scale=ScaleSettings('fixed', 2.5))
    config.save(engine, tmp_path / 'engine.yaml')
    assert config.load(tmp_path / 'engine.yaml', EngineSettings) == engine
    assert [path.name for path in tmp_path.iterdir()] == ['engine.yaml']


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('', Outer()),
        ('inner:\n  # share: 1.0\n', Outer()),
        ('inner: {share: 1}', Outer(inner=Inner(share=1.0))),
        ('inner.share: 0.25', Outer(inner=Inner(share=0.25))),
        ('tiny: 1e-3', Outer(tiny=0.001)),
        ('tiny: -2E+5', Outer(tiny=-200000.0)),
        ('sizes: [4, 5]', Outer(sizes=(4, 5))),
    ],
)
def test_what_people_write_means_what_they_expect(text: str, expected: Outer) -> None:
    assert config.loads(text, Outer) == expected


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('cuont: 2', "unknown setting 'cuont': did you mean 'count'"),
        ('inner:\n  shape: 1', "unknown setting 'inner.shape': did you mean 'inner.share'"),
        (
            'zzz: 1',
            "unknown setting 'zzz': the known ones are count, on, sizes, tiny, inner.share",
        ),
        ('inner: 3', "'inner' is a group of settings: set inner.share, inner.name"),
        ('count: 1\ncount: 2', 'line 2 is no valid YAML: count is given twice'),
        ('inner: {share: 1}\ninner.share: 0', 'inner.share is given twice'),
        ('count: 1\n  on: [', 'line 2 is no valid YAML'),
        ('count: {1: [}', 'line 1 is no valid YAML'),
        ('[a]: 1', r'unknown setting|no valid YAML: found unhashable key'),
        ('- 1', 'it holds a list: write one "name: value" per line'),
        ('count: \x07', 'no valid YAML: .*control characters are not allowed'),
        ('count: 1.5', 'count is 1.5: it must be of type int'),
        ('inner: {share: 2}', 'inner.share is 2.0: it must be within 0 and 1'),
        ('a: &a {b: *a}', 'no valid YAML: the alias a stands for nothing before it'),
        ('[' * 5000, 'no valid YAML: exceeded maximum nesting depth'),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_name(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    with pytest.raises(SettingError, match=sentence) as caught:
        config.load(path, Outer)
    assert str(caught.value).startswith(f'configuration {path}: ')
    assert '\n' not in str(caught.value)


def test_files_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r'cannot read .*none.yaml: No such file'):
        config.load(tmp_path / 'none.yaml', Outer)
    with pytest.raises(SettingError, match='cannot read .*: it is a folder'):
        config.load(tmp_path, Outer)
    (tmp_path / 'image.png').write_bytes(b'\x89PNG\xff')
    with pytest.raises(SettingError, match=r'image.png is no text'):
        config.load(tmp_path / 'image.png', Outer)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match='cannot write configuration .*: No such file'):
        config.save(Outer(), tmp_path / 'no' / 'such.yaml')
    (tmp_path / 'taken.yaml').mkdir()
    with pytest.raises(SettingError, match='cannot write configuration .*: Is a directory'):
        config.save(Outer(), tmp_path / 'taken.yaml')
    assert [path.name for path in tmp_path.iterdir()] == ['taken.yaml']
