"""Folders that one process at a time writes into."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from lsd_ros.errors import LsdError
from lsd_ros.foreign.door import ForeignCode


@contextlib.contextmanager
def locked(file: Path, kind: type[LsdError], in_use: str) -> Iterator[None]:
    """
    Keep other processes out meanwhile.

    :param file: that is locked; it is made, with its folder
    :param kind: of the error
    :param in_use: the sentence where another process holds it
    :raises LsdError: of that kind: another process holds it, or it cannot be written
    """
    with ForeignCode(kind, f'cannot write into {file.parent}'):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.open('w')
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise kind(in_use) from error
        yield
