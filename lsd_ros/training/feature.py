"""
How different two places look to the depth network (CbwLoss, arXiv 2212.05845).

Colours say little on a plain wall; features, which see further, say more.
"""

from __future__ import annotations

from torch import Tensor

from lsd_ros.geometry.shapes import check_shapes

SMALLEST = 1e-6


def feature_difference(warped: Tensor, features: Tensor) -> Tensor:
    """
    Return the sum of |F - F'| over the channels, divided by that of |F| + |F'|; in 0 .. 1.

    Only the difference of directions and relative lengths counts, so that the network gains
    nothing by making all features small.

    :param warped: F', features of the source at the target's points, shape (B, C, H, W)
    :param features: F, of the target, shape (B, C, H, W)
    :return: shape (B, 1, H, W)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(warped=(warped, 'B C H W'), features=(features, 'B C H W'))
    difference = (warped - features).abs().sum(1, keepdim=True)
    size = warped.abs().sum(1, keepdim=True) + features.abs().sum(1, keepdim=True)
    return difference / (size + SMALLEST)
