"""
The information refinement module of the teacher and of its bridges (CN202111488926.6).

It adds what is next to a pixel and what is anywhere in the image to a map, and keeps its shape.
Nothing in it is as large as the image, so that it works at any size; and what comes back from the
tokens is enlarged bilinearly, because a transposed convolution as wide as its stride repeats its
kernel in every patch and leaves a grid along the borders of the patches.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros.models.layers import ConvNormAct, convolution

SQUEEZE = 4
NARROWEST = 4  # channels below which a squeezed map could die out in its ReLU
WAVES = 4  # octaves of the position vectors along each axis
HEAD_WIDTH = 16
MLP_EXPANSION = 2


class ChannelGate(nn.Module):
    """
    ECA: every channel scaled by a share that its neighbours decide on (Wang et al. 2020).

    The mean of each channel goes through one 1-D convolution over the channels and a sigmoid.

    :param channels: C, which the width of the convolution grows with
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        reach = int(abs(math.log2(channels) / 2 + 0.5))
        kernel = reach if reach % 2 else reach + 1
        self.mix = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """
        Scale every channel.

        :param x: shape (B, C, H, W)
        :return: shape (B, C, H, W)
        """
        share: Tensor = self.mix(x.mean(dim=(2, 3))[:, None]).sigmoid()
        return x * share.transpose(1, 2)[:, :, :, None]


class TransformerLayer(nn.Module):
    """One pre-norm layer: every token looks at all others, then thinks for itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(1, width // HEAD_WIDTH)
        self.norm_look = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.gather = nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, MLP_EXPANSION * width),
            nn.GELU(),
            nn.Linear(MLP_EXPANSION * width, width),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """
        Apply the layer.

        :param tokens: shape (B, N, width)
        :return: shape (B, N, width)
        """
        tokens = tokens + self.gather(self._look(self.norm_look(tokens)))
        return tokens + self.think(tokens)  # type: ignore[no-any-return]

    def _look(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        parts = self.query_key_value(tokens).reshape(batch, count, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        seen = functional.scaled_dot_product_attention(query, key, value)
        return seen.transpose(1, 2).reshape(batch, count, width)


class TokenBranch(nn.Module):
    """
    T: patches become tokens, look at each other, and come back as a smooth map.

    :param channels: C of input and output
    :param patch: side of a patch [pixels of the map]; it must divide H and W
    :param width: of a token, a multiple of 16
    :param layers: transformer layers
    """

    def __init__(
        self,
        channels: int,
        *,
        patch: int,
        width: int = 32,
        layers: int = 2,
        padding: str = 'zeros',
    ) -> None:
        super().__init__()
        self.patch = patch
        self.cut = nn.Conv2d(channels, channels, patch, stride=patch, groups=channels)
        self.embed = nn.Conv2d(channels, width, 1)
        self.place = nn.Linear(4 * WAVES, width)
        self.layers = nn.Sequential(*(TransformerLayer(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.back = nn.Conv2d(width, channels, 1)
        self.smooth = convolution(channels, channels, 3, groups=channels, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        """
        Let every part of a map see every other part.

        :param x: shape (B, C, H, W)
        :return: shape (B, C, H, W)
        """
        tokens = self.embed(self.cut(x))
        rows, columns = tokens.shape[2:]
        places = self.place(position_waves(rows, columns, tokens))
        seen = self.norm(self.layers(tokens.flatten(2).transpose(1, 2) + places))
        small = self.back(seen.transpose(1, 2).unflatten(2, (rows, columns)))
        if self.patch > 1:
            small = functional.interpolate(
                small, scale_factor=self.patch, mode='bilinear', align_corners=False
            )
        smooth: Tensor = self.smooth(small)
        return smooth


class Refinement(nn.Module):
    """
    The whole module: out = x + local + global.

    :param channels: C of input and output
    :param patch: side of a patch of the token branch [pixels of the map]
    """

    def __init__(
        self,
        channels: int,
        *,
        patch: int,
        token_width: int = 32,
        token_layers: int = 2,
        padding: str = 'zeros',
    ) -> None:
        super().__init__()
        narrow = max(NARROWEST, channels // SQUEEZE)
        self.squeeze = nn.Sequential(
            convolution(channels, narrow, 1), nn.BatchNorm2d(narrow), nn.ReLU()
        )
        self.near = nn.Sequential(
            ConvNormAct(narrow, narrow, 3, padding=padding),
            ConvNormAct(narrow, channels, 1, activation=False),
            ChannelGate(channels),
        )
        self.far = nn.Sequential(
            TokenBranch(
                narrow, patch=patch, width=token_width, layers=token_layers, padding=padding
            ),
            ConvNormAct(narrow, channels, 1, activation=False),
            ChannelGate(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """
        Refine a map.

        :param x: shape (B, C, H, W), H and W multiples of the patch
        :return: shape (B, C, H, W)
        """
        narrow = self.squeeze(x)
        refined: Tensor = x + self.near(narrow) + self.far(narrow)
        return refined


def position_waves(rows: int, columns: int, like: Tensor) -> Tensor:
    """
    Say where the cells of a grid are, in waves that grow with the grid.

    The coordinates run from 0 to 1 at any size, so that a row keeps its meaning in a larger image.

    :param like: whose type and device the waves take
    :return: shape (rows * columns, 4 * WAVES)
    """
    octaves = math.pi * 2.0 ** torch.arange(WAVES, dtype=like.dtype, device=like.device)
    v = (torch.arange(rows, dtype=like.dtype, device=like.device) + 0.5) / rows
    u = (torch.arange(columns, dtype=like.dtype, device=like.device) + 0.5) / columns
    vertical = (v[:, None] * octaves)[:, None].expand(rows, columns, WAVES)
    horizontal = (u[:, None] * octaves)[None].expand(rows, columns, WAVES)
    phases = torch.cat((vertical, horizontal), 2).flatten(0, 1)
    return torch.cat((phases.sin(), phases.cos()), 1)
