"""
The teacher's encoder: five stages of widening residual blocks (EfficientNetV2, Tan and Le 2021).

With the default groups every tensor has the shape, and the state dict the order, of the trunk of
EfficientNetV2-S, so that weights that were trained for it elsewhere fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

EPSILON = 1e-3  # of the normalisation, as the weights trained on ImageNet expect it
SQUEEZE = 4


@dataclass(frozen=True)
class BlockGroup:
    """
    Blocks of one width, the first of which may change the resolution.

    :param width: channels of the output
    :param blocks: how many
    :param stride: of the first block
    :param expansion: how much wider a block is inside
    :param fused: one dense 3 x 3 convolution in place of the 1 x 1 and the depthwise 3 x 3
    """

    width: int
    blocks: int
    stride: int
    expansion: int
    fused: bool


class FusedBlock(nn.Module):
    """Fused-MBConv: a dense 3 x 3 that widens, and a 1 x 1 back."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = expansion * channels_in
        if expansion == 1:
            self.layers = nn.Sequential(encoder_layer(channels_in, channels_out, 3, stride))
        else:
            self.layers = nn.Sequential(
                encoder_layer(channels_in, wide, 3, stride),
                encoder_layer(wide, channels_out, 1, activation=False),
            )
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the block.

        :param x: shape (B, channels_in, H, W)
        :return: shape (B, channels_out, H / stride, W / stride)
        """
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class SqueezeExcite(nn.Module):
    """Channels scaled by what the means of all of them say (Hu et al. 2018)."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(channels, narrow, 1), nn.SiLU(), nn.Conv2d(narrow, channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """
        Scale every channel.

        :param x: shape (B, C, H, W)
        :return: shape (B, C, H, W)
        """
        return x * self.gate(x.mean(dim=(2, 3), keepdim=True))  # type: ignore[no-any-return]


class DepthwiseBlock(nn.Module):
    """MBConv: 1 x 1 that widens, depthwise 3 x 3, squeeze and excite, 1 x 1 back."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = expansion * channels_in
        self.layers = nn.Sequential(
            encoder_layer(channels_in, wide, 1),
            encoder_layer(wide, wide, 3, stride, groups=wide),
            SqueezeExcite(wide, max(1, channels_in // SQUEEZE)),
            encoder_layer(wide, channels_out, 1, activation=False),
        )
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the block.

        :param x: shape (B, channels_in, H, W)
        :return: shape (B, channels_out, H / stride, W / stride)
        """
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


def block_group(channels_in: int, group: BlockGroup) -> list[nn.Module]:
    """Make the blocks of a group, in their order."""
    kind = FusedBlock if group.fused else DepthwiseBlock
    inputs = (channels_in,) + (group.width,) * (group.blocks - 1)
    strides = (group.stride,) + (1,) * (group.blocks - 1)
    return [
        kind(width, group.width, stride, group.expansion)
        for width, stride in zip(inputs, strides, strict=True)
    ]


def encoder_layer(
    channels_in: int,
    channels_out: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: bool = True,
) -> nn.Sequential:
    """Make a convolution with normalisation and, unless it is to stay linear, SiLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(
            channels_in,
            channels_out,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(channels_out, eps=EPSILON),
    ]
    if activation:
        layers.append(nn.SiLU())
    return nn.Sequential(*layers)
