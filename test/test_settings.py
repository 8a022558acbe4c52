from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any

import pytest

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.inference.engine_settings import EngineSettings, PointsSettings
from lsd_ros.settings import Setting, setting


@dataclass(frozen=True)
class Lens:
    focal_mm: float = setting(4.0, 'Focal length [mm]', minimum=1, maximum=100)
    kind: str = setting('wide', 'Kind of lens', choices=('wide', 'tele'))

    def __post_init__(self) -> None:
        settings.check(self)


@dataclass(frozen=True)
class Eye:
    count: int = setting(1, 'How many', minimum=0, maximum=4)
    on: bool = setting(True, 'Whether it looks')
    offset: float = setting(0.0, 'Any number')
    sizes: tuple[int, ...] = setting((1, 2), 'Sizes')
    lens: Lens = field(default_factory=Lens)

    def __post_init__(self) -> None:
        settings.check(self)


def test_leaves_walk_the_tree_in_order_with_all_that_is_declared() -> None:
    found = list(settings.leaves(Eye))
    assert [leaf.name for leaf in found] == [
        'count',
        'on',
        'offset',
        'sizes',
        'lens.focal_mm',
        'lens.kind',
    ]
    assert found[0] == Setting('count', int, 1, 'How many', 0, 4)
    assert found[3].kind is tuple
    assert found[5] == Setting('lens.kind', str, 'wide', 'Kind of lens', choices=('wide', 'tele'))


def test_a_field_without_setting_is_a_mistake_of_the_programmer() -> None:
    @dataclass(frozen=True)
    class Bad:
        number: int = 3

    with pytest.raises(TypeError, match=r'Bad.number is not declared with setting\(\)'):
        list(settings.leaves(Bad))


def test_values_and_build_are_inverse() -> None:
    eye = Eye(2, False, 1.5, (3,), Lens(50.0, 'tele'))
    assert settings.values(eye)['lens.focal_mm'] == 50.0
    assert settings.build(Eye, settings.values(eye)) == eye


def test_what_is_not_given_keeps_its_default() -> None:
    assert settings.build(Eye, {'lens.kind': 'tele'}) == Eye(lens=Lens(kind='tele'))
    assert settings.build(Eye, {}) == Eye()


def test_whole_numbers_become_floats_and_lists_tuples() -> None:
    eye = settings.build(Eye, {'offset': 3, 'sizes': [5, 6]})
    assert isinstance(eye.offset, float)
    assert eye.sizes == (5, 6)
    assert isinstance(Lens(focal_mm=2).focal_mm, float)


@pytest.mark.parametrize(
    ('name', 'value', 'sentence'),
    [
        ('count', 5, 'count is 5: it must be within 0 and 4'),
        ('count', -1, 'count is -1: it must be within 0 and 4'),
        ('count', 1.0, 'count is 1.0: it must be of type int'),
        ('count', True, 'count is True: it must be of type int'),
        ('count', 10**400, 'it must be within 0 and 4'),
        ('on', 1, 'on is 1: it must be of type bool'),
        ('offset', True, 'offset is True: it must be of type float'),
        ('offset', math.nan, 'offset is nan: it must be within'),
        ('offset', -math.inf, 'offset is -inf: it must be within'),
        ('offset', 10**400, 'it must be of type float'),
        ('sizes', 3, 'sizes is 3: it must be of type tuple'),
        ('lens.kind', 'fish', "lens.kind is 'fish': choose one of 'wide', 'tele'"),
        ('lens.focal_mm', 0.5, 'lens.focal_mm is 0.5: it must be within 1 and 100'),
        ('lens.focal_mm', '4', "lens.focal_mm is '4': it must be of type float"),
        ('lens.focal', 4.0, "unknown setting 'lens.focal': did you mean 'lens.focal_mm'?"),
        ('smell', 4.0, "unknown setting 'smell': the known ones are count, on, .*, lens.kind"),
        ('lens', 4.0, "'lens' is a group of settings: set lens.focal_mm, lens.kind"),
    ],
)
def test_a_wrong_value_is_refused_by_its_full_name(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        settings.build(Eye, {name: value})


def test_the_ends_of_a_range_are_inside() -> None:
    assert (settings.build(Eye, {'count': 0}).count, Eye(count=4).count) == (0, 4)


def test_an_instance_checks_itself_at_birth_and_never_changes() -> None:
    with pytest.raises(SettingError, match='focal_mm is 0.0'):
        Lens(focal_mm=0)
    with pytest.raises(FrozenInstanceError):
        Lens().focal_mm = 3.0  # type: ignore[misc]


def test_every_setting_of_the_engine_says_what_it_is_and_has_a_range() -> None:
    for leaf in settings.leaves(EngineSettings):
        assert len(leaf.description) > 10, leaf.name
        if leaf.kind in (int, float):
            assert leaf.minimum is not None, leaf.name
            assert leaf.maximum is not None, leaf.name
        settings.check_value(leaf, leaf.default)


@pytest.mark.parametrize(
    ('given', 'sentence'),
    [
        ({'min_depth_m': 5.0, 'max_depth_m': 5.0}, 'the minimum must be below the maximum'),
        ({'backend': 'openvino', 'device': 'cuda'}, "backend is 'openvino' and device is 'cuda'"),
        ({'backend': 'triton', 'device': 'cpu'}, "backend is 'triton' and device is 'cpu'"),
        (
            {'points.min_height_m': 2.0, 'points.max_height_m': 1.0},
            'points.min_height_m is 2.0 and points.max_height_m is 1.0',
        ),
        (
            {'points.min_range_m': 90.0},
            'points.min_range_m is 90.0 and points.max_range_m is 80.0',
        ),
        ({'scan.min_height_m': 2.5}, 'scan.min_height_m is 2.5 and scan.max_height_m is 2.0'),
        ({'scan.angle_increment_deg': 0.001}, 'scan.angle_increment_deg is 0.001: it must be 0'),
        ({'scan.max_range_m': 0.1}, 'scan.min_range_m is 0.1 and scan.max_range_m is 0.1'),
        ({'points.max_range_m': 0.1}, 'points.max_range_m is 0.1 and min_depth_m is 0.1'),
        (
            {'scan.min_range_m': 80.0, 'scan.max_range_m': 90.0},
            'min_range_m is 80.0 and max_depth',
        ),
        ({'scan.max_height_m': 0.1}, 'scan.min_height_m is 0.1 and scan.max_height_m is 0.1'),
        ({'scale.max_deviation': 0.001}, r'deviation is 0\.05 and scale\.max_deviation is 0\.001'),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingError, match=sentence):
        settings.build(EngineSettings, given)


def test_parts_can_be_made_alone() -> None:
    assert settings.build(PointsSettings, {'decimation': 4}).decimation == 4


@dataclass(frozen=True)
class Lists:
    names: tuple[str, ...] = setting((), 'Names')
    shares: tuple[float, ...] = setting((), 'Shares')
    count: int = setting(0, 'How many')

    def __post_init__(self) -> None:
        settings.check(self)


def test_what_is_in_a_list_is_checked_too() -> None:
    made = settings.build(Lists, {'names': ['a'], 'shares': [1, 0.5]})
    assert (made.names, made.shares) == (('a',), (1.0, 0.5))
    for name, value, sentence in (
        ('names', [1], 'names holds 1: all in it must be of type str'),
        ('names', ['a', None], 'names holds None'),
        ('shares', ['a'], "shares holds 'a': all in it must be of type float"),
        ('shares', [True], 'shares holds True'),
        ('shares', [float('nan')], 'shares holds nan'),
        ('count', 10**30, 'it must be within'),
    ):
        with pytest.raises(SettingError, match=sentence):
            settings.build(Lists, {name: value})
