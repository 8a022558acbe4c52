"""
The small depth network with few passes over its large maps: the same numbers, another order.

- The 1 x 1 convolution that ends a block gives the negative of the coded map, n = -X_squ. The sum
  of both paths is then x - t (x + n) with t = Theta_sp, which runtimes make one pass of.
- The weighting modules work at space-to-depth (:mod:`lsd_ros.inference.space_to_depth`).
- A decoder stage has two fusions in a row. The second needs of the map between them only its mean
  over channels, which follows from means that are known; the map itself is never written.
- F_up repeats pixels, so that the 1 x 1 convolution behind it is done before it.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from lsd_ros.inference.folding import folded
from lsd_ros.inference.space_to_depth import (
    convolution_between,
    divisor,
    fixed_convolution,
    scaled_mean,
)
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.network_settings import STAGES, SmallDepthSettings
from lsd_ros.models.small_depth_net import DecoderStage, SmallDepthNet, check_network_input
from lsd_ros.models.sparse_block import SparseBlock
from lsd_ros.models.weighting import WeightedSum

STEP = 2
# Maps at 1 / 2^level of an image in multiples of 32 are multiples of STEP^2 up to this level;
# coarser ones are small anyway.
COARSEST = 3


def can_fuse(shape: SmallDepthSettings) -> bool:
    """Return whether a network of some shape can be written in this way."""
    return (
        shape.fusion == 'weighted' and shape.padding == 'zeros' and shape.upsampling == 'nearest'
    )


class PairShare(nn.Module):
    """
    The weighting module of two paths: from their means to the share of one of them.

    :param trained: of two paths
    :param channels: C of the maps
    :param step: space-to-depth of the means
    :param signs: of both means: -1 where that of the negative map is given
    :param share_of: path whose share is wanted, 0 or 1
    :param uniform: all pixels of a block of the first map are equal, its mean has one channel
    """

    def __init__(
        self,
        trained: WeightedSum,
        channels: int,
        step: int,
        *,
        signs: tuple[float, float],
        share_of: int,
        uniform: bool = False,
    ) -> None:
        super().__init__()
        module = trained.weighting
        scale = divisor(channels) / channels
        first, second = (
            scale * sign * module.expand.weight[:, path : path + 1]
            for path, sign in enumerate(signs)
        )
        self.first = convolution_between(first, module.expand.bias, step, step, uniform=uniform)
        self.second = convolution_between(second, None, step, step)
        self.mix = convolution_between(module.mix.weight, module.mix.bias, step, step)
        other = 1 - share_of
        state = module.squeeze.state_dict()
        weight, bias = (
            state[name][share_of : share_of + 1] - state[name][other : other + 1]
            for name in ('weight', 'bias')
        )
        # one more step, so that the last convolution fills the vectors with one output, too
        self.difference = convolution_between(weight, bias, step, step**2)
        self.step = step
        self.activation = nn.Hardswish()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """
        Return a share.

        :param first: mean of the first map, shape (B, step^2, h, w), or (B, 1, h, w) if uniform
        :param second: mean of the second map, shape (B, step^2, h, w)
        :return: in (0, 1), shape (B, 1, step h, step w)
        """
        wide = self.activation(self.first(first) + self.second(second))
        share = self.difference(self.activation(self.mix(wide))).sigmoid()
        return functional.pixel_shuffle(share, self.step**2) if self.step > 1 else share


class FusedBlock(nn.Module):
    """
    A sparse coding block.

    :param trained: the block to rewrite
    :param level: its maps are at 1 / 2^level of the image
    """

    def __init__(self, trained: SparseBlock, level: int) -> None:
        super().__init__()
        self.expand, self.code = folded(trained.expand), _folded_code(trained)
        self.squeeze = _negative(folded(trained.squeeze))
        channels = self.squeeze.out_channels
        self.step = STEP if level <= COARSEST else 1
        self.mean_in = scaled_mean(channels, self.step)
        self.mean_coded = scaled_mean(channels, self.step)
        self.share = PairShare(
            cast(WeightedSum, trained.fuse), channels, self.step, signs=(1, -1), share_of=1
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """
        Apply the block.

        :param x: shape (B, C, H, W)
        :return: shape (B, C, H, W), and its mean as :func:`scaled_mean` gives it
        """
        negative = self.squeeze(self.code(self.expand(x)))
        mean, mean_negative = self.mean_in(x), self.mean_coded(negative)
        share = self.share(mean, mean_negative)
        fused = x - share * (x + negative)
        return fused, mean - at_step(share, self.step) * (mean + mean_negative)


class FusedStage(nn.Module):
    """
    A decoder stage with an encoder map to be fused with: both fusions in one pass.

    :param trained: the stage to rewrite
    :param level: its result is at 1 / 2^level of the image
    """

    def __init__(self, trained: DecoderStage, level: int) -> None:
        super().__init__()
        block = trained.block
        self.transform = folded(trained.transform)
        self.expand, self.code = folded(block.expand), _folded_code(block)
        self.squeeze = _negative(folded(block.squeeze))
        channels = self.squeeze.out_channels
        self.step = STEP if level <= COARSEST else 1
        self.mean_small = scaled_mean(channels, 1)
        self.mean_coded = scaled_mean(channels, self.step)
        self.share_coded = PairShare(
            cast(WeightedSum, block.fuse),
            channels,
            self.step,
            signs=(1, -1),
            share_of=1,
            uniform=self.step == STEP,
        )
        self.share_decoded = PairShare(
            cast(WeightedSum, trained.fuse), channels, self.step, signs=(1, 1), share_of=0
        )

    def forward(self, x: Tensor, skip: Tensor, mean_skip: Tensor) -> Tensor:
        """
        Double the resolution of a map.

        :param x: shape (B, channels_in, h, w)
        :param skip: X_enc^(i-1), shape (B, C, 2 h, 2 w)
        :param mean_skip: its mean, as :func:`scaled_mean` gives it
        :return: shape (B, C, 2 h, 2 w)
        """
        small = self.transform(x)
        up = _doubled(small)
        negative = self.squeeze(self.code(_doubled(self.expand(small))))
        mean, mean_negative = self.mean_small(small), self.mean_coded(negative)
        if self.step == 1:
            mean = _doubled(mean)
        coded = self.share_coded(mean, mean_negative)
        mean_decoded = mean - at_step(coded, self.step) * (mean + mean_negative)
        decoded = self.share_decoded(mean_decoded, mean_skip)
        fused: Tensor = skip + decoded * (up - coded * (up + negative) - skip)
        return fused


class FusedDepthNet(nn.Module):
    """
    What is read of the small depth network, but for the head.

    :param trained: the network to rewrite; it is left as it is
    """

    def __init__(self, trained: SmallDepthNet) -> None:
        super().__init__()
        self.level = trained.shape.read_level
        self.down, self.encoder = nn.ModuleList(), nn.ModuleList()
        for level, stage in enumerate(trained.encoder, start=1):
            down, block = cast(nn.Sequential, stage)
            self.down.append(folded(cast(ConvNormAct, down)))
            self.encoder.append(FusedBlock(cast(SparseBlock, block), level))
        self.decoder = nn.ModuleList(
            FusedStage(cast(DecoderStage, trained.decoder[level]), level)
            for level in range(max(self.level, 1), STAGES)
        )
        self.last = None
        if self.level == 0:
            last = cast(DecoderStage, trained.decoder[0])
            self.transform, self.last = folded(last.transform), FusedBlock(last.block, 0)

    def forward(self, image: Tensor) -> Tensor:
        """
        Return the decoder map that is read.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: X_dec^j, shape (B, C, H / 2^j, W / 2^j), j = ``read_level``
        :raises FrameError: the shape does not fit
        """
        check_network_input(image)
        x = image
        skips = []
        for down, block in zip(self.down, self.encoder, strict=True):
            x, mean = block(down(x))
            skips.append((x, mean))
        for stage, skip in zip(reversed(self.decoder), reversed(skips[:-1]), strict=False):
            x = stage(x, *skip)
        if self.last is not None:
            x, _ = self.last(_doubled(self.transform(x)))
        return x


def at_step(share: Tensor, step: int) -> Tensor:
    """Return a map of one channel at space-to-depth."""
    return functional.pixel_unshuffle(share, step) if step > 1 else share


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode='nearest')


def _folded_code(block: SparseBlock) -> nn.Module:
    return nn.Sequential(*(folded(cast(ConvNormAct, layer)) for layer in block.code))


def _negative(layer: nn.Module) -> nn.Conv2d:
    conv = cast(nn.Conv2d, layer)
    assert conv.bias is not None
    return fixed_convolution(-conv.weight.detach(), -conv.bias.detach())
