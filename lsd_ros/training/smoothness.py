"""Disparity that changes where the image does and nowhere else (Godard et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from lsd_ros.geometry.shapes import check_shapes


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
