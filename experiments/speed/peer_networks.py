"""
Other small depth networks, as plain modules of the same operations, with random weights.

They are here to be timed, not to be trained: batch normalisation is folded already, only what is
read at inference is computed, and the numbers of their papers are what was built from.

- FastDepth (Wofk et al. 2019): MobileNet, decoder of depthwise 5 x 5 with additive skips.
- RT-MonoDepth-S (Feng et al. 2023): dense 3 x 3 pyramid, ELU behind reflected borders.
- Lite-Mono-tiny (Zhang et al. 2023): dilated depthwise blocks with one attention over channels a
  stage.
- Monodepth2 (Godard et al. 2019): ResNet-18, ELU behind reflected borders.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv(channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    """Make a dense convolution that keeps the size, but for the stride."""
    return nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2)


def reflected(channels_in: int, channels_out: int) -> nn.Module:
    """Make a 3 x 3 convolution behind a reflected border, and ELU."""
    layer = nn.Conv2d(channels_in, channels_out, 3, padding=1, padding_mode='reflect')
    return nn.Sequential(layer, nn.ELU())


def doubled(x: Tensor, mode: str = 'nearest') -> Tensor:
    """Double a map."""
    align = None if mode == 'nearest' else False
    return functional.interpolate(x, scale_factor=2, mode=mode, align_corners=align)


class Separable(nn.Sequential):
    """Depthwise, then 1 x 1."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, act: type[nn.Module]
    ) -> None:
        alone = nn.Conv2d(
            channels_in, channels_in, kernel, stride, kernel // 2, groups=channels_in
        )
        super().__init__(alone, act(), conv(channels_in, channels_out, 1), act())


class FastDepth(nn.Module):
    """FastDepth before pruning: 3.9 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        widths = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)]
        widths += [(256, 512, 2), *[(512, 512, 1)] * 5, (512, 1024, 2), (1024, 1024, 1)]
        self.stem = nn.Sequential(conv(3, 32, 3, 2), nn.ReLU6())
        self.encoder = nn.ModuleList(Separable(a, b, 3, s, nn.ReLU6) for a, b, s in widths)
        decoder = (1024, 512, 256, 128, 64, 32)
        self.decoder = nn.ModuleList(Separable(a, b, 5, 1, nn.ReLU) for a, b in pairwise(decoder))
        self.head = nn.Sequential(conv(32, 1, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Return depth at full resolution."""
        x = self.stem(x)
        skips = {}
        for number, layer in enumerate(self.encoder):
            x = layer(x)
            skips[number] = x
        for layer, skip in zip(self.decoder, (None, 4, 2, 0, None), strict=True):
            x = doubled(layer(x))
            if skip is not None:
                x = x + skips[skip]
        return self.head(x)


class RtMonoDepthS(nn.Module):
    """RT-MonoDepth-S: 1.2 M parameters; the small one has no skips."""

    def __init__(self) -> None:
        super().__init__()
        encoder, decoder = (64, 64, 128, 192), (16, 32, 64, 96)
        layers: list[nn.Module] = [conv(3, encoder[0], 7, 2), nn.ReLU()]
        for a, b in pairwise(encoder):
            layers += [conv(a, b, 3, 2), nn.LeakyReLU(0.1), conv(b, b), nn.LeakyReLU(0.1)]
        self.encoder = nn.Sequential(*layers)
        inputs = (*decoder[1:], encoder[-1])
        self.before = nn.ModuleList(reflected(a, b) for a, b in zip(inputs, decoder, strict=True))
        self.behind = nn.ModuleList(reflected(width, width) for width in decoder)
        self.head = conv(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return disparity at full resolution."""
        x = self.encoder(x)
        for before, behind in zip(reversed(self.before), reversed(self.behind), strict=True):
            x = behind(doubled(before(x)))
        return self.head(x).sigmoid()


class Dilated(nn.Module):
    """A block of Lite-Mono: dilated depthwise, and two layers for each pixel."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.alone = nn.Conv2d(
            channels, channels, 3, padding=dilation, dilation=dilation, groups=channels
        )
        self.mix = nn.Sequential(
            nn.Linear(channels, 6 * channels), nn.GELU(), nn.Linear(6 * channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        return x + self.mix(self.alone(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """The other block of Lite-Mono: attention of channels to channels."""

    def __init__(self, channels: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.project = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.mix = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 6 * channels),
            nn.GELU(),
            nn.Linear(6 * channels, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        channels, height, width = x.shape[1:]
        tokens = x.flatten(2).transpose(1, 2)
        projected = self.project(self.norm(tokens))
        split = projected.reshape(-1, height * width, 3, self.heads, channels // self.heads)
        query, key, value = split.permute(2, 0, 3, 4, 1).unbind(0)
        query, key = functional.normalize(query, dim=-1), functional.normalize(key, dim=-1)
        seen = (query @ key.transpose(-2, -1)).softmax(-1) @ value
        tokens = tokens + self.out(seen.flatten(1, 2).transpose(1, 2))
        mixed = self.mix(tokens).transpose(1, 2).reshape(-1, channels, height, width)
        return x + mixed


class LiteMonoTiny(nn.Module):
    """Lite-Mono-tiny: 2.2 M parameters; its fixed position codes are left out."""

    def __init__(self) -> None:
        super().__init__()
        widths, dilations = (32, 64, 128), ((1, 2, 3), (1, 2, 3), (1, 2, 3, 2, 4, 6))
        first = widths[0]
        stem = (conv(3, first, 3, 2), nn.GELU(), conv(first, first), nn.GELU())
        self.stem = nn.Sequential(*stem, conv(first, first), nn.GELU())
        inputs = (first + 3, 2 * widths[0] + 3, 2 * widths[1] + 3)
        self.down = nn.ModuleList(conv(a, b, 3, 2) for a, b in zip(inputs, widths, strict=True))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Dilated(width, d) for d in each), Attention(width))
            for width, each in zip(widths, dilations, strict=True)
        )
        decoder, skips = (16, 32, 64), (0, 32, 64)
        self.before = nn.ModuleList(
            reflected(a, b) for a, b in zip((32, 64, 128), decoder, strict=True)
        )
        self.behind = nn.ModuleList(
            reflected(a + s, a) for a, s in zip(decoder, skips, strict=True)
        )
        self.head = nn.Conv2d(16, 1, 3, padding=1, padding_mode='reflect')

    def forward(self, x: Tensor) -> Tensor:
        """Return disparity at full resolution."""
        small = [functional.avg_pool2d(x, 3, 2, 1)]
        for _ in range(2):
            small.append(functional.avg_pool2d(small[-1], 3, 2, 1))
        before = [self.stem(x)]
        maps = []
        for down, stage, shrunk in zip(self.down, self.stages, small, strict=True):
            start = down(torch.cat((*before, shrunk), 1))
            maps.append(stage(start))
            before = [start, maps[-1]]
        x = maps[-1]
        for i in reversed(range(3)):
            x = doubled(self.before[i](x))
            x = self.behind[i](torch.cat((x, maps[i - 1]), 1) if i else x)
        return doubled(self.head(x), 'bilinear').sigmoid()


class Residual(nn.Module):
    """A block of ResNet-18."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = conv(channels_in, channels_out, 3, stride)
        self.second = conv(channels_out, channels_out)
        same = stride == 1
        self.around = nn.Identity() if same else conv(channels_in, channels_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        return (self.second(self.first(x).relu()) + self.around(x)).relu()


class Monodepth2(nn.Module):
    """Monodepth2 with ResNet-18: 14.3 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        encoder, decoder = (64, 64, 128, 256, 512), (16, 32, 64, 128, 256)
        self.stem = nn.Sequential(conv(3, 64, 7, 2), nn.ReLU())
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stages = nn.ModuleList(
            nn.Sequential(Residual(a, b, 1 if a == b else 2), Residual(b, b, 1))
            for a, b in pairwise(encoder)
        )
        inputs, skips = (*decoder[1:], 512), (0, *encoder[:-1])
        self.before = nn.ModuleList(reflected(a, b) for a, b in zip(inputs, decoder, strict=True))
        self.behind = nn.ModuleList(
            reflected(a + s, a) for a, s in zip(decoder, skips, strict=True)
        )
        self.head = nn.Conv2d(16, 1, 3, padding=1, padding_mode='reflect')

    def forward(self, x: Tensor) -> Tensor:
        """Return disparity at full resolution."""
        maps = [self.stem(x)]
        x = self.pool(maps[0])
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        for i in reversed(range(5)):
            x = doubled(self.before[i](x))
            x = self.behind[i](torch.cat((x, maps[i - 1]), 1) if i else x)
        return self.head(x).sigmoid()


PEERS: dict[str, type[nn.Module]] = {
    'FastDepth': FastDepth,
    'RT-MonoDepth-S': RtMonoDepthS,
    'Lite-Mono-tiny': LiteMonoTiny,
    'Monodepth2-R18': Monodepth2,
}
