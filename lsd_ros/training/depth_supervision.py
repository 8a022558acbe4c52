"""
True depth, where sequences have it.

Synthetic worlds know that the sky is far, and what is triangulated has sharp edges.
"""

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
    gradient: float = setting(
        0.0,
        'Weight, as a share of the other, of the distance of gradients, which makes edges sharp '
        '(Li and Snavely, MegaDepth, CVPR 2018)',
        minimum=0,
    )
    scale_free: float = setting(
        0.0,
        'Share of the distance that does not see a wrong scale of the whole image: structure is '
        'learned faster than metres (Eigen et al., NeurIPS 2014; Ranftl et al., TPAMI 2022)',
        minimum=0,
        maximum=1,
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


STRIDES = (1, 2, 4, 8)  # of the pixels whose gradients are compared


def true_depth_error(
    disparity: Tensor,
    true_depth: Tensor,
    units_per_metre: Tensor,
    depths: DisparityRange,
    furthest_m: float,
    gradient: float = 0.0,
    scale_free: float = 0.0,
) -> Tensor:
    """
    Return the mean distance of the logarithms of estimated and true depth.

    :param disparity: in (0, 1), shape (B, 1, h, w)
    :param true_depth: along the optical axis [m], +Inf for the sky, NaN where it is not known,
        shape (B, 1, H, W)
    :param units_per_metre: of the network depth, shape (B,)
    :param depths: what disparity 0 and 1 stand for [network units]
    :param furthest_m: true depths beyond this are taken for this one, and what is estimated
        beyond it is right there
    :param gradient: weight of the mean difference of that distance between pixels
    :param scale_free: share of the mean distance from the median of the image's distances
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
    # only where the truth is as far is any further depth right: elsewhere it must have a gradient
    right = (truth >= furthest_m) & (metres >= furthest_m)
    distance = (metres.log() - truth.log()) * (known & ~right)
    error = _mean(distance.abs(), known)
    if scale_free > 0:
        structure = _mean((distance - _median(distance, known)).abs() * known, known)
        error = (1 - scale_free) * error + scale_free * structure
    if gradient > 0:
        error = error + gradient * _gradient_error(distance, known)
    return error


def _gradient_error(distance: Tensor, known: Tensor) -> Tensor:
    """Return how much the distance changes from pixel to pixel, at several scales, shape (B,)."""
    errors = []
    for stride in STRIDES:
        d, k = distance[..., ::stride, ::stride], known[..., ::stride, ::stride]
        across = (d[..., 1:] - d[..., :-1]).abs(), k[..., 1:] & k[..., :-1]
        down = (d[..., 1:, :] - d[..., :-1, :]).abs(), k[..., 1:, :] & k[..., :-1, :]
        errors += [_mean(change * both, both) for change, both in (across, down)]
    return torch.stack(errors).mean(0)


def _median(distance: Tensor, known: Tensor) -> Tensor:
    """Return the median of what is known of each sample, 0 where nothing is, (B, 1, 1, 1)."""
    values = distance.detach().masked_fill(~known, torch.nan).flatten(1)
    return values.nanmedian(dim=1).values.nan_to_num(0)[:, None, None, None]


def _mean(values: Tensor, known: Tensor) -> Tensor:
    total: Tensor = values.sum(dim=(1, 2, 3)) / known.sum(dim=(1, 2, 3)).clamp(min=1)
    return total
