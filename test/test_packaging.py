"""What the package says of itself must agree with what it is."""

from __future__ import annotations

import ast
import configparser
import fnmatch
import importlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

import lsd_ros
from lsd_ros.foreign.atomic import PART

ROOT = Path(__file__).resolve().parents[1]
LIBRARY_OF = {
    'cv2': 'opencv-python-headless',
    'lightning_fabric': 'lightning-fabric',
    'mathutils': 'bpy',  # which brings it
    'yaml': 'pyyaml',
}
ROS = re.compile(r'rclpy|\w+_msgs|\w+_srvs|\w+_interfaces|tf2\w*|cv_bridge|ament_\w+|launch\w*')
# rosdep keys of what cannot be called like its package
KEY_OF = {'tf2_ros': 'tf2_ros_py'}


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    return parser


def imported_packages() -> set[str]:
    """Return every package from elsewhere that is imported anywhere in this one."""
    files = [*ROOT.glob('lsd_ros/**/*.py'), *ROOT.glob('launch/*.py')]
    names = {name for file in files for name in _imports(ast.parse(file.read_text()))}
    return names - sys.stdlib_module_names - {'lsd_ros'}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split('.')[0]


def test_every_library_is_declared_for_pip() -> None:
    config = setup_cfg()
    text = config['options']['install_requires'] + ''.join(
        config['options.extras_require'].values()
    )
    declared = {_normal(name) for name in re.findall(r'^[\w-]+', text, re.MULTILINE)}
    libraries = (name for name in imported_packages() if not ROS.fullmatch(name))
    assert {_normal(LIBRARY_OF.get(name, name)) for name in libraries} <= declared


def _normal(name: str) -> str:
    return name.lower().replace('_', '-')


def test_every_ros_package_is_declared_for_rosdep() -> None:
    manifest = ElementTree.parse(ROOT / 'package.xml')
    declared = {element.text for element in manifest.iter('exec_depend')}
    used = {KEY_OF.get(name, name) for name in imported_packages() if ROS.fullmatch(name)}
    assert used <= declared


def test_the_version_is_one() -> None:
    manifest = ElementTree.parse(ROOT / 'package.xml').findtext('version')
    declared = re.search(r"version='([^']+)'", (ROOT / 'setup.py').read_text())
    assert declared is not None
    assert manifest == declared[1] == lsd_ros.__version__


@pytest.mark.parametrize(
    'entry_point', setup_cfg()['options.entry_points']['console_scripts'].split('\n')[1:]
)
def test_every_executable_exists(entry_point: str) -> None:
    module, function = entry_point.split('=')[1].strip().split(':')
    assert callable(getattr(importlib.import_module(module), function))


def test_constraints_pin_everything_that_pip_is_asked_for() -> None:
    lines = (ROOT / 'constraints-all.txt').read_text().splitlines()
    pinned = {line.split('==')[0] for line in lines if '==' in line}
    parser = setup_cfg()
    extras = parser['options.extras_require']
    asked = [parser['options']['install_requires'], *(extras[name] for name in extras)]
    names = {
        re.split(r'[<>=\[; ]', line)[0].lower().replace('_', '-')
        for text in asked
        for line in text.splitlines()
        if line
    }
    # of a workspace, of wheels and of the renderer alone, each in an environment of its own; what
    # builds of torch for CUDA bring in their own version
    names -= {'build', 'colcon-common-extensions', 'colcon-ros', 'bpy', 'triton'}
    assert names <= pinned


def test_a_robot_without_torch_gets_all_other_requirements() -> None:
    parser = setup_cfg()
    runtime = set(parser['options.extras_require']['runtime'].split())
    lines = (ROOT / 'requirements-runtime.txt').read_text().splitlines()
    assert {line for line in lines if not line.startswith('#')} == runtime
    needed = {line for line in parser['options']['install_requires'].splitlines() if line}
    of_torch = {line for line in needed if re.match('torch|safetensors|#', line)}
    assert needed - of_torch == runtime - {'openvino>=2024.0'}


def test_graphs_that_somebody_exported_into_the_package_are_not_shipped() -> None:
    (patterns,) = re.findall(r'^WEIGHTS = (\[.*\])', (ROOT / 'setup.py').read_text(), re.MULTILINE)
    of_weights = [Path(each) for each in ast.literal_eval(patterns) if 'weights/' in each]
    files = ['street.safetensors', 'street.graphs']
    taken = {name for each in of_weights for name in fnmatch.filter(files, each.name)}
    assert taken == {'street.safetensors'}
    assert '*.graphs' in (ROOT / '.gitignore').read_text().splitlines()


def test_what_is_not_whole_yet_is_not_committed() -> None:
    assert f'{PART}*' in (ROOT / '.gitignore').read_text().splitlines()


def test_no_torch_is_allowed_whose_files_could_run_code() -> None:
    """CVE-2025-32434: before 2.6, torch.load ran code although weights_only was True."""
    required = setup_cfg()['options']['install_requires']
    (least,) = re.findall(r'^torch>=(\d+)\.(\d+)$', required, re.MULTILINE)
    assert (int(least[0]), int(least[1])) >= (2, 6)


def test_what_the_project_does_not_know_yet_is_in_one_file() -> None:
    names = (
        'README.md',
        'CITATION.cff',
        'mkdocs.yml',
        'package.xml',
        'setup.cfg',
        'docs/quick_start.md',
    )
    text = '\n'.join((ROOT / name).read_text() for name in names)
    lines = (ROOT / '.ci' / 'placeholders').read_text().splitlines()
    known = [line.partition(' =')[0] for line in lines if line and not line.startswith('#')]
    assert all(name in text for name in known)
    found = re.findall(r'https?://[\w./-]*invalid[\w./-]*|\w+@[\w.-]*invalid', text)
    assert found
    assert all(any(one.startswith(name) for name in known) for one in found)
