"""
Weights files: safetensors with everything that rebuilds the model, checked bit by bit.

The header carries the settings of every part, where the weights come from, and the SHA-256 of all
that and of the tensors. Nothing in such a file can run code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn

from lsd_ros import settings
from lsd_ros.errors import WeightsError
from lsd_ros.foreign.atomic import atomic_file, write_atomically
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.models.licence import tell_once
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.shipped import weights_file
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.stored_weights import FORMAT, FORMAT_1, read_stored, sealed, sha256_error
from lsd_ros.models.weights import Header, Weights, WeightsCard

Network = TypeVar('Network', bound=nn.Module)
LOGGER = logging.getLogger(__name__)


def untrained_weights(seed: int = 0) -> Weights:
    """Return random weights of the default shape; the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        depth, pose = SmallDepthNet().eval(), PoseNet().eval()
    card = WeightsCard(
        name='untrained',
        trained=False,
        command=f'save_weights(untrained_weights({seed}), path, dtype=torch.float16)',
        note='random numbers: depth and motion mean nothing',
    )
    return Weights(depth, pose, Preprocessing(), DisparityRange(0.1, 100.0), card)


def save_weights(weights: Weights, path: str | Path, *, dtype: torch.dtype = torch.float32) -> str:
    """
    Write a weights file; it appears at ``path`` whole or not at all.

    :param dtype: type that the numbers are stored in; float16 halves the file
    :return: SHA-256 of the file
    :raises WeightsError: a number is too large for that type, or the file cannot be written
    """
    return _write_atomically(*_packed(weights, dtype), Path(path))


@contextlib.contextmanager
def saved_in_the_end(weights: Weights, path: Path) -> Iterator[None]:
    """
    Write a weights file that appears at its path only when the block ends without an error.

    The disk has it before the block begins, so that the end of the block does not fail for want of
    room.

    :raises WeightsError: the file cannot be written
    """
    data, _ = _sealed(*_packed(weights, torch.float32), path)
    with atomic_file(path, WeightsError, **_problem(path)) as hidden:
        with _writing(path), hidden.open('wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield


def _packed(weights: Weights, dtype: torch.dtype) -> tuple[dict[str, Tensor], dict[str, str]]:
    tensors = {
        f'{part}.{name}': _stored(f'{part}.{name}', tensor, dtype)
        for part, network in (('depth', weights.depth), ('pose', weights.pose))
        for name, tensor in network.state_dict().items()
    }
    header = {
        'format': FORMAT,
        'depth': json.dumps(settings.values(weights.depth.shape)),
        'pose': json.dumps(settings.values(weights.pose.shape)),
        'preprocessing': json.dumps(settings.values(weights.preprocessing)),
        'depths': json.dumps(dataclasses.asdict(weights.depths)),
        'card': json.dumps(dataclasses.asdict(weights.card)),
    }
    return tensors, header


def load_weights(path: str | Path) -> Weights:
    """
    Rebuild the networks from a weights file, strictly; they come in evaluation mode.

    What the licence of their training data forbids is logged, once in a process.

    :param path: of the file, or the name of weights that come with the package
    :raises WeightsError: the file is missing, unreadable, damaged, truncated, foreign, or its
        tensors do not fit the networks that its header describes
    """
    path = weights_file(path)
    header, tensors = _read(path)
    shape, pose_shape, preprocessing, depths, card = Header.of(header, path)
    depth = _filled(lambda: SmallDepthNet(shape), 'depth', tensors, path)
    pose = _filled(lambda: PoseNet(pose_shape), 'pose', tensors, path)
    tell_once(card.name, card.licence, commercial_use=card.commercial_use)
    return Weights(depth.eval(), pose.eval(), preprocessing, depths, card, header['sha256'], path)


def change_card(path: str | Path, **changes: Any) -> WeightsCard:
    """
    Write other values into the card of a weights file; its tensors stay as they are.

    :param changes: by the names of :class:`WeightsCard`
    :return: the new card
    :raises WeightsError: the file cannot be read, or not be written
    """
    card = dataclasses.replace(load_weights(path).card, **changes)
    header, tensors = _read(Path(path))
    changed = {'format': FORMAT, 'card': json.dumps(dataclasses.asdict(card))}
    _write_atomically(tensors, {**header, **changed}, Path(path))
    return card


def tensors_sha256(tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}\n'.encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.is_floating_point():
        return tensor
    largest = float(tensor.abs().max())
    if math.isfinite(largest) and largest > torch.finfo(dtype).max:
        raise WeightsError(
            f'{name} has a value of {largest:.4g}, and {dtype} ends at '
            f'{torch.finfo(dtype).max:.4g}: store these weights as torch.float32'
        )
    return tensor.to(dtype)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    stored = read_stored(path)
    with ForeignCode(
        WeightsError,
        f'weights {path} are damaged, truncated or no safetensors file',
        'copy or download them again',
    ):
        tensors = safetensors.torch.load(stored.data)
    if stored.metadata['format'] == FORMAT_1:
        if tensors_sha256(tensors) != stored.metadata.get('sha256'):
            raise sha256_error(path)
        LOGGER.warning(
            'weights %s are of an earlier version, whose SHA-256 does not cover their settings '
            'and their card: see with lsd_ros inspect that these are right',
            path,
        )
    return stored.metadata, tensors


def _filled(
    make: Callable[[], Network], part: str, tensors: dict[str, Tensor], path: str | Path
) -> Network:
    """
    Make a network, and give it its tensors.

    Their shapes are compared first with those of a network without memory: a header may describe
    one that is larger than the memory.
    """
    prefix = part + '.'
    state = {
        name[len(prefix) :]: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    with ForeignCode(
        WeightsError,
        f'weights {path} do not fit the {part} network that their header describes',
        'use weights made by this version of lsd_ros',
    ):
        with torch.device('meta'):
            wanted = {name: value.shape for name, value in make().state_dict().items()}
        found = {name: value.shape for name, value in state.items()}
        wrong = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
        if wrong:
            there, here = (_size(shapes.get(wrong[0])) for shapes in (found, wanted))
            raise ValueError(f'size mismatch: {wrong[0]} is {there}, and the network has {here}')
        network = make()
        network.load_state_dict(state, strict=True)
        return network


def _size(shape: torch.Size | None) -> str:
    return 'missing' if shape is None else 'x'.join(map(str, shape)) or 'one number'


def _write_atomically(tensors: dict[str, Tensor], header: dict[str, str], path: Path) -> str:
    """Write a file, and return its SHA-256; a symbolic link stays one."""
    data, digest = _sealed(tensors, header, path)
    write_atomically(path, data, durable=True, kind=WeightsError, **_problem(path))
    return digest


def _sealed(tensors: dict[str, Tensor], header: dict[str, str], path: Path) -> tuple[bytes, str]:
    with _writing(path):
        return sealed(safetensors.torch.save(tensors, metadata=header))


def _writing(path: Path) -> ForeignCode:
    return ForeignCode(WeightsError, **_problem(path))


def _problem(path: Path) -> dict[str, str]:
    return {
        'problem': f'weights cannot be written to {path}',
        'remedy': 'check that the folder is there, writable and not full',
    }


def describe_weights(weights: Weights) -> dict[str, Any]:
    """Say what weights are, in values that JSON can carry."""
    return {
        'sha256': weights.sha256,
        'card': dataclasses.asdict(weights.card),
        'depth_parameters': sum(p.numel() for p in weights.depth.parameters()),
        'pose_parameters': sum(p.numel() for p in weights.pose.parameters()),
        'depth': settings.values(weights.depth.shape),
        'pose': settings.values(weights.pose.shape),
        'preprocessing': settings.values(weights.preprocessing),
        'depths': dataclasses.asdict(weights.depths),
    }
