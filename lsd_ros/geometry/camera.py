"""The pinhole camera on tensors: pixel centres at integer coordinates, +z forward, +y down."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lsd_ros.errors import CameraError
from lsd_ros.geometry.shapes import check_shapes
from lsd_ros.types import Camera

NEAREST = 1e-6  # depth below which a point cannot be projected, in the unit of the points


def intrinsics_of(
    cameras: Sequence[Camera],
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """
    Stack the matrices K of ideal or rectified cameras.

    :param cameras: one per image of the batch
    :return: [pixels], shape (B, 3, 3)
    :raises CameraError: a camera is distorted, or there is none
    """
    if not cameras:
        raise CameraError('no camera was given: give one per image')
    for camera in cameras:
        if camera.distortion is not None:
            raise CameraError(
                f'a {camera.distortion.model} camera is more than K: undistort its image first'
            )
    rows = [camera.matrix.tolist() for camera in cameras]
    return torch.tensor(rows, dtype=dtype, device=device)


def pixel_grid(height: int, width: int, like: Tensor) -> Tensor:
    """
    Return the coordinates (u, v) of all pixel centres.

    :param like: whose type and device the grid takes
    :return: [pixels], shape (1, 2, H, W)
    """
    v = torch.arange(height, dtype=like.dtype, device=like.device)
    u = torch.arange(width, dtype=like.dtype, device=like.device)
    return torch.stack((u.expand(height, width), v[:, None].expand(height, width)))[None]


def back_project(depth: Tensor, intrinsics: Tensor) -> Tensor:
    """
    Lift every pixel to the point that it sees.

    :param depth: along the optical axis, finite [m], shape (B, 1, H, W)
    :param intrinsics: K without skew [pixels], shape (B, 3, 3)
    :return: points in the camera [m], shape (B, 3, H, W)
    :raises FrameError: the shapes or types are others
    """
    check_shapes(depth=(depth, 'B 1 H W'), intrinsics=(intrinsics, 'B 3 3'))
    focal, centre = _focal_and_centre(intrinsics)
    pixels = pixel_grid(depth.shape[2], depth.shape[3], depth)
    return torch.cat(((pixels - centre) / focal * depth, depth), 1)


def project(points: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
    """
    Find the pixels that points fall on.

    :param points: in the camera [m], shape (B, 3, H, W)
    :param intrinsics: K without skew [pixels], shape (B, 3, 3)
    :return: pixels (u, v), shape (B, 2, H, W), without meaning (yet finite) where the depth is not
        above :data:`NEAREST`; and depth along the optical axis [m], shape (B, 1, H, W)
    :raises FrameError: the shapes or types are others
    """
    check_shapes(points=(points, 'B 3 H W'), intrinsics=(intrinsics, 'B 3 3'))
    focal, centre = _focal_and_centre(intrinsics)
    depth = points[:, 2:]
    return points[:, :2] / depth.clamp(min=NEAREST) * focal + centre, depth


def _focal_and_centre(intrinsics: Tensor) -> tuple[Tensor, Tensor]:
    focal = torch.stack((intrinsics[:, 0, 0], intrinsics[:, 1, 1]), 1)
    return focal[:, :, None, None], intrinsics[:, :2, 2, None, None]
