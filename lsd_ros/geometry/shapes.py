"""The shape and type check at the door of every geometry function."""

from __future__ import annotations

import torch
from torch import Tensor

from lsd_ros.errors import FrameError

EXACT = (torch.float32, torch.float64)


def check_shapes(**tensors: tuple[Tensor, str]) -> None:
    """
    Check tensors against shapes such as ``B 1 H W``; one letter means one size in all of them.

    :param tensors: ``name=(tensor, shape)``
    :raises FrameError: a tensor has another shape, or is neither float32 nor float64
    """
    sizes: dict[str, int] = {}
    for name, (tensor, shape) in tensors.items():
        if tensor.dtype not in EXACT:
            raise FrameError(
                f'{name} of type {tensor.dtype} must be float32 or float64: convert it first'
            )
        if not _fits(tensor, shape.split(), sizes):
            known = ', '.join(f'{letter} = {size}' for letter, size in sizes.items())
            raise FrameError(
                f'{name} of shape {tuple(tensor.shape)} must be ({shape.replace(" ", ", ")})'
                + (f' with {known}' if known else '')
            )


def _fits(tensor: Tensor, shape: list[str], sizes: dict[str, int]) -> bool:
    if tensor.ndim != len(shape):
        return False
    found: dict[str, int] = {}
    for size, wanted in zip(tensor.shape, shape, strict=True):
        expected = int(wanted) if wanted.isdigit() else sizes.get(wanted, size)
        if size != expected:
            return False
        if not wanted.isdigit():
            found[wanted] = size
    sizes.update(found)
    return True
