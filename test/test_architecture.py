"""The house rules that a machine can check; CONTRIBUTING.md says why they are there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / 'lsd_ros'
MODULES = {
    '.'.join(path.relative_to(ROOT.parent).with_suffix('').parts).removesuffix('.__init__'): path
    for path in sorted(ROOT.rglob('*.py'))
}

VOCABULARY = {'errors', 'foreign', 'settings', 'types'}
MAY_IMPORT: dict[str, set[str]] = {
    'config': set(),
    'messages': set(),
    'geometry': set(),
    'evaluation': set(),
    'safety': set(),
    'models': {'geometry'},
    'inference': {'geometry', 'models'},
    'publication': {'messages', 'inference', 'safety'},
    'bags': {'geometry', 'messages'},
    'datasets': {'geometry', 'messages', 'bags'},
    'extraction': {'geometry', 'messages', 'bags', 'datasets'},
    'triangulation': {'geometry', 'datasets'},
    'synthetic': {'geometry', 'messages', 'bags', 'datasets'},
    'rendering': {'datasets'},
    'training': {'config', 'geometry', 'models', 'datasets', 'evaluation'},
    'adaptation': {
        *('geometry', 'models', 'inference', 'evaluation', 'training'),
        *('datasets', 'triangulation', 'synthetic'),
    },
    'ros': {'config', 'messages', 'inference', 'safety', 'publication', 'bags'},
}
MAY_IMPORT['cli'] = set(MAY_IMPORT) - {'ros'}
ROS_PACKAGE = re.compile(
    r'rclpy|rosgraph_msgs|\w+_msgs|\w+_srvs|\w+_interfaces|rosidl_\w+|tf2\w*|ament_\w+|launch\w*'
)
VAGUE = {'utils', 'util', 'helpers', 'helper', 'common', 'misc', 'tools'}
LONGEST_FILE = 400
LONGEST_FUNCTION = 50


def imported(source: str, module: str, is_package: bool = False) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, wherever in it that is."""
    package = module.split('.') if is_package else module.split('.')[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = '.'.join([*base, *([node.module] if node.module else [])])
            yield from (f'{stem}.{alias.name}' for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func).endswith(
            ('import_module', '__import__')
        ):
            yield from (a.value for a in node.args[:1] if _is_text(a))  # type: ignore[attr-defined]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _name(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ''


def room_of(module: str) -> str:
    parts = module.split('.')
    return parts[1] if len(parts) > 1 else ''


def forbidden_imports(source: str, module: str, is_package: bool = False) -> list[str]:
    """Return every import that the table or the border around ROS forbids."""
    room = room_of(module)
    allowed = MAY_IMPORT.get(room, set()) | VOCABULARY | {room} if room else set()
    found = []
    for name in imported(source, module, is_package):
        if name.split('.')[0] == 'lsd_ros':
            target = room_of(name)
            is_own_attribute = target.startswith('__')  # for example lsd_ros.__version__
            if not is_own_attribute and target not in allowed:
                found.append(name)
        elif ROS_PACKAGE.fullmatch(name.split('.')[0]) and room != 'ros':
            found.append(name)
    return found


def forbidden_calls(source: str, module: str) -> list[str]:
    """Return every call that prints or ends the process where that must not be."""
    room = room_of(module)
    prints = module == 'lsd_ros.cli.printing'
    printing = set() if prints else {'print', 'sys.stdout.write', 'sys.stderr.write'}
    ending = set() if room in ('cli', 'ros') else {'sys.exit', 'exit', 'quit', 'SystemExit'}
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [name for name in (_name(call.func) for call in calls) if name in printing | ending]


def long_functions(source: str) -> list[str]:
    """Return every function of more lines than anybody reads in one go, its docstring aside."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        f'{function.name} ({length} lines)'
        for function in functions
        if (length := _lines_of_code(function)) > LONGEST_FUNCTION
    ]


def _lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    whole = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return whole
    docstring = function.body[0]
    return whole - ((docstring.end_lineno or 0) - docstring.lineno + 1)


@pytest.mark.parametrize('module', MODULES)
def test_rooms_import_only_what_the_table_allows(module: str) -> None:
    path = MODULES[module]
    assert not forbidden_imports(path.read_text(), module, path.name == '__init__.py')


@pytest.mark.parametrize('module', MODULES)
def test_only_the_doors_print_and_exit(module: str) -> None:
    assert not forbidden_calls(MODULES[module].read_text(), module)


@pytest.mark.parametrize('module', MODULES)
def test_files_and_functions_stay_short(module: str) -> None:
    source = MODULES[module].read_text()
    assert len(source.splitlines()) <= LONGEST_FILE
    assert not long_functions(source)


def test_every_room_has_a_row_in_the_table() -> None:
    packages = {path.parent.name for path in ROOT.glob('*/__init__.py')}
    files = {path.stem for path in ROOT.glob('*.py')} - {'__init__'}
    assert packages | files == set(MAY_IMPORT) | VOCABULARY


def test_no_module_has_a_vague_name() -> None:
    assert not [module for module in MODULES if VAGUE & set(module.split('.'))]


def test_images_are_sampled_in_one_place() -> None:
    users = [module for module, path in MODULES.items() if 'grid_sample' in path.read_text()]
    assert users == ['lsd_ros.geometry.warp']


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('lsd_ros.geometry.warp', 'import lsd_ros.models.layers'),
        ('lsd_ros.geometry.warp', 'from lsd_ros import models'),
        ('lsd_ros.geometry.warp', 'from ..models import layers'),
        ('lsd_ros.geometry.warp', 'from .. import models'),
        ('lsd_ros.geometry.warp', 'def f():\n    from lsd_ros.models.layers import Conv'),
        ('lsd_ros.geometry.warp', "import importlib\nimportlib.import_module('lsd_ros.models')"),
        ('lsd_ros.inference.engine', 'from lsd_ros.training import losses'),
        ('lsd_ros.training.losses', 'if TYPE_CHECKING:\n    from lsd_ros.inference import engine'),
        ('lsd_ros.cli.main', 'from lsd_ros.ros import depth_node'),
        ('lsd_ros.cli.main', 'import rclpy.node'),
        ('lsd_ros.messages.encode', 'from sensor_msgs.msg import Image'),
        ('lsd_ros.types', 'from lsd_ros.geometry import pose'),
        ('lsd_ros', 'from lsd_ros.types import Camera'),
    ],
)
def test_a_forbidden_import_is_noticed(module: str, source: str) -> None:
    assert forbidden_imports(source, module)


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('lsd_ros.models.layers', 'import torch\nfrom lsd_ros.geometry import warp'),
        ('lsd_ros.models.layers', 'from lsd_ros.models import weighting\nfrom . import cells'),
        ('lsd_ros.geometry.warp', 'from lsd_ros import settings\nfrom ..types import Camera'),
        ('lsd_ros.ros.depth_node', 'import rclpy\nfrom lsd_ros.inference import engine'),
        ('lsd_ros.cli.main', 'from lsd_ros import __version__'),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    assert not forbidden_imports(source, module)


def test_a_forbidden_call_and_a_long_function_are_noticed() -> None:
    assert forbidden_calls('print(1)', 'lsd_ros.ros.depth_node') == ['print']
    assert forbidden_calls('raise SystemExit(1)', 'lsd_ros.bags.reader') == ['SystemExit']
    assert forbidden_calls('print(1)', 'lsd_ros.cli.inspect.action') == ['print']
    assert not forbidden_calls('print(1)\nsys.exit(1)', 'lsd_ros.cli.printing')
    body = '    x = 1\n' * LONGEST_FUNCTION
    assert long_functions(f'def f():\n{body}') == [f'f ({LONGEST_FUNCTION + 1} lines)']
    assert long_functions(f'def f():\n    """\n    Do.\n    """\n{body}')
    short = '    x = 1\n' * (LONGEST_FUNCTION - 1)
    assert not long_functions(f'def f():\n    """\n    Do.\n    """\n{short}')


def test_light_modules_load_nothing_heavy() -> None:
    light = [
        module
        for module in MODULES
        if module in ('lsd_ros', 'lsd_ros.cli.main', 'lsd_ros.settings', 'lsd_ros.types')
    ]
    assert not _loaded_by(light) & {'torch', 'cv2', 'rclpy', 'rosbags', 'matplotlib'}


def test_reading_messages_and_bags_needs_no_torch() -> None:
    modules = [
        module
        for module in MODULES
        if module.startswith(('lsd_ros.messages', 'lsd_ros.bags', 'lsd_ros.datasets.video'))
    ]
    assert modules
    assert 'torch' not in _loaded_by(modules)


def _loaded_by(modules: list[str]) -> set[str]:
    code = f'import sys, {", ".join(modules)}; print(*sys.modules)'
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())
