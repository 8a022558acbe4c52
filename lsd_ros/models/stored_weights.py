"""
Weights files as bytes: safetensors whose SHA-256 covers everything in it.

It is that of the header as JSON with sorted names, without the SHA-256 itself, and of the bytes of
the numbers, so that nothing that changes a result can change unseen. Reading one needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

from lsd_ros.errors import WeightsError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import kind_of_node, read_file
from lsd_ros.models.shipped import shipped_names, weights_file

FORMAT = 'lsd_ros.weights/2'
# its SHA-256 covered the tensors alone
FORMAT_1 = 'lsd_ros.weights/1'
LARGEST_FILE = 2 * 2**30
LARGEST_HEADER = 16 * 2**20
_METADATA = '__metadata__'
_SHA256 = 'sha256'
_LENGTH = struct.Struct('<Q')


class StoredWeights(NamedTuple):
    """
    A weights file, as it lies on the disk.

    :param metadata: texts of the header
    :param data: the whole file
    """

    metadata: dict[str, str]
    data: bytes


def existing_weights(given: str | Path) -> Path:
    """
    Return the file of weights, given a path or the name of weights that come with the package.

    :raises WeightsError: there is none
    """
    path = weights_file(given)
    with ForeignCode(WeightsError, f'weights {path} cannot be read'):
        if path.is_file():
            return path
        if path.exists():
            kind = kind_of_node(path.stat().st_mode)
            raise WeightsError(
                f'weights {path} are a {kind} and no file: give a .safetensors file'
            )
    raise WeightsError(
        f'weights {path} do not exist: give the path of a .safetensors file, or the name of '
        f'weights that come with the package ({", ".join(shipped_names())})'
    )


def read_stored(path: Path) -> StoredWeights:
    """
    Read a weights file, and check it by its SHA-256; one of the first format, only its shape.

    :raises WeightsError: it is missing, damaged, truncated, or of another program
    """
    data = read_file(existing_weights(path), WeightsError, LARGEST_FILE)
    remedy = 'copy or download them again'
    problem = f'weights {path} are damaged, truncated or no safetensors file'
    with ForeignCode(WeightsError, problem, remedy):
        header, body = split(data)
        metadata = header.get(_METADATA, {})
        if not all(isinstance(text, str) for text in metadata.values()):
            raise ValueError('its metadata are no texts')
        ends = [entry['data_offsets'][1] for name, entry in header.items() if name != _METADATA]
        if max(ends, default=0) != len(body):
            raise ValueError('its length is another one')
    form = metadata.get('format')
    if form not in (FORMAT, FORMAT_1):
        raise WeightsError(
            f'weights {path} are not of lsd_ros: their format is {form!r} '
            f'and not {FORMAT!r}; use a file made by lsd_ros'
        )
    if form == FORMAT and digest_of(header, body) != metadata.get(_SHA256):
        raise sha256_error(path)
    return StoredWeights(metadata, data)


def sealed(data: bytes) -> tuple[bytes, str]:
    """
    Write the SHA-256 into a file.

    :param data: a safetensors file
    :return: the same with it, and what it is
    """
    header, body = split(data)
    metadata = {name: text for name, text in header[_METADATA].items() if name != _SHA256}
    header[_METADATA] = metadata
    digest = digest_of(header, body)
    header[_METADATA] = {**metadata, _SHA256: digest}
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)  # the numbers start at a multiple of 8
    return _LENGTH.pack(len(text)) + text + bytes(body), digest


def sha256_error(path: Path) -> WeightsError:
    """Return what says that the SHA-256 of a file is wrong."""
    return WeightsError(
        f'weights {path} are damaged: their SHA-256 is not the one they were written with; '
        'copy or download them again'
    )


def split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """
    Return header and numbers of a safetensors file.

    :raises ValueError: it is none
    """
    if len(data) < _LENGTH.size:
        raise ValueError(f'it has {len(data)} bytes')
    (length,) = _LENGTH.unpack_from(data)
    if length > min(LARGEST_HEADER, len(data) - _LENGTH.size):
        raise ValueError('its header is longer than the file')
    start = _LENGTH.size + length
    header = json.loads(data[_LENGTH.size : start])
    if not isinstance(header, dict):
        raise ValueError('its header is no mapping')
    return header, memoryview(data)[start:]


def digest_of(header: dict[str, Any], body: memoryview) -> str:
    """Return the SHA-256 of a file, without that in its header."""
    metadata = {name: text for name, text in header[_METADATA].items() if name != _SHA256}
    covered = {**header, _METADATA: metadata}
    digest = hashlib.sha256(json.dumps(covered, sort_keys=True, separators=(',', ':')).encode())
    digest.update(b'\n')
    digest.update(body)
    return digest.hexdigest()
