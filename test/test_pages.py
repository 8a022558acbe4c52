"""What the pages say of the code is so, and their links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

from lsd_ros.cli.parser import VERBS, make_parser
from lsd_ros.publication import topics
from lsd_ros.safety.faults import Fault

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for folder in ('.', 'docs', 'experiments', '.github', 'lsd_ros/weights')
    for path in (ROOT / folder).glob('*.md')
)


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and the site make them."""
    heads = re.findall(r'(?m)^#+ (.+)$', page.read_text())
    return {re.sub(r'[^\w -]', '', head.lower()).strip().replace(' ', '-') for head in heads}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    for link in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
        if link.startswith(('http://', 'https://')):
            continue
        name, _, anchor = link.partition('#')
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_fault_is_in_the_table_of_troubleshooting() -> None:
    text = (ROOT / 'docs' / 'troubleshooting.md').read_text()
    assert [fault.value for fault in Fault] == re.findall(r'(?m)^\| `(\w+)` \|', text)


def test_every_verb_is_in_the_readme_and_every_topic_in_the_contract() -> None:
    readme = (ROOT / 'README.md').read_text()
    assert not [verb for verb in VERBS if not re.search(rf'`(lsd_ros )?{verb}`', readme)]
    contract = (ROOT / 'docs' / 'nodes_and_topics.md').read_text()
    said = (*topics.OBSTACLES, topics.PREVIEW, topics.ODOMETRY, topics.TRANSFORMS)
    assert not [topic for topic in said if f'| `{topic}` |' not in contract]


def calls(page: Path) -> list[str]:
    """Return the calls of ``lsd_ros`` in the code of a page, without what only hints at one."""
    text = page.read_text().replace('\\\n', ' ')
    blocks = re.findall(r'(?ms)^ *```(?:bash)?\n(.*?)^ *```', text)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r'`([^`]+)`', re.sub(r'(?s)```.*?```', '', text))
    plain = [' '.join(line.split('#')[0].split()) for line in lines]
    called = [line for line in plain if re.match(r'lsd_ros [a-z]+ \S', line)]
    return [line for line in called if not re.search(r'\[|\.\.\.| VERB| --[a-z-]+$', line)]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_call_on_a_page_is_one_that_the_command_takes(page: Path) -> None:
    parser = make_parser()
    for call in calls(page):
        try:
            parser.parse_args(shlex.split(call)[1:])
        except SystemExit:
            pytest.fail(call)


def test_calls_are_found_in_blocks_and_in_lines(tmp_path: Path) -> None:
    page = tmp_path / 'page.md'
    page.write_text(
        'Say `lsd_ros inspect FILE`, `lsd_ros VERB --help` or:\n\n```bash\n'
        'lsd_ros replay a.mcap \\\n  --out b  # or c\nmake demo\n```\n'
    )
    assert calls(page) == ['lsd_ros replay a.mcap --out b', 'lsd_ros inspect FILE']


def test_the_diagram_of_the_rooms_is_that_of_the_table() -> None:
    spec = importlib.util.spec_from_file_location('make', ROOT / 'docs' / 'pictures' / 'make.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.architecture() in (ROOT / 'docs' / 'architecture.md').read_text()


def test_the_foxglove_layout_shows_topics_that_there_are() -> None:
    layout = json.loads((ROOT / 'config' / 'depth.foxglove.json').read_text())
    shown = set(re.findall(r'"(/[a-z/_]+)[".]', json.dumps(layout)))
    every = {f'/{topic}' for topic in (*topics.OBSTACLES, topics.PREVIEW, topics.ODOMETRY)}
    assert shown <= every | {'/diagnostics'}
    assert {'/points', '/scan', '/odom'} <= shown
