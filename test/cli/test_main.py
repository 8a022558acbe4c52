from __future__ import annotations

import functools
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lsd_ros import __version__
from lsd_ros.cli.main import main
from lsd_ros.cli.parser import make_parser
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_bag import write_bag
from lsd_ros.types import Camera

VERBS = tuple(next(a.choices for a in make_parser()._actions if a.dest == 'verb'))
COMMAND = [sys.executable, '-m', 'lsd_ros.cli.main']


def help_of(*verb: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main([*verb, '--help'])
    assert end.value.code == 0
    return capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    code = (
        'import contextlib, sys\n'
        'from lsd_ros.cli.main import main\n'
        f'for verb in [[]] + {[[verb] for verb in VERBS]}:\n'
        '    with contextlib.suppress(SystemExit):\n'
        "        main([*verb, '--help'])\n"
        'print(*sys.modules, file=sys.stderr)'
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    assert all(f'usage: lsd_ros {verb}' in run.stdout for verb in VERBS)
    heavy = {'torch', 'cv2', 'numpy', 'rclpy', 'rosbags', 'yaml', 'openvino', 'onnxruntime'}
    assert not heavy & set(run.stderr.split())


@pytest.mark.parametrize('verb', [(), *((verb,) for verb in VERBS)])
def test_help_shows_calls_that_are_right(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r'^  lsd_ros (.+)$', help_of(*verb, capsys=capsys), re.MULTILINE)
    assert examples
    for example in examples:
        assert make_parser().parse_args(shlex.split(example)).verb in (verb or VERBS)


def test_help_says_what_each_setting_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    said = help_of('replay', capsys=capsys) + help_of('triangulate', capsys=capsys)
    for values in (
        "(auto, full, half; default: 'auto')",
        '[m] (-100 to 100; default: 0.0)',
        '[m] (at least 0.01; default: 3.0)',
        "(default: '')",
    ):
        assert values in said


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(['--version'])
    assert end.value.code == 0
    assert capsys.readouterr().out == f'lsd_ros {__version__}\n'


@pytest.mark.parametrize(
    ('call', 'complaint'),
    [
        ('', 'required: VERB'),
        ('play', "invalid choice: 'play'"),
        ('replay bag', 'required: --out'),
        ("extract bag --out ''", 'the path is empty'),
        ("inspect ''", 'the path is empty'),
        ('adapt bag --out a --minutes nan', 'must be greater than 0'),
        ('replay bag --out out --storage zip', "invalid choice: 'zip'"),
        ('replay bag --out out --set decimation', "'decimation' must be NAME=VALUE"),
        ('replay bag --out out --device tpu', "invalid choice: 'tpu'"),
        ('benchmark --frames 0', '0 must be at least 1'),
        ('benchmark --backends tensorrt', "invalid choice: 'tensorrt'"),
        ('demo --frames many', "invalid whole_number value: 'many'"),
        ('demo --seed -1', '-1 must be at least 0'),
    ],
)
def test_a_wrong_call_is_exit_code_2(
    call: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(shlex.split(call))
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_verbose_may_stand_before_and_after_the_verb() -> None:
    parse = make_parser().parse_args
    assert parse(['-v', 'inspect', 'x']).verbose == 1
    assert parse(['inspect', 'x', '-vv']).verbose == 2
    assert parse(['inspect', 'x']).verbose == 0


def test_a_reader_that_goes_away_is_no_error(bag: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, 'inspect', str(bag)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ''
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.fixture(scope='module')
def long_bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag that takes seconds to replay."""
    camera = Camera(64, 48, 40.0, 40.0, 31.5, 23.5)
    path = tmp_path_factory.mktemp('long') / 'drive'
    write_bag(path, SyntheticDrive('corridor', 0, camera, 400), truth=False)
    return path


@pytest.mark.parametrize(
    ('number', 'code'),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143)],
)
def test_an_interrupted_replay_leaves_nothing(
    number: signal.Signals, code: int, long_bag: Path, engine: list[str], tmp_path: Path
) -> None:
    paths = ['--out', str(tmp_path / 'out'), '--preview', str(tmp_path / 'pictures')]
    call = [*COMMAND, 'replay', str(long_bag), *paths, *engine, '--set', 'scale.source=fixed']
    # a shell that runs tests in the background lets SIGINT be ignored, and children inherit that
    listening = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        call, stderr=subprocess.PIPE, text=True, preexec_fn=listening
    ) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob('*.png')) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    # Python ends itself by SIGINT where compiled code ran Python that was interrupted; to a shell,
    # which counts from 128, that is the same
    ended = process.returncode if process.returncode >= 0 else 128 - process.returncode
    assert ended == code, err
    assert 'Traceback' not in err
    assert not list(tmp_path.iterdir())
