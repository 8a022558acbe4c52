"""
Whether two depth maps see the same surface (CbwLoss, arXiv 2212.05845; SC-SfMLearner, 2019).

A point of the target is moved into the source, where it has the depth z; the depth map of the
source says D' there. Where the two differ, the surface is hidden, or one of the maps is wrong.
"""

from __future__ import annotations

from torch import Tensor

from lsd_ros.geometry.camera import NEAREST
from lsd_ros.geometry.shapes import check_shapes


def structure_difference(moved: Tensor, seen: Tensor) -> Tensor:
    """
    Return |z - D'| / (z + D'), in 0 .. 1.

    :param moved: z, depth of the target's points in the source camera, shape (B, 1, H, W)
    :param seen: D', depth of the source where those points fall, positive, shape (B, 1, H, W)
    :return: shape (B, 1, H, W); a point behind the source is as different as can be
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(moved=(moved, 'B 1 H W'), seen=(seen, 'B 1 H W'))
    ahead = moved.clamp(min=NEAREST)
    return (ahead - seen).abs() / (ahead + seen)


def occlusion_weight(difference: Tensor) -> Tensor:
    """
    Return 1 - |z - D'| / (z + D'): low where something stands before the point.

    No gradient goes through it: depth must not learn to contradict itself for a lower loss.

    :param difference: of :func:`structure_difference`
    :return: in 0 .. 1, shape (B, 1, H, W)
    """
    return 1 - difference.detach()
