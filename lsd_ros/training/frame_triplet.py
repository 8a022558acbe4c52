"""What the photometric objective looks at: three frames, what the networks said, and the order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lsd_ros.errors import FrameError
from lsd_ros.geometry.pose import pose_from_vector
from lsd_ros.geometry.shapes import check_shapes

FRAMES = 3
TARGET = 1
# directions: target from before, target from after, before from target, after from target
VIEWED = (1, 1, 0, 2)
SOURCES = (0, 2, 1, 1)
PAIRS = 2


@dataclass(frozen=True)
class TripletViews:
    """
    Three frames in the order of time (before, target, after), stacked along the batch.

    :param images: colours in 0 .. 1, before all jitter and normalisation, shape (3 B, 3, H, W)
    :param intrinsics: K, shape (B, 3, 3)
    :param disparities: finest first, shape (3 B, 1, H / 2^j, W / 2^j); (B, 1, ...) where only the
        target was looked at
    :param source_from_target: before_from_target and after_from_target, shape (B, 2, 4, 4)
    :param features: of the stage that the settings name, shape (3 B, C, h, w); None without the
        feature term
    :raises FrameError: a shape or type does not fit
    """

    images: Tensor
    intrinsics: Tensor
    disparities: tuple[Tensor, ...]
    source_from_target: Tensor
    features: Tensor | None = None

    def __post_init__(self) -> None:
        """Check what the objective relies on."""
        check_shapes(
            intrinsics=(self.intrinsics, 'B 3 3'),
            source_from_target=(self.source_from_target, f'B {PAIRS} 4 4'),
        )
        check_shapes(images=(self.images, 'N 3 H W'))
        batch, height, width = len(self.intrinsics), *self.images.shape[2:]
        if len(self.images) != FRAMES * batch:
            raise FrameError(
                f'images of {len(self.images)} frames must be {FRAMES} times the {batch} cameras'
            )
        for j, disparity in enumerate(self.disparities):
            size = (1, height >> j, width >> j)
            if len(disparity) not in (batch, FRAMES * batch) or disparity.shape[1:] != size:
                raise FrameError(
                    f'disparity {j} of shape {tuple(disparity.shape)} must be '
                    f'({FRAMES * batch}, {", ".join(map(str, size))})'
                )

    @property
    def batch(self) -> int:
        """Return B, the number of triplets."""
        return len(self.intrinsics)

    @property
    def has_neighbours(self) -> bool:
        """Return whether disparity of all three frames is there."""
        return len(self.disparities[0]) == FRAMES * self.batch


def poses_from_vectors(vectors: Tensor) -> Tensor:
    """
    Turn what the pose network says into motions.

    :param vectors: before_from_target and after_from_target, shape (B, 2, 6)
    :return: shape (B, 2, 4, 4), float32 or float64
    :raises FrameError: the shape is another one
    """
    if vectors.ndim != 3 or vectors.shape[1:] != (PAIRS, 6):
        raise FrameError(f'motions of shape {tuple(vectors.shape)} must be (B, {PAIRS}, 6)')
    exact = vectors if vectors.element_size() >= 4 else vectors.float()
    return pose_from_vector(exact.flatten(0, 1)).reshape(-1, PAIRS, 4, 4)


def with_known(estimated: Tensor, known: Tensor, units_per_metre: Tensor) -> Tensor:
    """
    Put motions that are known in the place of estimated ones.

    :param estimated: source_from_target [network units], shape (B, 2, 4, 4)
    :param known: the same [m], NaN where a motion is not known, shape (B, 2, 4, 4)
    :param units_per_metre: shape (B,)
    :return: shape (B, 2, 4, 4)
    :raises FrameError: the shapes do not fit
    """
    form = f'B {PAIRS} 4 4'
    check_shapes(estimated=(estimated, form), known=(known, form))
    is_known = known[..., :1, :1].isfinite()
    scaled = known.nan_to_num()
    scaled[..., :3, 3] *= units_per_metre[:, None, None]
    return torch.where(is_known, scaled, estimated)
