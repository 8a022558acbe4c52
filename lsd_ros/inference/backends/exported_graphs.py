"""
Both networks of a weights file as ONNX, in a file beside it: what a robot without torch compiles.

``lsd_ros export --format graphs`` writes it. Each graph has the name that it would have in the
cache of compiled networks (:mod:`lsd_ros.inference.backends.compiled_cache`), so that one of other
weights or of other code is never taken. With them comes what torch says of the stored images, by
which backends are judged. The SHA-256 of it all is in the header, as in a weights file.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import BackendError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_file
from lsd_ros.inference.backends.compiled_cache import cache_key
from lsd_ros.inference.backends.inference_network import InferenceNetwork, load_torch
from lsd_ros.models.stored_weights import LARGEST_FILE, digest_of, sealed, split

FORMAT = 'lsd_ros.graphs/1'
_METADATA = '__metadata__'
_ITEM_BYTES = {'U8': 1, 'F32': 4}


class Part(NamedTuple):
    """
    One thing in such a file.

    :param shape: of the numbers
    :param data: their bytes
    """

    shape: tuple[int, ...]
    data: bytes


def graph_key(network: InferenceNetwork) -> str:
    """Return the name of the graph of a network: for any number of images of any size."""
    return cache_key(network, 'onnx', 'any size')


def judged_key(network: InferenceNetwork, size: tuple[int, int]) -> str:
    """
    Return the name of what torch says of the stored images.

    :param network: the depth network
    :param size: (width, height) of its input
    """
    return cache_key(network, 'stored images', size)


def graphs_bytes(
    graphs: Mapping[str, bytes], judged: Mapping[str, NDArray[np.float32]], made_by: str
) -> bytes:
    """
    Put graphs and what judges them into the bytes of one file.

    :param graphs: ONNX models by :func:`graph_key`
    :param judged: disparity of the stored images by :func:`judged_key`, shape (N, h, w)
    :param made_by: what made it, for people
    """
    parts = {key: Part((len(data),), data) for key, data in graphs.items()}
    for key, values in judged.items():
        parts[key] = Part(values.shape, values.astype('<f4').tobytes())
    header: dict[str, object] = {_METADATA: {'format': FORMAT, 'made_by': made_by}}
    start = 0
    for key, part in parts.items():
        end = start + len(part.data)
        kind = 'U8' if key in graphs else 'F32'
        header[key] = {'dtype': kind, 'shape': part.shape, 'data_offsets': [start, end]}
        start = end
    text = json.dumps(header).encode()
    data = struct.pack('<Q', len(text)) + text + b''.join(part.data for part in parts.values())
    return sealed(data)[0]


def graph_without_torch(network: InferenceNetwork) -> bytes | None:
    """
    Return the exported graph of a network, where torch cannot be loaded to make it.

    :return: ONNX; None where torch is there, or no file of graphs
    :raises BackendError: the file is damaged, or not of these weights and this code
    """
    if network.graphs is None or not network.graphs.exists():
        return None
    try:
        load_torch()
    except BackendError:
        return _part(network.graphs, graph_key(network)).data
    return None


def reading_graph(network: InferenceNetwork) -> ForeignCode:
    """
    Return a context in which a runtime takes what :func:`graph_without_torch` gave.

    Copying such a file again does not help: its SHA-256 was right.

    :raises BackendError: the runtime cannot read it
    """
    return ForeignCode(
        BackendError,
        f'the graphs {network.graphs} are damaged: one of them cannot be read as ONNX',
        'write them again where torch is installed (lsd_ros export --format graphs)',
    )


def judged_without_torch(
    network: InferenceNetwork, size: tuple[int, int]
) -> NDArray[np.float32] | None:
    """
    Return what torch says of the stored images, as the file of graphs has it.

    :param network: the depth network
    :param size: (width, height) of its input
    :return: disparity, shape (N, h, w); None where it is not known for this size
    """
    if network.graphs is None or not network.graphs.exists():
        return None
    try:
        part = _part(network.graphs, judged_key(network, size))
    except BackendError:
        return None  # whoever needs a graph says what is wrong with the file
    return np.frombuffer(part.data, '<f4').reshape(part.shape)


def _part(path: Path, key: str) -> Part:
    data = read_file(path, BackendError, LARGEST_FILE)
    with ForeignCode(
        BackendError, f'the graphs {path} are damaged, or no file of graphs', 'copy them again'
    ):
        header, body = split(data)
        metadata = header.pop(_METADATA)
        if metadata['format'] != FORMAT:
            raise ValueError(f'their format is {metadata["format"]!r} and not {FORMAT!r}')
        if metadata['sha256'] != digest_of({_METADATA: metadata, **header}, body):
            raise ValueError('their SHA-256 is not the one they were written with')
        entry = header.get(key)
        if entry is not None:
            start, end = entry['data_offsets']
            part = Part(tuple(entry['shape']), bytes(body[start:end]))
            if math.prod(part.shape) * _ITEM_BYTES[entry['dtype']] != len(part.data):
                raise ValueError(f'one of their parts is not of the shape {part.shape}')
            return part
    raise BackendError(
        f'the graphs {path} are of other weights, or of another version of lsd_ros: write them '
        'again where torch is installed (lsd_ros export --format graphs), with the weights and '
        'the lsd_ros of this robot'
    )
