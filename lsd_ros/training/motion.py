"""
Whether a pixel moves as a still world would (CbwLoss, arXiv 2212.05845).

In a still world the way there and the way back cancel each other. The publication says so in
words; the figure here is ours: bounded, and blind to what is less than a pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lsd_ros.geometry.shapes import check_shapes

FLOOR_PX = 1.0  # what the two ways may differ by before it counts in full


@torch.no_grad()
def motion_weight(there: Tensor, back: Tensor) -> Tensor:
    """
    Return 1 - |f + f'| / (|f| + |f'| + 1 pixel), in 0 .. 1, without a gradient.

    :param there: f, rigid flow of the target's pixels to the source [pixels], shape (B, 2, H, W)
    :param back: f', rigid flow of the source to the target, where f ends [pixels], same shape
    :return: shape (B, 1, H, W)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(there=(there, 'B 2 H W'), back=(back, 'B 2 H W'))
    difference = (there + back).abs().sum(1, keepdim=True)
    length = there.abs().sum(1, keepdim=True) + back.abs().sum(1, keepdim=True)
    return 1 - difference / (length + FLOOR_PX)
