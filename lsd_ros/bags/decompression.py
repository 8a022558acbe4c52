"""Decompression that stops at a limit, for the chunks, messages and files of bags."""

from __future__ import annotations

import bz2
import dataclasses
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import open_file
from lsd_ros.foreign.limits import limits
from lsd_ros.foreign.optional import require

_PIECE = 2**20
# Recorders use windows of at most 8 MiB; a file may ask for 2 GiB before its first byte.
_WINDOW_BYTES = 128 * 2**20


def unpacked(
    data: bytes | memoryview,
    compression: str,
    error: type[LsdError] = DatasetError,
    *,
    partial: bool = False,
) -> bytes | memoryview:
    """
    Decompress data as far as the limits allow.

    :param compression: ``zstd``, ``lz4``, ``bz2``; empty or ``none``: the data are as they are
    :param partial: return what there is of data that are cut off or damaged
    :raises LsdError: of the given type: the data are damaged or grow too large, or the
        compression is unknown
    """
    if compression in ('', 'none'):
        return data
    pieces = _PIECES.get(compression)
    if pieces is None:
        raise error(f'the compression {compression!r} is unknown')
    most = limits().most_unpacked(len(data))
    if compression == 'zstd' and not partial:
        told = require('zstandard').frame_content_size(bytes(data[:18]))
        if 0 < told <= most:  # as fast as it can be
            with ForeignCode(error, 'zstd cannot decompress it'):
                return bytes(require('zstandard').ZstdDecompressor().decompress(bytes(data)))
        limits().check_unpacked(told, len(data), error)
    done = bytearray()
    try:
        with ForeignCode(error, f'{compression} cannot decompress it'):
            for piece in pieces(bytes(data)):
                done += piece
                if len(done) > most:
                    limits().check_unpacked(len(done), len(data), error)
    except LsdError:
        if not partial or len(done) > most:
            raise
    return bytes(done)


def unpack_file(source: Path, target: Path) -> None:
    """
    Decompress a zstd file.

    :raises DatasetError: it is damaged, or grows by more than the limit, or cannot be written
    """
    zstandard = require('zstandard')
    size = source.stat().st_size
    # a whole file may be as large as it likes; only its growth says that it is a bomb
    growth = dataclasses.replace(limits(), unpacked_mib=float('inf'))
    with (
        open_file(source, DatasetError) as packed,
        ForeignCode(DatasetError, f'cannot decompress {source}'),
        target.open('wb') as file,
    ):
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).stream_reader(
            packed, read_across_frames=True
        )
        while piece := reader.read(_PIECE):
            file.write(piece)
            growth.check_unpacked(file.tell(), size, DatasetError)


def _zstd(data: bytes) -> Any:
    zstandard = require('zstandard')
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).stream_reader(
        BytesIO(data), read_across_frames=True
    )
    return iter(lambda: reader.read(_PIECE), b'')


def _lz4(data: bytes) -> Any:
    decompressor = require('lz4.frame').LZ4FrameDecompressor()
    return _in_pieces(decompressor, data)


def _bz2(data: bytes) -> Any:
    return _in_pieces(bz2.BZ2Decompressor(), data)


def _in_pieces(decompressor: Any, data: bytes) -> Any:
    piece = decompressor.decompress(data, _PIECE)
    while piece or not (decompressor.eof or decompressor.needs_input):
        yield piece
        piece = b'' if decompressor.eof else decompressor.decompress(b'', _PIECE)
    if not decompressor.eof:
        raise EOFError('it is cut off')


_PIECES: dict[str, Callable[[bytes], Any]] = {'zstd': _zstd, 'lz4': _lz4, 'bz2': _bz2}
