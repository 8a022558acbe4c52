"""
Weights of the teacher's encoder from a local file; nothing is ever downloaded.

The names are those of ``LargeDepthNet.encoder.state_dict()``: ``0.0.0.weight`` is the first
convolution. The default encoder lists its tensors in the order in which an EfficientNetV2-S lists
its own, so that the trunk of one (all but its last 1 x 1 convolution and its classifier) is
converted by giving its tensors our names::

    names = LargeDepthNet().encoder.state_dict()
    save_file(dict(zip(names, trunk.state_dict().values(), strict=True)), 'encoder.safetensors')
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lsd_ros.errors import WeightsError


def read_encoder_weights(path: str | Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Read the tensors that an encoder wants, no more and no fewer.

    :param path: of a ``.safetensors`` file, or of a state dict that torch wrote; no code in such
        a file is run
    :param wanted: the state dict of the encoder
    :raises WeightsError: the file cannot be read, or a name or shape does not fit
    """
    given = _read(Path(path))
    missing = sorted(set(wanted) - set(given))
    foreign = sorted(set(given) - set(wanted))
    if missing or foreign:
        wrong = f'lack {missing[0]!r}' if missing else f'have {foreign[0]!r}'
        raise WeightsError(
            f'encoder weights {path} {wrong} ({len(missing)} names missing, {len(foreign)} '
            'unknown): name the tensors as LargeDepthNet.encoder.state_dict() does'
        )
    for name, tensor in wanted.items():
        if given[name].shape != tensor.shape:
            raise WeightsError(
                f'encoder weights {path} have {name} of shape {tuple(given[name].shape)}, but the '
                f'encoder has {tuple(tensor.shape)}: choose group_widths and group_blocks to fit'
            )
    return given


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            f'encoder weights {path} do not exist: give the path of a file on this machine'
        )
    try:
        if path.suffix == '.safetensors':
            return load_file(path)
        state: Any = torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = ' '.join(str(error).split())[:200]
        raise WeightsError(
            f'encoder weights {path} cannot be read ({reason}): give a .safetensors file or a '
            'state dict that torch.save wrote'
        ) from error
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise WeightsError(
            f'encoder weights {path} hold no state dict, but a {type(state).__name__}: save '
            'encoder.state_dict()'
        )
    return state
