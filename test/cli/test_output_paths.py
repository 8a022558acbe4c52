"""No verb writes over, into or below what it reads; links stay links; JSON is JSON."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lsd_ros.bags.writer import BagWriter
from lsd_ros.cli.main import main
from lsd_ros.cli.printing import json_text
from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.output_paths import check_apart
from lsd_ros.messages import encode
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence

Spelling = Callable[[Path], Path]


def linked(path: Path) -> Path:
    link = path.with_name('link to ' + path.name)
    link.symlink_to(path)
    return link


SPELLINGS: dict[str, Spelling] = {
    'itself': lambda path: path,
    'with dots': lambda path: path.parent / 'elsewhere' / '..' / path.name,
    'by a link': linked,
    'below': lambda path: path / 'deep' / 'down',
    'below a link': lambda path: linked(path) / 'down',
    'above': lambda path: path.parent,
}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob('*'))
        if file.is_file() and not file.is_symlink()
    }


@pytest.fixture
def room(bag: Path, weights: Path, drive: SyntheticDrive, tmp_path: Path) -> Path:
    """Return a folder with one of everything that is read."""
    room = tmp_path / 'room'
    (room / 'elsewhere').mkdir(parents=True)
    shutil.copytree(bag, room / 'drive')
    shutil.copy(weights, room / 'w.safetensors')
    write_sequence(room / 'seq', drive)
    (room / 'config.yaml').write_text('threads: 1\n')
    shutil.copy(room / 'seq' / 'camera.yaml', room / 'camera.yaml')
    return room


def refused(call: list[object], room: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Check that a call is refused, and that nothing was changed; return what it said."""
    before = snapshot(room)
    assert main([str(part) for part in call]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert snapshot(room) == before
    return line


@pytest.mark.parametrize('spelling', SPELLINGS)
def test_a_replay_never_replaces_its_recording(
    room: Path, spelling: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = room / 'drive'
    out = SPELLINGS[spelling](bag)
    line = refused(['replay', bag, '--out', out, '--overwrite'], room, capsys)
    assert 'which is read: choose another output' in line
    file = bag / 'drive.mcap'
    assert 'which is read' in refused(['replay', file, '--out', out, '--overwrite'], room, capsys)


CALLS = {
    'replay into a config': ['replay', 'drive', '--config', 'config.yaml', '--out', 'config.yaml'],
    'replay into a camera': ['replay', 'drive', '--camera', 'camera.yaml', '--out', 'camera.yaml'],
    'replay into weights': [
        'replay',
        'drive',
        '--weights',
        'w.safetensors',
        '--out',
        'w.safetensors',
    ],
    'pictures into a bag': ['replay', 'drive', '--out', 'o', '--preview', 'drive/pictures'],
    'extract into a bag': ['extract', 'drive', '--out', 'drive'],
    'extract over a bag': ['extract', 'drive', '--out', 'drive/..', '--overwrite'],
    'triangulate over': ['triangulate', 'seq', '--out', '.', '--overwrite'],
    'triangulate into': ['triangulate', 'seq', '--out', 'seq/depth', '--overwrite'],
    'export over': [
        'export',
        '--weights',
        'w.safetensors',
        '--out',
        'w.safetensors',
        '--overwrite',
    ],
    'errors over weights': [
        'evaluate',
        '--weights',
        'w.safetensors',
        '--data',
        'seq',
        '--json',
        'w.safetensors',
    ],
    'errors into data': [
        'evaluate',
        '--weights',
        'w.safetensors',
        '--data',
        'seq',
        '--json',
        'seq/errors.json',
    ],
    'pictures into data': [
        'evaluate',
        '--weights',
        'w.safetensors',
        '--data',
        'seq',
        '--pictures',
        'seq/pictures',
    ],
    'train into data': ['train', 'student', '--data', 'seq', '--out', 'seq/run'],
    'train over data': ['train', 'student', '--data', 'seq', '--out', 'seq', '--overwrite'],
    'train over a teacher': [
        'train',
        'student',
        '--data',
        'seq',
        '--teacher',
        'elsewhere',
        '--out',
        'elsewhere/run',
    ],
    'train over what it starts from': [
        'train',
        'student',
        '--data',
        'seq',
        '--out',
        'w.safetensors',
        '--set',
        'start_from=w.safetensors',
    ],
    'times over weights': ['benchmark', '--weights', 'w.safetensors', '--json', 'w.safetensors'],
    'times into a bag': ['benchmark', '--live', 'drive', '--json', 'drive/times.json'],
    'findings into a recording': ['doctor', 'drive', '--json', 'drive/found.json'],
    'a mask over a recording': ['mask', 'drive', '--out', 'drive', '--overwrite'],
    'a mask into a recording': ['mask', 'drive', '--out', 'drive/mask.png'],
    'new weights over old ones': [
        *('adapt', 'drive', '--from', 'w.safetensors', '--out', 'w.safetensors', '--overwrite'),
    ],
    'work over a recording': [
        *('adapt', 'drive', '--out', 'new.safetensors', '--work', 'drive', '--overwrite'),
    ],
    'a demo over weights': ['demo', '--weights', 'w.safetensors', '--out', 'w.safetensors'],
}


@pytest.mark.parametrize('name', [name for name in CALLS if name != 'extract over a bag'])
def test_no_verb_writes_over_into_or_below_what_it_reads(
    room: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(room)
    assert 'which is read: choose another output' in refused(list(CALLS[name]), room, capsys)


def test_an_adaptation_removes_nothing_but_the_work_of_an_earlier_one(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ['adapt', room / 'drive', '--from', room / 'w.safetensors', '--overwrite']
    outputs = ['--out', room / 'new.safetensors', '--work']
    for given in (call, call[:-1]):
        line = refused([*given, *outputs, room / 'seq'], room, capsys)
        assert 'is left alone: give another --work' in line
    work = room / 'work'
    (work / 'parts').mkdir(parents=True)
    (work / 'drive.mcap').write_bytes(b'mine')
    line = refused([*call, *outputs, work], room, capsys)
    assert 'work holds drive.mcap, which would be lost: move it away' in line
    call = ['evaluate', '--weights', room / 'w.safetensors', '--data', room / 'seq']
    line = refused([*call, '--without-truth', '--work', room / 'seq'], room, capsys)
    assert '--work' in line
    assert 'which is read: choose another output' in line


def test_a_hard_link_to_an_input_is_the_input(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.link(room / 'w.safetensors', room / 'other.json')
    call = ['evaluate', '--weights', room / 'w.safetensors', '--data', room / 'seq', '--json']
    assert 'is ' in refused([*call, room / 'other.json'], room, capsys)
    os.link(next((room / 'seq' / 'images').iterdir()), room / 'image.json')
    line = refused([*call, room / 'image.json'], room, capsys)
    assert 'image.json is a file of' in line


def test_outputs_must_be_apart_from_each_other(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for preview in ('out', 'out/pictures', 'elsewhere/../out'):
        call = ['replay', room / 'drive', '--out', room / 'out', '--preview', room / preview]
        assert '--out and --preview are the same place' in refused(call, room, capsys)


def test_what_is_apart_is_let_through(tmp_path: Path) -> None:
    (tmp_path / 'drive').mkdir()
    check_apart(
        {'--out': tmp_path / 'drive2', '--json': None}, [tmp_path / 'drive', None, '', 'none.yaml']
    )
    with pytest.raises(DatasetError, match='--out .*drive is .*drive, which is read'):
        check_apart({'--out': tmp_path / 'drive'}, [tmp_path / '.' / 'drive'])


FILES = {
    'export': ['export', '--weights', 'w.safetensors', '--out'],
    'export graphs': ['export', '--format', 'graphs', '--weights', 'w.safetensors', '--out'],
    'export openvino': ['export', '--format', 'openvino', '--weights', 'w.safetensors', '--out'],
    'evaluate': ['evaluate', '--weights', 'w.safetensors', '--data', 'seq', '--json'],
    'benchmark': ['benchmark', '--weights', 'w.safetensors', '--json'],
    'doctor': ['doctor', 'drive', '--weights', 'w.safetensors', '--json'],
    'mask': ['mask', 'drive', '--out'],
    'replay': ['replay', 'drive', '--weights', 'w.safetensors', '--out', 'new', '--video'],
    'adapt': ['adapt', 'drive', '--from', 'w.safetensors', '--work', 'work', '--out'],
}


@pytest.mark.parametrize('name', FILES)
def test_a_missing_folder_is_found_before_the_work(
    room: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(room)
    verb = FILES[name][0]
    monkeypatch.setattr(f'lsd_ros.cli.{verb}.action.run', lambda _: pytest.fail('it works'))
    line = refused([*FILES[name], 'missing/x.xml'], room, capsys)
    assert f'the folder {room / "missing"} does not exist: make it first' in line


def test_what_stands_in_the_way_of_a_file_is_found_before_the_work(
    room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(room)
    call = ['benchmark', '--weights', 'w.safetensors', '--json', 'elsewhere']
    assert '--json elsewhere is a folder: give the path of a file' in refused(call, room, capsys)
    Path('depth.bin').write_bytes(b'mine')
    call = [*FILES['export openvino'], 'depth.xml']
    assert 'depth.bin exists already: add --overwrite' in refused(call, room, capsys)


def test_a_symbolic_link_that_is_overwritten_stays_one(
    room: Path, engine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    real = room / 'elsewhere' / 'real'
    call = ['replay', str(room / 'drive'), '--overwrite', '--unguarded', *engine, '--out']
    assert main([*call, str(real)]) == 0
    first = snapshot(real)
    link = linked(real)
    assert main([*call, str(link), '--storage', 'sqlite3']) == 0
    assert link.is_symlink()
    assert real.is_dir()
    assert {file.name for file in real.iterdir()} != set(first)


def test_json_has_no_nan() -> None:
    text = json_text({'a': float('nan'), 'b': [float('inf'), 1.5], 'c': {'d': -float('inf')}})
    assert json.loads(text, parse_constant=pytest.fail) == {
        'a': None,
        'b': [None, 1.5],
        'c': {'d': None},
    }


def test_what_a_bag_says_never_reaches_a_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = 'eye\x1b[2J\x1b]0;owned\x07\x9b1m\nforged: line\u202e'
    with BagWriter(tmp_path / 'bag') as writer:
        picture = np.zeros((8, 8, 3), np.uint8)
        writer.add('/image', encode.rgb_image(writer.types, picture, 5, evil), 5)
    assert main(['inspect', str(tmp_path / 'bag')]) == 0
    said = capsys.readouterr()
    assert 'eye\\x1b[2J\\x1b]0;owned\\x07\\x9b1m' in said.out
    assert '\nforged' not in said.out
    with pytest.raises(LsdError) as error:
        raise DatasetError(f'{evil} is wrong')
    for text in (said.out, said.err, str(error.value)):
        assert not set(text) & set('\x1b\x07\x9b\u202e')
    assert main(['inspect', str(tmp_path / 'bag'), '--json']) == 0
    out = capsys.readouterr().out
    assert json.loads(out)['images'][0]['frame_id'] == evil
    assert not set(out) & set('\x1b\x07\x9b\u202e')


def test_paths_that_are_not_utf_8_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = os.fsencode(tmp_path) + b'/caf\xe9.mcap'
    Path(os.fsdecode(path)).write_bytes(b'hello')
    assert main(['inspect', os.fsdecode(path)]) == 1
    assert 'caf\\udce9.mcap is not a bag' in capsys.readouterr().err


def test_pipes_are_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ('drive.mcap', 'film.mp4', 'weights.safetensors', 'config.yaml', 'camera.yaml'):
        os.mkfifo(tmp_path / name)
    (tmp_path / 'seq' / 'images').mkdir(parents=True)
    os.mkfifo(tmp_path / 'seq' / 'images' / '0.png')
    os.mkfifo(tmp_path / 'seq' / 'camera.yaml')
    (tmp_path / 'pictures').mkdir()
    os.mkfifo(tmp_path / 'pictures' / '0.png')
    for name in ('drive.mcap', 'film.mp4', 'seq', 'pictures'):
        assert main(['inspect', str(tmp_path / name)]) == 1
        assert 'it is a pipe and no file' in capsys.readouterr().err
    assert main(['inspect', str(tmp_path / 'weights.safetensors')]) == 1
    for option in ('--config', '--camera'):
        call = ['replay', 'x', '--out', str(tmp_path / 'o'), option]
        assert main([*call, str(tmp_path / f'{option[2:]}.yaml')]) == 1
        assert 'it is a pipe and no file' in capsys.readouterr().err
