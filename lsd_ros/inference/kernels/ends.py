"""
Both ends of the depth network as one kernel each, in Triton: from bytes, and to disparity.

The first one normalises bytes and takes the first convolution of them, 3 x 3 with stride 2: the 27
bytes of a pixel are a row of a matrix that tensor cores multiply with the kernel. What is beyond
the border is zero after the normalisation. The second is the head that is read: 3 x 3 over few
channels, sigmoid, and the deviation where there is one. Maps are NHWC, what comes out is planes.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from lsd_ros.inference.kernels.block import folded_convolution
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.normalise import LUMINANCE, Normalise
from lsd_ros.models.small_depth_net import DisparityHead, SmallDepthNet

TAPS = 32  # 27 are needed, and tensor cores want powers of two


@triton.jit
def _from_bytes(
    image, scale, shift, luminance, kernel, bias, out, height, width, channels,
    GREY: tl.constexpr, TAPS: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    number, row = tl.program_id(0), tl.program_id(1)
    column = tl.program_id(2) * PIXELS + tl.arange(0, PIXELS)
    tap = tl.arange(0, TAPS)
    colour = tap % 3
    y = 2 * row + tap // 9 - 1
    x = 2 * column[:, None] + (tap // 3 % 3)[None, :] - 1
    seen = ((y >= 0) & (y < height) & (tap < 27))[None, :] & (x >= 0) & (x < width)
    pixel = 3 * ((number * height + y)[None, :] * width + x)
    if GREY:
        level = tl.zeros((PIXELS, TAPS), tl.float32)
        for each in tl.static_range(3):
            value = tl.load(image + pixel + each, mask=seen, other=0).to(tl.float32)
            level += value * tl.load(luminance + each)
    else:
        level = tl.load(image + pixel + colour[None, :], mask=seen, other=0).to(tl.float32)
    level = level * tl.load(scale + colour)[None, :] + tl.load(shift + colour)[None, :]
    level = tl.where(seen, level, 0.0)
    channel = tl.arange(0, CHANNELS)
    known = channel < channels
    there = (tap < 27)[:, None] & known[None, :]
    matrix = tl.load(kernel + tap[:, None] * channels + channel[None, :], mask=there, other=0.0)
    total = tl.dot(level.to(matrix.dtype), matrix, input_precision='ieee')
    total += tl.load(bias + channel, mask=known, other=0.0)[None, :]
    made = width // 2
    where = ((number * (height // 2) + row) * made + column)[:, None] * channels + channel[None, :]
    there = (column < made)[:, None] & known[None, :]
    tl.store(out + where, total.to(out.dtype.element_ty), mask=there)


@triton.jit
def _head(
    x, kernel, bias, out, height, width, channels, lowest, span,
    PARTS: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    number, row = tl.program_id(0), tl.program_id(1)
    column = tl.program_id(2) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.arange(0, CHANNELS)
    known = channel < channels
    for part in tl.static_range(PARTS):
        total = tl.zeros((PIXELS,), tl.float32) + tl.load(bias + part)
        for tap in tl.static_range(9):
            from_column = column + tap % 3 - 1
            y = row + tap // 3 - 1 + 0 * column
            seen = (y >= 0) & (y < height) & (from_column >= 0) & (from_column < width)
            where = ((number * height + y) * width + from_column)[:, None] * channels
            there = seen[:, None] & known[None, :]
            values = tl.load(x + where + channel[None, :], mask=there, other=0.0).to(tl.float32)
            weight = tl.load(kernel + (9 * part + tap) * channels + channel, mask=known, other=0.0)
            total += tl.sum(values * weight[None, :], axis=1)
        said = 1.0 / (1.0 + tl.exp(-total))
        if part == 1:
            said = tl.exp(lowest + span * said)
        plane = (number * PARTS + part) * height + row
        tl.store(out + plane * width + column, said, mask=column < width)


class FirstNumbers(NamedTuple):
    """The numbers of normalisation and first convolution; the kernel is of the type of the map."""

    scale: Tensor
    shift: Tensor
    luminance: Tensor
    kernel: Tensor
    bias: Tensor


class HeadNumbers(NamedTuple):
    """The numbers of the head that is read, float32."""

    kernel: Tensor
    bias: Tensor


def first_numbers(normalise: Normalise, trained: SmallDepthNet, kind: torch.dtype) -> FirstNumbers:
    """Fold the first convolution, and lay it out; ``kind``: type of the map."""
    stage = cast(nn.Sequential, trained.encoder[0])
    conv = folded_convolution(cast(ConvNormAct, stage[0]))
    kernel = conv.weight.detach().float().permute(2, 3, 1, 0).reshape(27, -1)
    bias = cast(Tensor, conv.bias).detach().float()
    scale, shift = normalise.scale.float(), normalise.shift.float()
    return FirstNumbers(scale, shift, torch.tensor(LUMINANCE), kernel.to(kind), bias)


def from_bytes(image: Tensor, weights: FirstNumbers, *, grey: bool, pixels: int = 32) -> Tensor:
    """
    Normalise and take the first convolution, in one launch.

    :param image: RGB, shape (B, H, W, 3), uint8, contiguous, H and W even
    :param weights: of :func:`first_numbers`
    :param grey: whether the network sees the luminance three times
    :param pixels: of a row that a program works on, a power of two from 16 on
    :return: shape (B, H / 2, W / 2, C), of the type of the kernel
    """
    images, height, width, _ = image.shape
    channels = len(weights.bias)
    out = weights.kernel.new_empty(images, height // 2, width // 2, channels)
    grid = (images, height // 2, triton.cdiv(width // 2, pixels))
    block = max(16, triton.next_power_of_2(channels))
    sizes = {'GREY': grey, 'TAPS': TAPS, 'PIXELS': pixels, 'CHANNELS': block}
    _from_bytes[grid](image, *weights, out, height, width, channels, **sizes)
    return out


def head_numbers(trained: SmallDepthNet) -> HeadNumbers:
    """Lay out the head that is read, and the one beside it where there is one."""
    parts = (cast(DisparityHead, trained.heads[trained.shape.read_level]), trained.uncertainty)
    convs = [part.conv for part in parts if part is not None]
    kernel = torch.cat([conv.weight.detach().float() for conv in convs])
    bias = torch.cat([cast(Tensor, conv.bias).detach().float() for conv in convs])
    return HeadNumbers(kernel.permute(0, 2, 3, 1).contiguous(), bias)


def read_head(x: Tensor, weights: HeadNumbers, trained: SmallDepthNet, pixels: int = 32) -> Tensor:
    """
    Regress disparity and deviation, in one launch.

    :param x: shape (B, H, W, C), contiguous
    :param weights: of :func:`head_numbers`
    :param trained: which says how large the deviation can be
    :param pixels: of a row that a program works on, a power of two
    :return: shape (B, 1 or 2, H, W), float32
    """
    images, height, width, channels = x.shape
    parts, beside = len(weights.bias), trained.uncertainty
    lowest, span = (0.0, 0.0) if beside is None else (beside.lowest, beside.span)
    out = torch.empty(images, parts, height, width, device=x.device)
    grid = (images, height, triton.cdiv(width, pixels))
    block = triton.next_power_of_2(channels)
    sizes = {'PARTS': parts, 'PIXELS': pixels, 'CHANNELS': block}
    _head[grid](x, *weights, out, height, width, channels, lowest, span, **sizes)
    return out
