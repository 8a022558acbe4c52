"""What a killed process leaves half-written is removed; what another one makes now is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lsd_ros.foreign.atomic import AtomicFolder, atomic_file, atomic_folder, write_atomically

FILE = 'with atomic_file(path) as made:\n    made.write_text("half")'
FOLDER = 'with atomic_folder(path) as made:\n    (made / "a").write_text("half")'
WAIT = '    print(made, flush=True)\n    input()'


def write_file(path: Path) -> None:
    write_atomically(path, b'whole')


def write_video(path: Path) -> None:
    with atomic_file(path) as made:
        made.write_text('whole')


def write_folder(path: Path) -> None:
    with atomic_folder(path, overwrite=True, is_ours=lambda _: True) as made:
        (made / 'a').write_text('whole')


@pytest.fixture
def making(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts processes that have made something half, and wait."""
    started = []

    def start(how: str) -> subprocess.Popen[str]:
        place = f'path = Path({str(tmp_path / "out.png")!r})'
        begin = f'from lsd_ros.foreign.atomic import *\nfrom pathlib import Path\n{place}\n'
        process = subprocess.Popen(
            [sys.executable, '-c', f'{begin}{how}\n{WAIT}'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ('half', 'write'), [(FILE, write_file), (FILE, write_video), (FOLDER, write_folder)]
)
def test_what_nobody_makes_any_more_is_removed_by_whoever_makes_it_next(
    half: str,
    write: Callable[[Path], None],
    making: Callable[[str], subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    process, out = making(half), tmp_path / 'out.png'
    other = tmp_path / '.part-other.png.1'
    other.touch()
    write(out)
    assert len(list(tmp_path.iterdir())) == 3, 'what another process makes now is left alone'
    process.kill()
    process.wait()
    write(out)
    assert sorted(tmp_path.iterdir()) == [other, out]


def test_a_process_that_is_left_alone_comes_to_its_end(
    making: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    process, out = making(FILE), tmp_path / 'out.png'
    write_file(out)
    process.communicate('\n')
    assert process.returncode == 0
    assert out.read_text() == 'half'
    assert list(tmp_path.iterdir()) == [out]


def test_what_was_about_to_be_replaced_is_put_back(tmp_path: Path) -> None:
    out = tmp_path / 'out'
    write_folder(out)
    part = tmp_path / '.part-out.killed'
    part.mkdir()
    out.rename(part / 'replaced')
    AtomicFolder(out, overwrite=False).open()
    assert (out / 'a').read_text() == 'whole'
    assert not part.exists()
