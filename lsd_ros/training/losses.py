"""
Loss terms of one or two functions each, per pixel or per image.

:func:`feature_difference`, :func:`structure_difference` and :func:`motion_weight` are those of
CbwLoss (arXiv 2212.05845); :func:`smoothness` is that of Godard et al. 2017. The photometric error
has a module of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lsd_ros.geometry.camera import NEAREST
from lsd_ros.geometry.shapes import check_shapes

SMALLEST_FEATURE = 1e-6
MOTION_FLOOR_PX = 1.0  # what the two ways may differ by before it counts in full


def feature_difference(warped: Tensor, features: Tensor) -> Tensor:
    """
    Return the sum of |F - F'| over the channels, divided by that of |F| + |F'|; in 0 .. 1.

    Colours say little on a plain wall; features, which see further, say more.
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
    return difference / (size + SMALLEST_FEATURE)


def structure_difference(moved: Tensor, seen: Tensor) -> Tensor:
    """
    Return |z - D'| / (z + D'), in 0 .. 1 (also SC-SfMLearner, 2019).

    A point of the target is moved into the source, where it has the depth z; the depth map of the
    source says D' there. Where the two differ, the surface is hidden, or one map is wrong.

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


@torch.no_grad()
def motion_weight(there: Tensor, back: Tensor) -> Tensor:
    """
    Return 1 - |f + f'| / (|f| + |f'| + 1 pixel), in 0 .. 1, without a gradient.

    In a still world the way there and the way back cancel each other. The publication says so in
    words; the figure here is ours: bounded, and blind to what is less than a pixel.

    :param there: f, rigid flow of the target's pixels to the source [pixels], shape (B, 2, H, W)
    :param back: f', rigid flow of the source to the target, where f ends [pixels], same shape
    :return: shape (B, 1, H, W)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(there=(there, 'B 2 H W'), back=(back, 'B 2 H W'))
    difference = (there + back).abs().sum(1, keepdim=True)
    length = there.abs().sum(1, keepdim=True) + back.abs().sum(1, keepdim=True)
    return 1 - difference / (length + MOTION_FLOOR_PX)


def smoothness(disparity: Tensor, image: Tensor) -> Tensor:
    """
    Return |d_x D| exp(-|d_x I|) + |d_y D| exp(-|d_y I|), D being disparity over its mean.

    Without the mean, disparity could get smooth by getting small (Wang et al. 2018).

    :param disparity: positive, shape (B, 1, H, W)
    :param image: colours in 0 .. 1, shape (B, 3, H, W)
    :return: mean over each image, shape (B,)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(disparity=(disparity, 'B 1 H W'), image=(image, 'B 3 H W'))
    relative = disparity / disparity.mean(dim=(2, 3), keepdim=True)
    total = relative.new_zeros(len(relative))
    for dim in (2, 3):
        with torch.no_grad():
            steps = image.diff(dim=dim).abs().mean(1, keepdim=True)
            flat = steps.neg().exp()
        total = total + (relative.diff(dim=dim).abs() * flat).mean(dim=(1, 2, 3))
    return total
