"""How far the student's depth may be off: a head that costs next to nothing."""

from __future__ import annotations

import math

from torch import Tensor, nn

from lsd_ros.models.layers import convolution

SMALLEST, LARGEST = 3e-3, 3.0  # relative deviation that the head can say
INITIAL = 0.1


class UncertaintyHead(nn.Module):
    """
    The logarithm of sigma, the standard deviation of the logarithm of depth: conv k3 s1.

    One camera knows depth up to a factor only. The deviation of log-depth does not change with
    that factor, and a small one is the relative deviation of depth: whatever the scale is at use,
    sigma_depth = depth * sigma. A deviation of disparity would depend on the depth range and on
    the scale, and would have to be carried through the inverse. The logarithm keeps sigma
    positive; a sigmoid keeps it within :data:`SMALLEST` and :data:`LARGEST`, so that no step of
    the training and no half precision can make it useless.

    :param channels: C of the decoder map that the disparity is read from
    :param padding: what 3 x 3 kernels see beyond the border
    """

    def __init__(self, channels: int, padding: str = 'zeros') -> None:
        super().__init__()
        self.conv = convolution(channels, 1, 3, padding=padding, bias=True)
        self.lowest = math.log(SMALLEST)
        self.span = math.log(LARGEST) - self.lowest
        share = (math.log(INITIAL) - self.lowest) / self.span
        if self.conv.bias is not None:
            nn.init.constant_(self.conv.bias, math.log(share / (1 - share)))

    def forward(self, x: Tensor) -> Tensor:
        """
        Regress the logarithm of the relative deviation.

        :param x: shape (B, C, h, w)
        :return: log sigma, shape (B, 1, h, w)
        """
        return self.log_deviation(self.conv(x).sigmoid())

    def log_deviation(self, share: Tensor) -> Tensor:
        """Return log sigma for its share, in 0 .. 1, of the way from smallest to largest."""
        return self.lowest + self.span * share
