"""Metres: the length of the estimated motion against a measured one (Guizilini et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lsd_ros import settings
from lsd_ros.geometry.shapes import check_shapes
from lsd_ros.settings import setting


@dataclass(frozen=True)
class MetricSettings:
    """Whether and how motion, and with it depth, learns to be metric."""

    weight: float = setting(
        0.0, 'Weight of the length of the translation; 0 leaves the scale open', minimum=0
    )
    metres_per_unit: float = setting(
        5.0,
        'Metres that a unit of network depth stands for: what is usual should be at 1 to 2 units',
        minimum=1e-3,
        maximum=1e3,
    )
    shortest_m: float = setting(
        0.05, 'Motions below this length count as this long [m]', minimum=1e-6
    )
    motion: float = setting(
        0.0,
        'Weight of the distance of estimated motions to those of data.motion_from_poses',
        minimum=0,
    )
    turn_rad: float = setting(
        0.05,
        'A wrong rotation that counts as much as a wrong translation of the whole length, where '
        'the camera does not turn; where it turns, its turn more [rad]',
        minimum=1e-4,
        maximum=10,
    )
    focal_px: float = setting(
        0.0,
        'Focal length at network size that metres are learned for: what other cameras and windows '
        'see becomes as far as this one would see it; 0: every camera as it is [pixels]',
        minimum=0,
        maximum=1e5,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


def units_per_metre(intrinsics: Tensor, how: MetricSettings) -> Tensor:
    """
    Return how many units of network depth a metre has in front of each camera.

    A longer lens shows the same picture from further away. With ``focal_px``, lengths are those of
    the scene that shows this picture to a camera of that focal length (Yin et al. 2023, Metric3D):
    a network cannot tell a window of an image from an image of a longer lens.

    :param intrinsics: K, shape (B, 3, 3)
    :return: shape (B,)
    :raises FrameError: the shape does not fit
    """
    check_shapes(intrinsics=(intrinsics, 'B 3 3'))
    units = torch.full_like(intrinsics[:, 0, 0], 1 / how.metres_per_unit)
    if not how.focal_px:
        return units
    return units * how.focal_px / (intrinsics[:, 0, 0] * intrinsics[:, 1, 1]).sqrt()


def translation_length_error(
    estimated: Tensor, measured: Tensor, known: Tensor, shortest_m: float = 0.05
) -> Tensor:
    """
    Return how wrong the length of the translation is, relative to the measured one.

    Lengths only: the direction is left to the images, which know it better than odometry does.

    :param estimated: source_from_target, shape (B, N, 4, 4)
    :param measured: the same in metres; anything where it is not known, shape (B, N, 4, 4)
    :param known: whether a motion was measured, shape (B, N), bool
    :param shortest_m: what shorter motions are taken for, so that standing still is no division
        by zero [m]
    :return: mean over the known motions of each sample, 0 where there is none, shape (B,)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(estimated=(estimated, 'B N 4 4'), measured=(measured, 'B N 4 4'))
    length = torch.linalg.vector_norm(measured[..., :3, 3], dim=2)
    length = torch.where(known, length, torch.ones_like(length))
    guess = torch.linalg.vector_norm(estimated[..., :3, 3], dim=2)
    error = (guess - length).abs() / length.clamp(min=shortest_m)
    total: Tensor = (error * known).sum(1)
    return total / known.sum(1).clamp(min=1)


def motion_error(
    estimated: Tensor,
    measured: Tensor,
    known: Tensor,
    shortest_m: float = 0.05,
    turn_rad: float = 0.05,
) -> Tensor:
    """
    Return how wrong motions are: relative to the length, and to the turn.

    The other arguments are those of :func:`translation_length_error`.

    :param shortest_m: in the unit of the translations
    :param turn_rad: added to the turn that a wrong turn is compared with [rad]
    :return: mean over the known motions of each sample, 0 where there is none, shape (B,)
    :raises FrameError: the shapes or types do not fit
    """
    check_shapes(estimated=(estimated, 'B N 4 4'), measured=(measured, 'B N 4 4'))
    measured = torch.where(known[..., None, None], measured, estimated.detach())
    difference = (estimated - measured)[..., :3, :]
    length = torch.linalg.vector_norm(measured[..., :3, 3], dim=2).clamp(min=shortest_m)
    moved = _norm(difference[..., 3]) / length
    still = torch.eye(3, dtype=measured.dtype, device=measured.device)
    turned = _angle(difference[..., :3]) / (turn_rad + _angle(measured[..., :3, :3] - still))
    total: Tensor = ((moved + turned) * known).sum(1)
    return total / known.sum(1).clamp(min=1)


def _angle(difference: Tensor) -> Tensor:
    """Return the angle between rotations, where it is small."""
    return _norm(difference.flatten(-2)) / 2**0.5


def _norm(x: Tensor) -> Tensor:
    """Return lengths along the last axis, with a finite gradient at 0."""
    return (x.square().sum(-1) + 1e-12).sqrt()
