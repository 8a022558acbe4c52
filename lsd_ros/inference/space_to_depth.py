"""
Convolutions of few channels at fine maps, as convolutions of many channels at coarse ones.

A map at space-to-depth ``step`` holds each block of step x step pixels in step^2 channels, in the
order that :func:`torch.nn.functional.pixel_shuffle` undoes. A 3 x 3 convolution from such maps to
such maps gives the same numbers as the original, and fills the vectors of a processor: one of two
channels leaves most of them empty, however few operations it has.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def kernel_between(kernel: Tensor, given: int, made: int) -> Tensor:
    """
    Rewrite a 3 x 3 kernel for maps at space-to-depth.

    :param kernel: shape (C_out, C_in, 3, 3)
    :param given: step of the input
    :param made: step of the output, a multiple of ``given``
    :return: shape (C_out made^2, C_in given^2, k, k) with k = made / given + 2; its stride is
        made / given, its padding 1
    """
    channels_out, channels_in = kernel.shape[:2]
    size = made // given + 2
    wide = kernel.new_zeros(channels_out, made, made, channels_in, given, given, size, size)
    for row in range(made):
        for column in range(made):
            for y in range(3):
                for x in range(3):
                    # the input pixel of this tap: which block it is in, and where in the block
                    block_y, in_y = divmod(row + y - 1, given)
                    block_x, in_x = divmod(column + x - 1, given)
                    tap = wide[:, row, column, :, in_y, in_x, block_y + 1, block_x + 1]
                    tap += kernel[:, :, y, x]
    return wide.reshape(channels_out * made**2, channels_in * given**2, size, size)


def convolution_between(
    kernel: Tensor, bias: Tensor | None, given: int, made: int, *, uniform: bool = False
) -> nn.Conv2d:
    """
    Make the convolution of a 3 x 3 kernel for maps at space-to-depth; zeros are beyond the border.

    :param kernel: shape (C_out, C_in, 3, 3)
    :param bias: shape (C_out,); None: none
    :param given: step of the input
    :param made: step of the output, a multiple of ``given``
    :param uniform: all pixels of a block of the input are equal: it is given as one channel
    """
    wide = kernel_between(kernel.detach(), given, made)
    if uniform:
        wide = wide.reshape(len(wide), kernel.shape[1], given**2, *wide.shape[2:]).sum(dim=2)
    wide_bias = None if bias is None else bias.detach().repeat_interleave(made**2)
    return fixed_convolution(wide, wide_bias, stride=made // given, padding=1)


def scaled_mean(channels: int, step: int) -> nn.Conv2d:
    """
    Make the convolution that takes the mean over channels and goes to space-to-depth at once.

    It gives the mean times channels / :func:`divisor`: a power of two is exact in half precision.

    :param channels: C
    :param step: of the output
    :return: from shape (B, C, H, W) to (B, step^2, H / step, W / step)
    """
    kernel = torch.zeros(step, step, channels, step, step)
    for row in range(step):
        for column in range(step):
            kernel[row, column, :, row, column] = 1 / divisor(channels)
    return fixed_convolution(kernel.reshape(step**2, channels, step, step), None, stride=step)


def divisor(channels: int) -> int:
    """Return the smallest power of two that is not below a number of channels."""
    return 1 << (channels - 1).bit_length()


def fixed_convolution(
    kernel: Tensor, bias: Tensor | None, *, stride: int = 1, padding: int = 0
) -> nn.Conv2d:
    """Make a convolution that is not trained."""
    channels_out, channels_in, rows, columns = kernel.shape
    conv = nn.Conv2d(
        channels_in, channels_out, (rows, columns), stride, padding, bias=bias is not None
    )
    state = {'weight': kernel} if bias is None else {'weight': kernel, 'bias': bias}
    conv.load_state_dict(state)
    return conv.requires_grad_(requires_grad=False)
