"""True depth, where sequences have it: synthetic worlds know that the sky is far."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lsd_ros import settings
from lsd_ros.geometry.depth import DisparityRange, depth_from_disparity
from lsd_ros.geometry.shapes import check_shapes
from lsd_ros.settings import setting


@dataclass(frozen=True)
class TruthSettings:
    """Whether and how depth learns from true depth."""

    weight: float = setting(
        0.0, 'Weight of the distance to true depth, for data.true_depth; 0: none', minimum=0
    )
    furthest_m: float = setting(
        80.0,
        'Everything further than this is equally far: sky and horizon are no place [m]',
        minimum=0.1,
        maximum=1e5,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


def true_depth_error(
    disparity: Tensor,
    true_depth: Tensor,
    units_per_metre: Tensor,
    depths: DisparityRange,
    furthest_m: float,
) -> Tensor:
    """
    Return the mean distance of the logarithms of estimated and true depth.

    :param disparity: in (0, 1), shape (B, 1, h, w)
    :param true_depth: along the optical axis [m], +Inf for the sky, NaN where it is not known,
        shape (B, 1, H, W)
    :param units_per_metre: of the network depth, shape (B,)
    :param depths: what disparity 0 and 1 stand for [network units]
    :param furthest_m: depths beyond this are taken for this one
    :return: mean over the known pixels of each sample, 0 where there is none, shape (B,)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(true_depth=(true_depth, 'B 1 H W'), disparity=(disparity, 'B 1 h w'))
    if disparity.shape != true_depth.shape:
        disparity = functional.interpolate(
            disparity, size=true_depth.shape[2:], mode='bilinear', align_corners=False
        )
    metres = depth_from_disparity(disparity, depths) / units_per_metre[:, None, None, None]
    known = ~true_depth.isnan() & (true_depth > 0)
    truth = torch.where(known, true_depth, furthest_m).clamp(max=furthest_m)
    error = (metres.clamp(max=furthest_m).log() - truth.log()).abs() * known
    total: Tensor = error.sum(dim=(1, 2, 3)) / known.sum(dim=(1, 2, 3)).clamp(min=1)
    return total
