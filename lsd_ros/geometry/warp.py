"""Seeing one image from another camera's place; the project's one grid_sample."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from lsd_ros.geometry.camera import NEAREST, back_project, pixel_grid, project
from lsd_ros.geometry.pose import transform
from lsd_ros.geometry.shapes import check_shapes

ROUNDING_PX = 1e-3  # what float32 may push a pixel of the border over the border


class Warped(NamedTuple):
    """
    A source image as the target camera would see it.

    :param image: shape (B, C, H, W)
    :param depth: of the target's points, along the source's optical axis [m], shape (B, 1, H, W)
    :param mask: whether the point is in front of the source and in its image, shape (B, 1, H, W),
        bool; a point that something hides from the source is still in the mask
    :param pixels: where in the source the point is seen (u, v) [pixels], shape (B, 2, H, W)
    """

    image: Tensor
    depth: Tensor
    mask: Tensor
    pixels: Tensor


def sample(image: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """
    Read an image between its pixels, bilinearly; outside of it the border goes on.

    :param image: shape (B, C, H, W)
    :param pixels: where to read (u, v), pixel centres at integers [pixels], shape (B, 2, h, w)
    :return: what was read, shape (B, C, h, w); and whether it lies within the outermost pixel
        centres, shape (B, 1, h, w), bool
    :raises FrameError: the shapes or types are others
    """
    check_shapes(image=(image, 'B C H W'), pixels=(pixels, 'B 2 h w'))
    size = torch.tensor(
        (image.shape[3], image.shape[2]), dtype=pixels.dtype, device=pixels.device
    )[:, None, None]
    # without align_corners, -1 and 1 are the outer edges -0.5 and size - 0.5 of the pixels
    grid = ((2 * pixels + 1) / size - 1).permute(0, 2, 3, 1)
    read = functional.grid_sample(
        image, grid.to(image.dtype), mode='bilinear', padding_mode='border', align_corners=False
    )
    inside = (pixels >= -ROUNDING_PX) & (pixels <= size - 1 + ROUNDING_PX)
    return read, inside.all(1, keepdim=True)


def warp(
    source: Tensor,
    depth_target: Tensor,
    source_from_target: Tensor,
    intrinsics_target: Tensor,
    intrinsics_source: Tensor,
) -> Warped:
    """
    See the source image from the target camera's place (Zhou et al. 2017, equation 2).

    :param source: image, or any map that is one with it, shape (B, C, h, w)
    :param depth_target: along the target's optical axis, finite [m], shape (B, 1, H, W)
    :param source_from_target: motion, shape (B, 4, 4)
    :param intrinsics_target: K of the depth [pixels], shape (B, 3, 3)
    :param intrinsics_source: K of the source [pixels], shape (B, 3, 3)
    :raises FrameError: the shapes or types are others
    """
    pixels, depth = correspondences(
        depth_target, source_from_target, intrinsics_target, intrinsics_source
    )
    image, inside = sample(source, pixels)
    return Warped(image, depth, inside & (depth > NEAREST), pixels)


def rigid_flow(
    depth_target: Tensor,
    source_from_target: Tensor,
    intrinsics_target: Tensor,
    intrinsics_source: Tensor,
) -> Tensor:
    """
    Return how far a still world moves in the image; the arguments are those of :func:`warp`.

    :return: source pixel minus target pixel (du, dv) [pixels], shape (B, 2, H, W), without meaning
        behind the source
    :raises FrameError: the shapes or types are others
    """
    pixels, _ = correspondences(
        depth_target, source_from_target, intrinsics_target, intrinsics_source
    )
    return pixels - pixel_grid(pixels.shape[2], pixels.shape[3], pixels)


def correspondences(
    depth_target: Tensor,
    source_from_target: Tensor,
    intrinsics_target: Tensor,
    intrinsics_source: Tensor,
) -> tuple[Tensor, Tensor]:
    """
    Find every target pixel in the source; the arguments are those of :func:`warp`.

    :return: pixels (u, v) of the source, shape (B, 2, H, W); and depth along its optical axis [m],
        shape (B, 1, H, W)
    :raises FrameError: the shapes or types are others
    """
    points = back_project(depth_target, intrinsics_target)
    return project(transform(source_from_target, points), intrinsics_source)
