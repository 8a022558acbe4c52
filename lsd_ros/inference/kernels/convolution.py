"""
A convolution with its bias and activation as one kernel, in Triton.

What stands between the blocks: the 3 x 3 of stride 2 that halves a map, and the transform of a
decoder stage. A program works on some pixels and some output channels, tap by tap and chunk by
chunk of the input channels, each step a product of matrices. Maps are NHWC.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from lsd_ros.inference.kernels.block import CHUNK, folded_convolution
from lsd_ros.inference.kernels.weighting import hardswish
from lsd_ros.models.layers import ConvNormAct

PIXELS, MADE = 32, 32  # of a program


@triton.jit
def _convolution(
    x, kernel, bias, out, height, width, channels, made_height, made_width, made,
    SIZE: tl.constexpr, STRIDE: tl.constexpr, ACTIVE: tl.constexpr,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr, MADE: tl.constexpr,
):  # fmt: skip
    image = tl.program_id(0)
    pixel = tl.program_id(1) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.program_id(2) * MADE + tl.arange(0, MADE)
    inside, known = pixel < made_height * made_width, channel < made
    row, column = STRIDE * (pixel // made_width), STRIDE * (pixel % made_width)
    total = tl.zeros((PIXELS, MADE), tl.float32)
    for tap in tl.static_range(SIZE * SIZE):
        y, from_column = row + tap // SIZE - SIZE // 2, column + tap % SIZE - SIZE // 2
        seen = inside & (y >= 0) & (y < height) & (from_column >= 0) & (from_column < width)
        source = (image * height + y) * width + from_column
        for first in range(0, channels, CHANNELS):
            given = first + tl.arange(0, CHANNELS)
            there = seen[:, None] & (given < channels)[None, :]
            where = source[:, None] * channels + given[None, :]
            values = tl.load(x + where, mask=there, other=0.0)
            there = (given < channels)[:, None] & known[None, :]
            where = (tap * channels + given)[:, None] * made + channel[None, :]
            matrix = tl.load(kernel + where, mask=there, other=0.0)
            total = tl.dot(values, matrix, total, input_precision='ieee')
    total += tl.load(bias + channel, mask=known, other=0.0)[None, :]
    if ACTIVE:
        total = hardswish(total)
    where = (image * made_height * made_width + pixel)[:, None] * made + channel[None, :]
    tl.store(out + where, total.to(out.dtype.element_ty), mask=inside[:, None] & known[None, :])


class ConvolutionNumbers(NamedTuple):
    """The numbers of a layer; the kernel is of the type of the maps, tap by tap."""

    kernel: Tensor
    bias: Tensor


class Layer(NamedTuple):
    """
    A layer of convolution, normalisation and, where it is ``active``, Hardswish.

    :param numbers: with the normalisation folded in
    :param size: of the square kernel
    """

    numbers: ConvolutionNumbers
    size: int
    stride: int
    active: bool


def layer(trained: ConvNormAct, kind: torch.dtype) -> Layer:
    """
    Fold the normalisation into a layer, and lay it out.

    :param trained: whose channels see each other all
    :param kind: type of the maps
    """
    conv = folded_convolution(trained)
    size, stride = conv.kernel_size[0], conv.stride[0]
    kernel = conv.weight.detach().float().permute(2, 3, 1, 0).reshape(-1, conv.out_channels)
    numbers = ConvolutionNumbers(
        kernel.contiguous().to(kind), cast(Tensor, conv.bias).detach().float()
    )
    return Layer(numbers, size, stride, active=not isinstance(trained.activation, nn.Identity))


def convolved(x: Tensor, layer: Layer) -> Tensor:
    """
    Apply a layer, in one launch.

    :param x: shape (B, H, W, C_in), contiguous; H and W multiples of the stride
    :return: shape (B, H / stride, W / stride, C_out)
    """
    images, height, width, channels = x.shape
    made_height, made_width = height // layer.stride, width // layer.stride
    made = len(layer.numbers.bias)
    out = x.new_empty(images, made_height, made_width, made)
    grid = (images, triton.cdiv(made_height * made_width, PIXELS), triton.cdiv(made, MADE))
    sizes = {'SIZE': layer.size, 'STRIDE': layer.stride, 'ACTIVE': layer.active}
    sizes |= {'PIXELS': PIXELS, 'CHANNELS': CHUNK, 'MADE': MADE}
    given = (x, *layer.numbers, out, height, width, channels, made_height, made_width, made)
    _convolution[grid](*given, **sizes)
    return out
