"""
The small depth network of kernels alone: 32 launches where torch has 382.

One launch for the normalisation with the first convolution, one for every other convolution
between the blocks, one for a block, one for a weighting module with its sum, one for the head.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn

from lsd_ros.errors import BackendError
from lsd_ros.inference.fused_depth_net import can_fuse
from lsd_ros.inference.kernels import block, convolution, ends, weighting
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.network_settings import STAGES, SmallDepthSettings
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import DecoderStage, SmallDepthNet, check_network_input
from lsd_ros.models.sparse_block import SparseBlock
from lsd_ros.models.weighting import WeightedSum

Laid = TypeVar('Laid', bound=NamedTuple)
LARGE = 1024  # pixels: from here on a map fills a card with tiles of 16, too


class Coding(NamedTuple):
    """A sparse coding block: its two paths, and how they are weighted."""

    paths: block.Numbers
    fuse: weighting.Matrices


class Decoding(NamedTuple):
    """A decoder stage; ``fuse``: with the map of the encoder, None where there is none."""

    transform: convolution.Layer
    block: Coding
    fuse: weighting.Matrices | None


class KernelDepthNet:
    """
    What is read of the small depth network, from bytes to disparity.

    :param trained: the network; it is left as it is
    :param device: that has the numbers
    :param kind: float16 or float32, of the maps; sums are in float32
    :raises BackendError: there are no kernels for a network of this shape
    """

    def __init__(
        self,
        trained: SmallDepthNet,
        preprocessing: Preprocessing,
        device: str | torch.device,
        kind: torch.dtype,
    ) -> None:
        if not has_kernels(trained.shape):
            raise BackendError(
                'the kernels are for weighted fusion, padding of zeros, upsampling to the nearest '
                "and groups of 1, and these weights have another shape: set backend to 'torch'"
            )
        trained = trained.eval()
        self._trained, self._device, self._kind = trained, device, kind
        self._grey = preprocessing.colour == 'grey'
        self._first = self._laid(ends.first_numbers(Normalise(preprocessing), trained, kind))
        stages = [cast(nn.Sequential, stage) for stage in trained.encoder]
        # the first convolution is part of the first kernel
        self._downs = [None, *(self._layer(cast(ConvNormAct, down)) for down, _ in stages[1:])]
        self._codings = [self._coding(cast(SparseBlock, coding)) for _, coding in stages]
        read = range(STAGES - 1, trained.shape.read_level - 1, -1)
        self._decoder = [self._decoding(cast(DecoderStage, trained.decoder[i])) for i in read]
        self._head = self._laid(ends.head_numbers(trained))

    def __call__(self, image: Tensor) -> Tensor:
        """
        Estimate disparity; see :meth:`DepthInference.forward`.

        :param image: RGB in 0 .. 255, shape (B, H, W, 3), uint8, on the device, contiguous
        :return: shape (B, 1 or 2, H / 2^j, W / 2^j), j = ``read_level``, float32
        :raises FrameError: the shape does not fit
        """
        check_network_input(image.permute(0, 3, 1, 2))
        x = ends.from_bytes(image, self._first, grey=self._grey)
        skips = []
        for down, coding in zip(self._downs, self._codings, strict=True):
            if down is not None:
                x = convolution.convolved(x, down)
            x, mean = _fused(x, coding)
            skips.append((x, mean))
        for stage, skip in zip(self._decoder, [*reversed(skips[:-1]), None], strict=False):
            small = convolution.convolved(x, stage.transform)
            x, mean = _fused(small, stage.block, doubled=True)
            if stage.fuse is not None and skip is not None:
                x, _ = weighting.weighted_sum(x, skip[0], mean, skip[1], stage.fuse)
        return ends.read_head(x, self._head, self._trained)

    def _decoding(self, stage: DecoderStage) -> Decoding:
        fuse = None if stage.fuse is None else self._weights(stage.fuse)
        return Decoding(self._layer(stage.transform), self._coding(stage.block), fuse)

    def _layer(self, trained: ConvNormAct) -> convolution.Layer:
        layer = convolution.layer(trained, self._kind)
        return layer._replace(numbers=self._laid(layer.numbers))

    def _coding(self, trained: SparseBlock) -> Coding:
        paths = self._laid(block.numbers(trained, self._kind))
        return Coding(paths, self._weights(trained.fuse))

    def _weights(self, trained: nn.Module) -> weighting.Matrices:
        return self._laid(weighting.matrices(cast(WeightedSum, trained)))

    def _laid(self, numbers: Laid) -> Laid:
        """Put numbers on the device."""
        return type(numbers)(*(each.to(self._device) for each in numbers))


def has_kernels(shape: SmallDepthSettings) -> bool:
    """Return whether there are kernels for a network of some shape."""
    return can_fuse(shape) and shape.group_size == 1


def _fused(x: Tensor, coding: Coding, *, doubled: bool = False) -> tuple[Tensor, Tensor]:
    """Apply a block in two launches; return its map, and the mean of that over channels."""
    side = 16 if x.shape[1] * x.shape[2] >= LARGE else 8
    made, mean, mean_made = block.coded(x, coding.paths, doubled=doubled, side=side)
    return weighting.weighted_sum(x, made, mean, mean_made, coding.fuse, doubled=doubled)
