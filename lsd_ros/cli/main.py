"""The ``lsd_ros`` command: one verb a call; known errors become one line and an exit code here."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

from lsd_ros.cli.logs import logs
from lsd_ros.cli.parser import make_parser
from lsd_ros.cli.printing import say
from lsd_ros.errors import LsdError
from lsd_ros.foreign.limits import raised

KNOWN_ERROR = 1
NOT_ON_EVERY_ROBOT = ('torch', 'safetensors')
REMEDY = 'pip install torch safetensors, or do it on a computer that has them'
ON_SIGNAL = 128  # plus its number, as shells do it


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one verb.

    :param argv: command line without the name of the program; None: that of the process
    :return: exit code: 0, 1 for a known error, 130 after Ctrl-C
    :raises SystemExit: 2 for a wrong call, 0 after help and version, 143 after SIGTERM
    """
    given = make_parser().parse_args(argv)
    # before torch is loaded: threads that spin while they wait starve each other and their host
    os.environ.setdefault('GOMP_SPINCOUNT', '1000')
    try:
        with logs(given.verbose), _ended_by_sigterm(), raised(**_limits(given)):
            importlib.import_module('lsd_ros.cli.checking').check(given)
            verb = importlib.import_module(f'lsd_ros.cli.{given.verb}.action')
            code = int(verb.run(given))
            sys.stdout.flush()
    except KeyboardInterrupt:
        return ON_SIGNAL + signal.SIGINT
    except BrokenPipeError:
        # Python flushes once more at its end: nobody reads that either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ON_SIGNAL + signal.SIGPIPE
    except LsdError as error:
        return _failed(given.verb, str(error))
    except ImportError as error:
        if (error.name or '').partition('.')[0] not in NOT_ON_EVERY_ROBOT:
            raise
        return _failed(given.verb, f'this needs torch and safetensors ({error}): {REMEDY}')
    except OSError as error:
        what = error.strerror or type(error).__name__
        return _failed(given.verb, f'{error.filename}: {what}' if error.filename else what)
    return code


def _limits(given: argparse.Namespace) -> dict[str, float | None]:
    names = ('megapixels', 'unpacked_mib', 'expansion')
    return {name: getattr(given, f'max_{name}', None) for name in names}


def _failed(verb: str, sentence: str) -> int:
    say(f'lsd_ros {verb}: {" ".join(sentence.split())}', file=sys.stderr)
    return KNOWN_ERROR


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind what runs, so that no process and no half-written file is left."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(ON_SIGNAL + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == '__main__':
    sys.exit(main())
