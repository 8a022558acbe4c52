"""A network as backends take it: built only where nobody has compiled it before."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from lsd_ros.errors import BackendError
from lsd_ros.models.shipped import graphs_file
from lsd_ros.models.weights import Weights

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class InferenceNetwork:
    """
    A network that takes one tensor of bytes and gives one of numbers.

    :param build: builds it; loads torch
    :param content: another text for whatever computes something else
    :param graphs: file that its graph is in, where somebody exported it; None: there cannot be one
    """

    build: Callable[[], nn.Module]
    content: str
    graphs: Path | None = None

    @classmethod
    def of(cls, network: nn.Module) -> InferenceNetwork:
        """Take a network that is there, by its numbers."""
        digest = hashlib.sha256(str(network).encode())
        for name, value in network.state_dict().items():
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return cls(lambda: network, digest.hexdigest())


def depth_network(weights: Weights) -> InferenceNetwork:
    """Return the rewritten depth network of weights."""

    def build() -> nn.Module:
        _load_torch_to_compile(weights)
        from lsd_ros.inference.rewrite import depth_inference

        return depth_inference(weights)

    return _named('depth', weights, build)


def pose_network(weights: Weights) -> InferenceNetwork:
    """Return the rewritten pose network of weights."""

    def build() -> nn.Module:
        _load_torch_to_compile(weights)
        from lsd_ros.inference.rewrite import pose_inference

        return pose_inference(weights)

    return _named('pose', weights, build)


def _named(part: str, weights: Weights, build: Callable[[], nn.Module]) -> InferenceNetwork:
    """Name a network by the SHA-256 of its file, or by its numbers where it is from none."""
    said = weights.sha256 or InferenceNetwork.of(build()).content
    graphs = None if weights.path is None else graphs_file(weights.path)
    content = f'{part} {said} {weights.preprocessing} {weights.depths}'
    return InferenceNetwork(build, content, graphs)


def load_torch() -> ModuleType:
    """
    Return torch, which takes a second to load: only what needs it asks for it.

    :raises BackendError: it is not installed, or a library that it loads is missing
    """
    try:
        return importlib.import_module('torch')
    except (ImportError, OSError) as error:
        raise BackendError(
            f'torch cannot be loaded ({error}): pip install torch, or set backend and device to '
            "'auto'"
        ) from error


def _load_torch_to_compile(weights: Weights) -> None:
    try:
        load_torch()
    except BackendError as error:
        copied = ''
        if weights.path is not None:
            copied = (
                ', or run lsd_ros export --format graphs on a computer that has torch, and copy '
                f'what it writes to {graphs_file(weights.path)}'
            )
        raise BackendError(
            'these networks were never compiled here, and that takes torch or their graphs: '
            f'pip install torch{copied} ({error.__cause__})'
        ) from error
