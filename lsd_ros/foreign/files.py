"""Files of others: opened without hanging, read as far as a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from lsd_ros.errors import LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.limits import MAX_TEXT_BYTES


def open_file(path: str | Path, error: type[LsdError]) -> BinaryIO:
    """
    Open a file to read bytes from.

    A pipe or device is refused: opening it would wait for whoever writes, perhaps for ever.

    :raises LsdError: of the given type: it is missing, not readable, or no file
    """
    with ForeignCode(error, f'cannot read {path}'):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise error(f'cannot read {path}: it is a {kind_of_node(mode)} and no file')
            return os.fdopen(handle, 'rb')
        except BaseException:
            os.close(handle)
            raise


def read_file(path: str | Path, error: type[LsdError], limit: int = MAX_TEXT_BYTES) -> bytes:
    """
    Read a whole file.

    :param limit: how large it may be [bytes]
    :raises LsdError: of the given type: as :func:`open_file`, or it is too large
    """
    with open_file(path, error) as file, ForeignCode(error, f'cannot read {path}'):
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise error(f'cannot read {path}: its {size} bytes are more than {limit}')
        return file.read(limit)


def read_text(path: str | Path, error: type[LsdError], limit: int = MAX_TEXT_BYTES) -> str:
    """
    Read a whole file of text in UTF-8, with or without a byte order mark.

    :raises LsdError: of the given type: as :func:`read_file`, or it is no text
    """
    data = read_file(path, error, limit)
    with ForeignCode(error, f'{path} is no text in UTF-8'):
        return data.decode('utf-8-sig')


def kind_of_node(mode: int) -> str:
    """Say in a word what something in a file system is, by its ``st_mode``."""
    kinds = {
        stat.S_IFDIR: 'folder',
        stat.S_IFIFO: 'pipe',
        stat.S_IFSOCK: 'socket',
        stat.S_IFCHR: 'device',
        stat.S_IFBLK: 'device',
    }
    return kinds.get(stat.S_IFMT(mode), 'file')
