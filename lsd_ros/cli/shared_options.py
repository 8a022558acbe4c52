"""Options that several verbs share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.foreign.limits import MAX_EXPANSION, MAX_MEGAPIXELS, MAX_UNPACKED_MIB
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.publication.publication_settings import GuardedSettings

MOST = 10**9
WIDEST = 16384  # of images, in pixels


def add_engine_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add options for some settings of the engine by name, and for all of them by ``--set``."""
    group = parser.add_argument_group('engine')
    for name in names:
        leaf = engine_setting(name)
        group.add_argument(
            f'--{name}',
            choices=leaf.choices or None,
            metavar=None if leaf.choices else 'FILE',
            help=leaf.description,
        )
    add_settings_options(group)
    list_settings(parser, GuardedSettings)


def add_settings_options(parser: argparse._ActionsContainer) -> None:
    """Add ``--config`` and ``--set``."""
    parser.add_argument('--config', type=a_path, metavar='FILE', help='settings in YAML')
    parser.add_argument(
        '--set',
        type=assignment,
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='one setting; may be repeated',
    )


def assigned(given: argparse.Namespace, cls: type[Any]) -> dict[str, Any]:
    """
    Return what ``--set`` says, by names; the values are not checked yet.

    :raises SettingError: one of them is no YAML, or two are of the same setting
    """
    from lsd_ros import config  # loads a reader of YAML, which help need not

    found: dict[str, Any] = {}
    for text in given.set:
        try:
            values = config.given(text, cls)
        except SettingError as error:
            raise SettingError(f'--set {text}: {error}') from error
        for name, value in values.items():
            if name in found:
                raise SettingError(f'--set {name} is given twice: leave out one of them')
            found[name] = value
    return found


def add_limit_options(parser: argparse.ArgumentParser) -> None:
    """Add what raises the limits against files that are small and ask for all memory."""
    add = parser.add_argument_group('limits of what is read').add_argument
    for name, value, what in (
        ('megapixels', MAX_MEGAPIXELS, 'largest image'),
        ('unpacked-mib', MAX_UNPACKED_MIB, 'largest decompressed message or chunk'),
        ('expansion', MAX_EXPANSION, 'by how much data may grow when they are decompressed'),
    ):
        add(
            f'--max-{name}',
            type=positive,
            metavar='N',
            help=f'{what} (default: {value:g})',
        )


def list_settings(parser: argparse.ArgumentParser, cls: type) -> None:
    """Name every setting of a class in the help, below the examples."""
    parser.epilog = f'{parser.epilog}\n{_table(cls)}'


def list_settings_when_asked(parser: argparse.ArgumentParser, load: Callable[[], type]) -> None:
    """
    Name every setting of a class in the help, once somebody asks for help.

    :param load: imports the class, which may take seconds
    """
    plain = parser.format_help

    def with_settings() -> str:
        return f'{plain()}\n{_table(load())}\n'

    parser.format_help = with_settings  # type: ignore[method-assign]


def _table(cls: type) -> str:
    leaves = list(settings.leaves(cls))
    width = max(len(leaf.name) for leaf in leaves)
    lines = (f'  {leaf.name:{width}}  {leaf.description} ({_values(leaf)})' for leaf in leaves)
    return '\n'.join(['settings for --set and --config:', *lines])


def _values(leaf: settings.Setting) -> str:
    known = settings.allowed(leaf)
    return f'{known}; default: {leaf.default!r}' if known else f'default: {leaf.default!r}'


def engine_setting(name: str) -> settings.Setting:
    """Return a setting of the engine by its name."""
    return next(leaf for leaf in settings.leaves(EngineSettings) if leaf.name == name)


def assignment(text: str) -> str:
    """Turn ``NAME=VALUE`` into a line of YAML."""
    name, equals, value = text.partition('=')
    if not (name.strip() and equals and value.strip()):
        raise argparse.ArgumentTypeError(f'{text!r} must be NAME=VALUE')
    return f'{name.strip()}: {value.strip()}'


def at_least(least: int, most: int = MOST) -> Callable[[str], int]:
    """Return what reads a whole number that must not be smaller, nor larger than makes sense."""

    def whole_number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f'{text} must be at least {least}, at most {most}')
        return value

    return whole_number


def a_path(text: str) -> Path:
    """Read a path; an empty one, mostly of a variable that is not set, is none."""
    if not text:
        raise argparse.ArgumentTypeError('the path is empty')
    return Path(text)


def positive(text: str) -> float:
    """Read a number above 0."""
    value = float(text)
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} must be greater than 0')
    return value


not_negative = at_least(0)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add --data and --split."""
    parser.add_argument(
        '--data',
        type=a_path,
        nargs='+',
        required=True,
        metavar='DIR',
        help='sequences, KITTI, TUM RGB-D, videos, or folders of these',
    )
    parser.add_argument(
        '--split',
        type=a_path,
        metavar='FILE',
        help='file list of an Eigen split, for KITTI raw',
    )
