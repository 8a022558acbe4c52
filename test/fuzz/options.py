"""Odd values for every option of every verb; the command must answer with an exit code."""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from originals import CAMERA, Original
from trials import Tally, judged

from lsd_ros import config, settings
from lsd_ros.cli.main import main
from lsd_ros.cli.parser import make_parser
from lsd_ros.datasets.camera_yaml import write_camera
from lsd_ros.errors import LsdError
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings

ODD_VALUES = (
    '', ' ', '0', '-1', '1', '3', '1e999', 'nan', 'inf', '-inf', '9' * 30, '1.5', 'x', 'none',
    'true', 'null', '[]', '[1, 2]', '{}', '{a: 1}', '/', '.', '..', '/dev/null', '/dev/zero',
    '/dev/full',
    '/proc/self/mem', '/proc/no/such', 'a' * 300, 'caf\udce9', '\x1b[2J', 'é漢', '-', '--', '=',
    'a=b', 'a: b', '*', '#', '?', '%41', '~', '$HOME', '\n', 'PIPE', 'INPUT', 'BAG', 'FOLDER',
)  # fmt: skip
NOWHERE = '/proc/nowhere'  # not even root can make it
SETTINGS = {
    'replay': EngineSettings,
    'extract': ExtractionSettings,
    'triangulate': TriangulationSettings,
}
NOT_TRIED = {'help', 'verbose', 'live', 'faults', 'jobs'}  # of the node, or without a file
EXIT_CODES = (0, 1, 2)


def base_calls(room: Path) -> dict[str, list[str]]:
    """Return a small call of each verb that comes to something, or fails early if long."""
    weights, bag, seq = (str(room / name) for name in ('w.safetensors', 'drive.mcap', 'seq'))
    engine = ['--weights', weights, '--backend', 'torch', '--set', 'threads=1']
    return {
        'inspect': ['inspect', bag],
        'replay': ['replay', bag, '--out', str(room / 'out'), '--unguarded', *engine],
        'extract': ['extract', bag, '--out', str(room / 'out'), '--set', 'min_frames=3'],
        'triangulate': ['triangulate', seq, '--out', str(room / 'out')],
        'evaluate': ['evaluate', '--data', seq, *engine],
        'export': ['export', '--weights', weights, '--out', str(room / 'out.onnx')],
        'adapt': ['adapt', NOWHERE, '--out', str(room / 'new.safetensors')],
        'doctor': ['doctor', bag, *engine],
        'mask': ['mask', bag, '--out', str(room / 'mask.png')],
        'train student': ['train', 'student', '--data', NOWHERE, '--out', str(room / 'run')],
        'train teacher': ['train', 'teacher', '--data', NOWHERE, '--out', str(room / 'run')],
        'benchmark': [
            *(
                'benchmark',
                '--frames',
                '2',
                '--width',
                '64',
                '--height',
                '64',
                '--weights',
                weights,
            ),
            *('--backends', 'torch', '--set', 'threads=1'),
        ],
        'demo': ['demo', '--weights', NOWHERE, '--out', str(room / 'demo')],
    }


def calls(room: Path) -> Iterator[list[str]]:
    """Yield every call: each option of each verb, and each setting, with each odd value."""
    for verb, base in base_calls(room).items():
        for action in _actions(verb.split()):
            for value in _values(action, room):
                if _starts_for_long(verb, action, value, room):
                    continue
                if action.option_strings:
                    option = max(action.option_strings, key=len)
                    yield [*base, option, *([] if action.nargs == 0 else [value])]
                elif action.dest not in ('verb', 'phase'):
                    yield [part if part != base[1] else value for part in base]
    for verb, kind in SETTINGS.items():
        for leaf in settings.leaves(kind):
            for value in ODD_VALUES[2:20]:
                yield [*base_calls(room)[verb], '--set', f'{leaf.name}={value}']


def _starts_for_long(verb: str, action: argparse.Action, value: str, room: Path) -> bool:
    """Tell whether the value is none that is odd: it starts a training, or a demo."""
    if verb.startswith('train'):
        return value == str(room / 'seq')
    return verb == 'demo' and action.dest == 'weights' and not value


def _actions(words: Sequence[str]) -> list[argparse.Action]:
    parser: argparse.ArgumentParser = make_parser()
    for word in words:
        (choices,) = (
            a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)
        )
        parser = choices[word]
    return [a for a in parser._actions if a.dest not in NOT_TRIED]


def _values(action: argparse.Action, room: Path) -> Sequence[str]:
    if action.nargs == 0:
        return ('',)
    named = {'PIPE': 'pipe', 'INPUT': 'seq', 'BAG': 'drive.mcap', 'FOLDER': 'empty'}
    return [str(room / named[value]) if value in named else value for value in ODD_VALUES]


def make_room(originals: Sequence[Original], room: Path) -> None:
    """Put what the calls read into a folder."""
    by_name = {original.name: original for original in originals}
    shutil.copy(by_name['mcap zstd'].path, room / 'drive.mcap')
    shutil.copy(by_name['weights'].path, room / 'w.safetensors')
    shutil.copytree(by_name['poses.tum'].path, room / 'seq')
    write_camera(room / 'seq' / 'camera.yaml', CAMERA)
    (room / 'empty').mkdir()
    os.mkfifo(room / 'pipe')


def run_calls(
    originals: Sequence[Original], share: tuple[int, int] = (0, 1), stop: int | None = None
) -> Tally:
    """
    Run the command with odd values.

    :param share: (k, n): every n-th call, from the k-th on
    :param stop: how many calls at most
    """
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix='fuzz') as folder:
        room = Path(folder) / 'room'
        room.mkdir()
        make_room(originals, room)
        os.chdir(folder)
        for number, call in enumerate(list(calls(room))[share[0] :: share[1]]):
            if number == stop:
                break
            tally.add(judged(' '.join(map(repr, call)), _call(call)))
            for made in ('out', 'out.onnx', 'run', 'demo', 'mask.png', 'mask_preview.png'):
                shutil.rmtree(room / made, ignore_errors=True)
                with contextlib.suppress(OSError):
                    (room / made).unlink()
    return tally


def run_training_settings(values: Sequence[str] = ODD_VALUES) -> Tally:
    """Give each setting of both trainings each odd value; the training is not started."""
    from lsd_ros.training.phase_settings import StudentSettings, TeacherSettings

    tally = Tally()
    for kind in (TeacherSettings, StudentSettings):
        for leaf in settings.leaves(kind):
            for value in values:
                text = f'{leaf.name}: {value}'
                trial = functools.partial(config.loads, text, kind)
                tally.add(judged(f'train {text!r}', trial))
    return tally


def _call(words: list[str]) -> Callable[[], object]:
    def run() -> object:
        said, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(err):
            try:
                code = main(words)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 99
        if code not in EXIT_CODES or 'Traceback' in err.getvalue():
            raise AssertionError(f'exit code {code}: {err.getvalue()[-500:]}')
        if code and not (err.getvalue() + said.getvalue()).strip():  # doctor says it on stdout
            raise AssertionError(f'exit code {code} without a sentence')
        if set(said.getvalue() + err.getvalue()) & set('\x1b\x07\x9b'):
            raise AssertionError('it steers the terminal')
        if code:
            raise LsdError(f'exit code {code}, as it should be')
        return code

    return run
