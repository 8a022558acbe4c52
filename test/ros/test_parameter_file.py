"""
Keeps config/depth.param.yaml the same as what the node declares.

After a change of settings: python test/ros/test_parameter_file.py > config/depth.param.yaml
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lsd_ros import settings
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.settings import Setting

FILE = Path(__file__).resolve().parents[2] / 'config' / 'depth.param.yaml'
HEADER = """\
# Every parameter of depth_node with its default. Copy this file, change what you need, and run
# ros2 launch lsd_ros depth.launch.py params_file:=<your file>
/**:
  ros__parameters:
"""


def declared() -> list[Setting]:
    parameters = pytest.importorskip('lsd_ros.ros.parameters', reason='needs rclpy')
    classes = (parameters.NodeSettings, EngineSettings)
    return [leaf for cls in classes for leaf in settings.leaves(cls)]


def rendered(leaves: list[Setting]) -> str:
    """Return the file that describes these settings."""
    return HEADER + '\n'.join(_lines(leaves)) + '\n'


def _lines(leaves: list[Setting]) -> Iterator[str]:
    group: list[str] = []
    for leaf in leaves:
        *parents, name = leaf.name.split('.')
        for depth, parent in enumerate(parents):
            if group[: depth + 1] != parents[: depth + 1]:
                yield f'\n{"  " * (2 + depth)}{parent}:'
        group = parents
        indent = '  ' * (2 + len(parents))
        yield from textwrap.wrap(
            _comment(leaf), 99, initial_indent=indent + '# ', subsequent_indent=indent + '# '
        )
        yield f'{indent}{name}: {_value(leaf.default)}'


def _comment(leaf: Setting) -> str:
    allowed = settings.allowed(leaf)
    return f'{leaf.description} ({allowed})' if allowed else leaf.description


def _value(default: object) -> str:
    return (
        yaml.safe_dump(default, default_flow_style=True).removesuffix('\n').removesuffix('\n...')
    )


def test_the_file_holds_every_parameter_with_its_default_and_description() -> None:
    assert FILE.read_text() == rendered(declared()), __doc__


def test_the_file_says_what_the_node_declares() -> None:
    content = yaml.safe_load(FILE.read_text())['/**']['ros__parameters']
    assert _flat(content) == {leaf.name: leaf.default for leaf in declared()}


def _flat(content: dict[str, object], prefix: str = '') -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in content.items():
        flat.update(
            _flat(value, f'{prefix}{name}.') if isinstance(value, dict) else {prefix + name: value}
        )
    return flat


if __name__ == '__main__':
    sys.stdout.write(rendered(declared()))
