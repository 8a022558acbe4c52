"""
EfficientNet-Lite as an encoder of five stages (Tan and Le, ICML 2019; its Lite form, Liu 2020).

Every tensor has the shape, and the state dict the order, of the published networks, and images are
padded as they were there, so that weights that were trained on ImageNet fit and mean the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros.models.large_encoder import EPSILON
from lsd_ros.models.preprocessing import Preprocessing

STEM = 32
EXPANSION = 6
MOMENTUM = 0.01  # of the statistics: batches of a training are small
CENTRE, SPREAD = 127.0, 128.0  # (grey level - 127) / 128 is what the published weights see
KERNELS = (3, 3, 5, 3, 5, 5, 3)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
STAGE_OF_GROUP = (0, 1, 2, 3, 3, 4, 4)
# (channels, blocks) of the seven groups
GROUPS = {
    'efficientnet_lite0': ((16, 1), (24, 2), (40, 2), (80, 3), (112, 3), (192, 4), (320, 1)),
    'efficientnet_lite2': ((16, 1), (24, 3), (48, 3), (88, 4), (120, 4), (208, 5), (352, 1)),
}


def lite_widths(name: str) -> tuple[int, ...]:
    """Return the channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image."""
    last = {stage: width for stage, (width, _) in zip(STAGE_OF_GROUP, GROUPS[name], strict=True)}
    return tuple(last.values())


def lite_stages(name: str) -> nn.ModuleList:
    """
    Make the encoder.

    :param name: of :data:`GROUPS`
    :return: five stages, each of which halves the image
    """
    stages: list[list[nn.Module]] = [
        [PublishedRange(), LiteLayer(3, STEM, 3, stride=2)],
        *([] for _ in range(4)),
    ]
    channels = STEM
    groups = zip(STAGE_OF_GROUP, GROUPS[name], KERNELS, STRIDES, strict=True)
    for number, (stage, (width, blocks), kernel, stride) in enumerate(groups):
        expansion = EXPANSION if number else 1
        for block in range(blocks):
            step = stride if block == 0 else 1
            stages[stage].append(LiteBlock(channels, width, kernel, step, expansion))
            channels = width
    return nn.ModuleList(nn.Sequential(*stage) for stage in stages)


class PublishedRange(nn.Module):
    """From the normalised planes that every network here sees to those of the published ones."""

    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        mean, std = (torch.tensor(value) for value in (Preprocessing.mean, Preprocessing.std))
        planes = (1, 3, 1, 1)
        self.register_buffer('scale', (255 * std / SPREAD).reshape(planes), persistent=False)
        shift = (255 * mean - CENTRE) / SPREAD
        self.register_buffer('shift', shift.reshape(planes), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """
        Change the range.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: about -1 .. 1, shape (B, 3, H, W)
        """
        return image * self.scale + self.shift


class LiteLayer(nn.Sequential):
    """
    A convolution with normalisation and, unless it is to stay linear, ReLU6.

    A stride of two looks further to the right and down than to the left and up, as TensorFlow's
    'SAME' does at even sizes.
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
    ) -> None:
        before = (kernel - stride) // 2
        convolution = nn.Conv2d(
            channels_in,
            channels_out,
            kernel,
            stride=stride,
            padding=kernel // 2 if stride == 1 else 0,
            groups=groups,
            bias=False,
        )
        super().__init__(
            convolution,
            nn.BatchNorm2d(channels_out, eps=EPSILON, momentum=MOMENTUM),
            nn.ReLU6() if activation else nn.Identity(),
        )
        after = kernel - stride - before
        self.padding = (before, after, before, after) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the layer.

        :param x: shape (B, channels_in, H, W)
        :return: shape (B, channels_out, H / stride, W / stride)
        """
        padded = x if self.padding is None else functional.pad(x, self.padding)
        result: Tensor = super().forward(padded)  # type: ignore[no-untyped-call]
        return result


class LiteBlock(nn.Module):
    """MBConv without squeeze and excite: 1 x 1 that widens, depthwise, 1 x 1 back."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = expansion * channels_in
        layers: list[nn.Module] = []
        if expansion > 1:
            layers.append(LiteLayer(channels_in, wide, 1))
        layers.append(LiteLayer(wide, wide, kernel, stride=stride, groups=wide))
        layers.append(LiteLayer(wide, channels_out, 1, activation=False))
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the block.

        :param x: shape (B, channels_in, H, W)
        :return: shape (B, channels_out, H / stride, W / stride)
        """
        y: Tensor = self.layers(x)
        return x + y if self.residual else y
