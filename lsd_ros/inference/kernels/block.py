"""
A sparse coding block up to its two paths as one kernel, in Triton.

A program works on a tile with a halo of two pixels, since two 3 x 3 convolutions follow each
other, and makes some of the output channels. It goes through the wide channels in chunks: the
1 x 1 convolution with folded normalisation and its activation for the whole tile, both depthwise
convolutions, whose shifts are gathers inside the tile, and the product with the chunk of the last
1 x 1 convolution, which is summed up. So none of the wide maps is ever in memory. At the border of
a tile the shifts read wrong pixels; they reach no further than the halo. Means over channels of
both paths come along, for the weighting module (:mod:`.weighting`). Maps are NHWC.

In the decoder the map is doubled before the block: the program reads each pixel of the small map
four times, and the doubled one is not written either.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from lsd_ros.inference.folding import folded
from lsd_ros.inference.kernels.weighting import hardswish
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.sparse_block import SparseBlock

HALO = 2
CHUNK = 16  # channels: the least that tensor cores take


@triton.jit
def _depthwise(given, place, kernel, bias, channel, known, wide, SIDE: tl.constexpr):
    """Return a 3 x 3 depthwise convolution of a tile; kernel: (9, wide), tap by tap."""
    total = 0.0 * given + tl.load(bias + channel, mask=known, other=0.0)[None, :]
    for tap in tl.static_range(9):
        shifted = place + (tap // 3 - 1) * SIDE + tap % 3 - 1
        shifted = tl.minimum(tl.maximum(shifted, 0), SIDE * SIDE - 1)
        weight = tl.load(kernel + tap * wide + channel, mask=known, other=0.0)
        seen = tl.gather(given, shifted[:, None] + 0 * channel[None, :], 0)
        total += seen * weight[None, :]
    return total


@triton.jit
def _expanded(
    x, expand, source, seen, channel, known, channels, wide,
    SIDE: tl.constexpr, CHANNELS: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """Return a chunk of the 1 x 1 convolution of a tile, and the sum of the tile's channels."""
    total = tl.zeros((SIDE * SIDE, WIDE), tl.float32)
    seen_sum = tl.zeros((SIDE * SIDE,), tl.float32)
    for first in range(0, channels, CHANNELS):
        given = first + tl.arange(0, CHANNELS)
        there = seen[:, None] & (given < channels)[None, :]
        values = tl.load(x + source[:, None] * channels + given[None, :], mask=there, other=0.0)
        there = (given < channels)[:, None] & known[None, :]
        where = given[:, None] * wide + channel[None, :]
        matrix = tl.load(expand + where, mask=there, other=0.0)
        total = tl.dot(values, matrix, total, input_precision='ieee')
        seen_sum += tl.sum(values.to(tl.float32), axis=1)
    return total, seen_sum


@triton.jit
def _coded(
    x, expand, expand_bias, first, first_bias, second, second_bias, squeeze, squeeze_bias,
    mean_squeeze, mean_bias, out, mean_out, mean_coded_out, height, width, channels, wide,
    SIDE: tl.constexpr, DOUBLED: tl.constexpr, CHANNELS: tl.constexpr, WIDE: tl.constexpr,
    MADE: tl.constexpr,
):  # fmt: skip
    image, tile, part = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    inner: tl.constexpr = SIDE - 4
    tiles = (width + inner - 1) // inner
    place = tl.arange(0, SIDE * SIDE)
    y = tile // tiles * inner + place // SIDE - 2
    column = tile % tiles * inner + place % SIDE - 2
    seen = (y >= 0) & (y < height) & (column >= 0) & (column < width)
    pixel = (image * height + y) * width + column
    source = pixel
    if DOUBLED:
        source = (image * (height // 2) + y // 2) * (width // 2) + column // 2
    made = part * MADE + tl.arange(0, MADE)
    total = tl.zeros((SIDE * SIDE, MADE), tl.float32)
    mean = tl.zeros((SIDE * SIDE,), tl.float32)
    mean_coded = tl.zeros((SIDE * SIDE,), tl.float32)
    for start in range(0, wide, WIDE):
        channel = start + tl.arange(0, WIDE)
        known = channel < wide
        coded, seen_sum = _expanded(
            x, expand, source, seen, channel, known, channels, wide, SIDE, CHANNELS, WIDE
        )
        if start == 0:
            mean = seen_sum
        coded += tl.load(expand_bias + channel, mask=known, other=0.0)[None, :]
        coded = tl.where(seen[:, None], hardswish(coded), 0.0)
        coded = _depthwise(coded, place, first, first_bias, channel, known, wide, SIDE)
        coded = tl.where(seen[:, None], hardswish(coded), 0.0)
        coded = _depthwise(coded, place, second, second_bias, channel, known, wide, SIDE)
        coded = hardswish(coded)
        share = tl.load(mean_squeeze + channel, mask=known, other=0.0)
        mean_coded += tl.sum(coded * share[None, :], axis=1)
        there = known[:, None] & (made < channels)[None, :]
        where = channel[:, None] * channels + made[None, :]
        matrix = tl.load(squeeze + where, mask=there, other=0.0)
        total = tl.dot(coded.to(matrix.dtype), matrix, total, input_precision='ieee')
    total += tl.load(squeeze_bias + made, mask=made < channels, other=0.0)[None, :]
    row_of, column_of = place // SIDE, place % SIDE
    whole = seen & (row_of >= 2) & (row_of < SIDE - 2) & (column_of >= 2) & (column_of < SIDE - 2)
    where = pixel[:, None] * channels + made[None, :]
    there = whole[:, None] & (made < channels)[None, :]
    tl.store(out + where, total.to(out.dtype.element_ty), mask=there)
    ours = whole & (part + 0 * place == 0)
    tl.store(mean_out + pixel, mean / channels, mask=ours)
    tl.store(mean_coded_out + pixel, mean_coded + tl.load(mean_bias), mask=ours)


class Numbers(NamedTuple):
    """
    The numbers of a block, laid out for the kernel.

    The matrices of both 1 x 1 convolutions are of the type of the maps, the rest is float32.
    """

    expand: Tensor
    expand_bias: Tensor
    first: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor
    squeeze: Tensor
    squeeze_bias: Tensor
    mean_squeeze: Tensor
    mean_bias: Tensor


def numbers(trained: SparseBlock, kind: torch.dtype) -> Numbers:
    """
    Fold the normalisations into the convolutions, and lay them out.

    :param trained: block whose channels are coded each alone
    :param kind: type of the maps
    """
    layers = (trained.expand, *trained.code, trained.squeeze)
    convs = [folded_convolution(cast(ConvNormAct, layer)) for layer in layers]
    weights = [conv.weight.detach().float() for conv in convs]
    biases = [cast(Tensor, conv.bias).detach().float() for conv in convs]
    expand, squeeze = (weights[index][:, :, 0, 0].T.contiguous() for index in (0, 3))
    first, second = (weights[index].reshape(-1, 9).T.contiguous() for index in (1, 2))
    mean_squeeze, mean_bias = squeeze.mean(dim=1), biases[3].mean(dim=0, keepdim=True)
    return Numbers(
        *(expand.to(kind), biases[0], first, biases[1], second, biases[2]),
        *(squeeze.to(kind), biases[3], mean_squeeze, mean_bias),
    )


def coded(
    x: Tensor, weights: Numbers, *, doubled: bool = False, side: int = 16, made: int = 64
) -> tuple[Tensor, Tensor, Tensor]:
    """
    Code a map sparsely, in one launch.

    :param x: shape (B, H, W, C), contiguous
    :param weights: of :func:`numbers`
    :param doubled: repeat each pixel of ``x`` twice both ways first: H and W are then twice those
    :param side: of a tile with its halo, a power of two
    :param made: most output channels of a program, a power of two from 16 on
    :return: the coded map, shape (B, H, W, C); and the means over channels of the map and of the
        coded map, shape (B, H, W) each, float32
    """
    images, height, width, channels = x.shape
    if doubled:
        height, width = 2 * height, 2 * width
    out = x.new_empty(images, height, width, channels)
    means = torch.empty(2, images, height, width, device=x.device)
    made = min(made, max(CHUNK, triton.next_power_of_2(channels)))
    inner = side - 2 * HALO
    tiles = triton.cdiv(height, inner) * triton.cdiv(width, inner)
    grid = (images, tiles, triton.cdiv(channels, made))
    sizes = {'SIDE': side, 'DOUBLED': doubled, 'CHANNELS': CHUNK, 'WIDE': CHUNK, 'MADE': made}
    given = (x, *weights, out, *means, height, width, channels, len(weights.expand_bias))
    _coded[grid](*given, **sizes, num_warps=warps(side))
    return out, means[0], means[1]


def warps(side: int) -> int:
    """Return how many warps work on a tile: with fewer, registers do not suffice."""
    return max(4, side * side // 32)


def folded_convolution(layer: ConvNormAct) -> nn.Conv2d:
    """Return the convolution of a layer with its normalisation folded into it."""
    without = folded(layer)
    return cast(nn.Conv2d, without[0] if isinstance(without, nn.Sequential) else without)
