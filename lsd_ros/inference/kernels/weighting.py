"""
A weighting module and the sum of its two paths as one kernel, in Triton.

A program works on some pixels of a row. It reads the means of both maps with a halo of three
pixels, 7 x 7 around each, and takes the three 3 x 3 convolutions as products of matrices, with the
kernels laid out for all 5 x 5 and 3 x 3 pixels that the result needs: more operations than the
convolutions have, in full precision, and no pass over memory between them. Then it goes through
the channels once: out = b + s (a - b). The mean of the result over its channels, which the next
weighting module asks for, comes along for nothing. In the decoder the first map may be of half the
resolution: each pixel of it is read four times. Maps are NHWC.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import triton
import triton.language as tl
from torch import Tensor

from lsd_ros.models.weighting import WeightedSum

SEEN, EXPANDED, MIXED = 7, 5, 3  # pixels in a row and a column around the one that is computed
PATHS, WIDE = 2, 4
ROWS = 128  # of the matrices: 98 and 100 are needed, and Triton wants powers of two
FEW = 64  # 36 are needed
WARPS = 8


@triton.jit
def hardswish(x):
    """Return the activation of every layer here."""
    return x * tl.minimum(tl.maximum(x + 3.0, 0.0), 6.0) / 6.0


@triton.jit
def _in_image(place, row, column, height, width, SIDE: tl.constexpr):
    """Return which pixels around others are in the image, shape (places, pixels)."""
    y = row + place[:, None] // SIDE - SIDE // 2 + 0 * column[None, :]
    x = column[None, :] + place[:, None] % SIDE - SIDE // 2
    return (y >= 0) & (y < height) & (x >= 0) & (x < width)


@triton.jit
def _weighted_sum(
    a, b, mean_a, mean_b, expand, expand_bias, mix, mix_bias, last, last_bias, out, mean_out,
    height, width, channels, DOUBLED: tl.constexpr,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr, ROWS: tl.constexpr, FEW: tl.constexpr,
):  # fmt: skip
    image, row = tl.program_id(0), tl.program_id(1)
    column = tl.program_id(2) * PIXELS + tl.arange(0, PIXELS)
    wide, few = tl.arange(0, ROWS), tl.arange(0, FEW)
    # rows of the matrices: place, then path or channel
    seen = _in_image(wide // 2, row, column, height, width, 7) & (wide < 98)[:, None]
    y, x = row + wide // 14 - 3, column[None, :] + (wide // 2 % 7)[:, None] - 3
    place, path = (image * height + y)[:, None] * width + x, (wide % 2)[:, None]
    mean = tl.load(mean_a + place, mask=seen & (path == 0), other=0.0)
    mean += tl.load(mean_b + place, mask=seen & (path == 1), other=0.0)
    matrix = tl.load(expand + wide[:, None] * ROWS + wide[None, :])
    total = tl.dot(matrix, mean, input_precision='ieee') + tl.load(expand_bias + wide)[:, None]
    known = _in_image(wide // 4, row, column, height, width, 5)
    expanded = tl.where(known, hardswish(total), 0.0)
    matrix = tl.load(mix + few[:, None] * ROWS + wide[None, :])
    total = tl.dot(matrix, expanded, input_precision='ieee') + tl.load(mix_bias + few)[:, None]
    known = _in_image(few // 4, row, column, height, width, 3)
    mixed = tl.where(known, hardswish(total), 0.0)
    score = tl.sum(mixed * tl.load(last + few)[:, None], axis=0) + tl.load(last_bias)
    share = 1.0 / (1.0 + tl.exp(-score))
    inside = column < width
    pixel = (image * height + row) * width + column
    source = pixel
    if DOUBLED:
        source = (image * (height // 2) + row // 2) * (width // 2) + column // 2
    fused_sum = tl.zeros((PIXELS,), tl.float32)
    for first in range(0, channels, CHANNELS):
        channel = first + tl.arange(0, CHANNELS)
        there = inside[:, None] & (channel < channels)[None, :]
        where = source[:, None] * channels + channel[None, :]
        one = tl.load(a + where, mask=there, other=0.0).to(tl.float32)
        where = pixel[:, None] * channels + channel[None, :]
        other = tl.load(b + where, mask=there, other=0.0).to(tl.float32)
        fused = other + share[:, None] * (one - other)
        tl.store(out + where, fused.to(out.dtype.element_ty), mask=there)
        fused_sum += tl.sum(fused, axis=1)
    tl.store(mean_out + pixel, fused_sum / channels, mask=inside)


class Matrices(NamedTuple):
    """The numbers of a weighting module of two paths, laid out for the kernel, float32."""

    expand: Tensor
    expand_bias: Tensor
    mix: Tensor
    mix_bias: Tensor
    last: Tensor
    last_bias: Tensor


def matrices(trained: WeightedSum) -> Matrices:
    """Lay out the three convolutions; the last one as the difference of its two outputs."""
    module = trained.weighting
    squeeze, expand, mix = (
        [each.detach().float() for each in (conv.weight, cast(Tensor, conv.bias))]
        for conv in (module.squeeze, module.expand, module.mix)
    )
    last = _laid_out(squeeze[0][:1] - squeeze[0][1:], 1, MIXED)
    return Matrices(
        _padded(_laid_out(expand[0], EXPANDED, SEEN), ROWS, ROWS),
        _padded(expand[1].repeat(EXPANDED**2)[None], 1, ROWS),
        _padded(_laid_out(mix[0], MIXED, EXPANDED), FEW, ROWS),
        _padded(mix[1].repeat(MIXED**2)[None], 1, FEW),
        _padded(last, 1, FEW),
        squeeze[1][:1] - squeeze[1][1:],
    )


def weighted_sum(
    a: Tensor,
    b: Tensor,
    mean_a: Tensor,
    mean_b: Tensor,
    weights: Matrices,
    *,
    doubled: bool = False,
    pixels: int = 32,
) -> tuple[Tensor, Tensor]:
    """
    Fuse two maps in one launch.

    :param a: shape (B, H, W, C), contiguous; (B, H / 2, W / 2, C) where it is ``doubled``
    :param b: shape (B, H, W, C), contiguous
    :param mean_a: of ``a`` over its channels, shape (B, H, W), float32, contiguous
    :param mean_b: of ``b``, likewise
    :param weights: of :func:`matrices`
    :param doubled: repeat each pixel of ``a`` twice both ways
    :param pixels: of a row that a program works on, a power of two from 16 on
    :return: the fused map, shape (B, H, W, C); and its mean over channels, shape (B, H, W)
    """
    images, height, width, channels = b.shape
    out, mean = torch.empty_like(b), torch.empty_like(mean_b)
    grid = (images, height, triton.cdiv(width, pixels))
    block = min(triton.next_power_of_2(channels), 64)
    sizes = {'DOUBLED': doubled, 'PIXELS': pixels, 'CHANNELS': block, 'ROWS': ROWS, 'FEW': FEW}
    given = (a, b, mean_a, mean_b, *weights, out, mean, height, width, channels)
    _weighted_sum[grid](*given, **sizes, num_warps=WARPS)
    return out, mean


def _laid_out(kernel: Tensor, made: int, given: int) -> Tensor:
    """
    Write a 3 x 3 convolution from given x given pixels to made x made, given = made + 2.

    :param kernel: shape (C_out, C_in, 3, 3)
    :return: shape (made^2 C_out, given^2 C_in)
    """
    channels_out, channels_in = kernel.shape[:2]
    matrix = kernel.new_zeros(made, made, channels_out, given, given, channels_in)
    for y in range(made):
        for x in range(made):
            matrix[y, x, :, y : y + 3, x : x + 3] = kernel.permute(0, 2, 3, 1)
    return matrix.reshape(made**2 * channels_out, given**2 * channels_in)


def _padded(matrix: Tensor, rows: int, columns: int) -> Tensor:
    padded = matrix.new_zeros(rows, columns)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    return padded
