"""Disparity in (0, 1), as a network's sigmoid gives it, to depth and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsd_ros.errors import SettingError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DisparityRange:
    """
    The depths that disparity 1 and disparity 0 stand for.

    :param min_depth: depth at disparity 1, greater than 0 [m, or the network's unit]
    :param max_depth: depth at disparity 0, greater than ``min_depth`` [as ``min_depth``]
    :raises SettingError: the two do not make a range
    """

    min_depth: float
    max_depth: float

    def __post_init__(self) -> None:
        """Check that the two make a range."""
        if not 0 < self.min_depth < self.max_depth or not math.isfinite(self.max_depth):
            raise SettingError(
                f'depth range {self.min_depth} to {self.max_depth} must be finite and grow from '
                'above 0'
            )


def depth_from_disparity(disparity: Tensor, depths: DisparityRange) -> Tensor:
    """
    Map disparity to depth so that inverse depth is linear in it (Monodepth2, section 4).

    :param disparity: in (0, 1), shape (B, 1, H, W)
    :param depths: what 0 and 1 stand for
    :return: depth along the optical axis [unit of ``depths``], shape (B, 1, H, W)
    :raises FrameError: the shape or type is another one
    """
    from lsd_ros.geometry.shapes import check_shapes  # loads torch

    check_shapes(disparity=(disparity, 'B 1 H W'))
    far, near = 1 / depths.max_depth, 1 / depths.min_depth
    return 1 / (far + (near - far) * disparity)


def disparity_from_depth(depth: Tensor, depths: DisparityRange) -> Tensor:
    """
    Undo :func:`depth_from_disparity`; depth out of the range leaves (0, 1) accordingly.

    :param depth: positive [unit of ``depths``], shape (B, 1, H, W)
    :param depths: what 0 and 1 stand for
    :return: disparity, shape (B, 1, H, W)
    :raises FrameError: the shape or type is another one
    """
    from lsd_ros.geometry.shapes import check_shapes  # loads torch

    check_shapes(depth=(depth, 'B 1 H W'))
    far, near = 1 / depths.max_depth, 1 / depths.min_depth
    return (1 / depth - far) / (near - far)
