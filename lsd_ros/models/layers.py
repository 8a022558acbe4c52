"""The layer that every network here is made of: convolution, normalisation, Hardswish."""

from __future__ import annotations

from typing import Literal, cast

from torch import Tensor, nn

PaddingMode = Literal['zeros', 'replicate', 'reflect']


class ConvNormAct(nn.Module):
    """
    A convolution with batch normalisation and, unless it is to stay linear, Hardswish.

    :param channels_in: C of the input
    :param channels_out: C of the output
    :param kernel: odd size of the square kernel; the output keeps H and W but for the stride
    :param groups: channel groups that do not see each other
    :param activation: False leaves the layer linear
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: bool = True,
        padding: str = 'zeros',
    ) -> None:
        super().__init__()
        self.conv = convolution(
            channels_in, channels_out, kernel, stride=stride, groups=groups, padding=padding
        )
        self.norm = nn.BatchNorm2d(channels_out)
        self.activation = nn.Hardswish() if activation else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the layer.

        :param x: shape (B, channels_in, H, W)
        :return: shape (B, channels_out, H / stride, W / stride)
        """
        result: Tensor = self.activation(self.norm(self.conv(x)))
        return result


def convolution(
    channels_in: int,
    channels_out: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    padding: str = 'zeros',
    bias: bool = False,
) -> nn.Conv2d:
    """Make a convolution that keeps the image size, but for the stride."""
    return nn.Conv2d(
        channels_in,
        channels_out,
        kernel,
        stride=stride,
        padding=kernel // 2,
        padding_mode=cast(PaddingMode, padding if kernel > 1 else 'zeros'),
        groups=groups,
        bias=bias,
    )
