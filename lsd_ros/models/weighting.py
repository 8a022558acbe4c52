"""The weighting module: how much each path contributes at each pixel ([0087]-[0094])."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lsd_ros.models.layers import convolution


class WeightingModule(nn.Module):
    """
    F_coeff: the share of each of N paths at each pixel (patent fig. 9).

    The channel means of the paths are mapped to rN maps, mixed, and mapped back to N; a softmax
    over the paths makes them shares.

    :param paths: N, the number of maps to weigh
    :param expansion: r ([0093]: 2)
    """

    def __init__(self, paths: int = 2, expansion: int = 2, padding: str = 'zeros') -> None:
        super().__init__()
        wide = expansion * paths
        self.expand = convolution(paths, wide, 3, padding=padding, bias=True)
        self.mix = convolution(wide, wide, 3, padding=padding, bias=True)
        self.squeeze = convolution(wide, paths, 3, padding=padding, bias=True)
        self.activation = nn.Hardswish()

    def scores(self, *maps: Tensor) -> Tensor:
        """
        Return X_squ ([0091]), the shares before the softmax.

        :param maps: N maps of shape (B, C, H, W); each may have its own C
        :return: shape (B, N, H, W)
        """
        fused = torch.cat([x.mean(dim=1, keepdim=True) for x in maps], dim=1)
        wide = self.activation(self.expand(fused))
        scores: Tensor = self.squeeze(self.activation(self.mix(wide)))
        return scores

    def forward(self, *maps: Tensor) -> Tensor:
        """
        Return the shares Theta.

        :param maps: N maps of shape (B, C, H, W); each may have its own C
        :return: shape (B, N, H, W), positive, summing to 1 over N
        """
        return torch.softmax(self.scores(*maps), dim=1)


class WeightedSum(nn.Module):
    """Fuse N maps of one shape with the shares that the weighting module gives them."""

    def __init__(self, paths: int = 2, expansion: int = 2, padding: str = 'zeros') -> None:
        super().__init__()
        self.weighting = WeightingModule(paths, expansion, padding)

    def forward(self, *maps: Tensor) -> Tensor:
        """
        Return sum_n Theta_n * X_n.

        :param maps: N maps of shape (B, C, H, W)
        :return: shape (B, C, H, W)
        """
        shares = self.weighting(*maps).split(1, dim=1)
        total: Tensor = shares[0] * maps[0]
        for share, x in zip(shares[1:], maps[1:], strict=True):
            total = torch.addcmul(total, share, x)  # half the passes of a sum over a stack
        return total


class PlainSum(nn.Module):
    """Fuse maps by adding them: what the weighting module is compared with."""

    def forward(self, *maps: Tensor) -> Tensor:
        """
        Return the sum of the maps.

        :param maps: maps of shape (B, C, H, W)
        :return: shape (B, C, H, W)
        """
        total = maps[0]
        for x in maps[1:]:
            total = total + x  # half the passes of a sum over a stack
        return total


def fusion(kind: str, expansion: int, padding: str) -> nn.Module:
    """Make the fusion of two maps: ``weighted`` or ``sum``."""
    return WeightedSum(2, expansion, padding) if kind == 'weighted' else PlainSum()
