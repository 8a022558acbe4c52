"""
The constrained bidirectional weighted objective (CN202110346713.3; CbwLoss, arXiv 2212.05845).

Every pair of frames is warped both ways from one inference. Whatever says that a pixel cannot be
trusted (out of the image, hidden, moving, seen better in another frame) is a weight in 0 .. 1, and
the error is the weighted mean over all pixels and directions of a triplet. Triplets are averaged
last, so that many processes with few triplets each see the same loss as one with many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lsd_ros import settings
from lsd_ros.errors import FrameError
from lsd_ros.geometry.camera import NEAREST, pixel_grid
from lsd_ros.geometry.depth import DisparityRange, depth_from_disparity
from lsd_ros.geometry.pose import invert
from lsd_ros.geometry.warp import correspondences, rigid_flow, sample
from lsd_ros.settings import setting
from lsd_ros.training.frame_triplet import FRAMES, PAIRS, SOURCES, TARGET, VIEWED, TripletViews
from lsd_ros.training.losses import (
    feature_difference,
    motion_weight,
    occlusion_weight,
    smoothness,
    structure_difference,
)
from lsd_ros.training.photometric import Reference, photometric_error, stacked

RETURN = (2, 3, 0, 1)  # the direction that leads back, for each direction
NOTHING = 1e-6  # pixels below which a triplet has nothing to say


@dataclass(frozen=True)
class ObjectiveSettings:
    """The parts of the photometric objective; a weight of 0 leaves a term out."""

    bidirectional: bool = setting(
        True, 'Whether the neighbours are also rebuilt from the target, and not only it from them'
    )
    scales: int = setting(3, 'Disparities that are used, finest first', minimum=1, maximum=3)
    ssim: float = setting(0.85, 'Share of SSIM in the photometric error', minimum=0, maximum=1)
    occlusion: bool = setting(True, 'Whether hidden pixels weigh less, by depth structure')
    motion: bool = setting(True, 'Whether moving pixels weigh less, by rigid flow there and back')
    selection: str = setting(
        'all',
        'Which neighbour rebuilds a pixel: both, or the better one (minimum reprojection)',
        choices=('all', 'minimum'),
    )
    auto_mask: bool = setting(
        False, 'Whether pixels are left out that look better without any motion (Monodepth2)'
    )
    structure: float = setting(0.5, 'Weight of the consistency of depth structure', minimum=0)
    feature: float = setting(0.05, 'Weight of the difference of features', minimum=0)
    feature_stage: int = setting(
        1, 'Encoder stage whose features are compared, at 1/2 or 1/4', choices=(0, 1)
    )
    smoothness: float = setting(
        0.001, 'Weight of edge-aware smoothness, halved from scale to scale', minimum=0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)

    @property
    def needs_neighbours(self) -> bool:
        """Return whether disparity of the neighbours is needed, and not of the target alone."""
        return self.bidirectional or self.occlusion or self.motion or self.structure > 0

    @property
    def needs_features(self) -> bool:
        """Return whether features of all three frames are needed."""
        return self.feature > 0


@dataclass(frozen=True)
class Outcome:
    """
    What the objective says about a batch.

    :param total: the loss, a scalar
    :param parts: ``photometric`` and the terms that are on, as they are summed, without a gradient
    :param maps: pictures of the target from the frame before at the finest scale, without a
        gradient: ``warped`` (B, 3, H, W); ``error``, ``weight`` and, where they are on,
        ``occlusion`` and ``motion`` (B, 1, H, W)
    """

    total: Tensor
    parts: dict[str, Tensor]
    maps: dict[str, Tensor]


@dataclass(frozen=True)
class _Scene:
    """What is the same at every scale; D directions are stacked along the batch."""

    how: ObjectiveSettings
    depths: DisparityRange
    directions: int
    source_images: Tensor
    reference: Reference
    standing: Tensor | None  # error without any motion
    pose: Tensor  # source from view
    intrinsics: Tensor


@dataclass(frozen=True)
class _Look:
    """Every view rebuilt at one scale."""

    error: Tensor
    difference: Tensor | None
    mask: Tensor
    weight: Tensor
    maps: dict[str, Tensor]


def photometric_objective(
    views: TripletViews, depths: DisparityRange, how: ObjectiveSettings | None = None
) -> Outcome:
    """
    Say how badly the frames explain each other.

    :param depths: what disparity 0 and 1 stand for
    :param how: which parts, with which weights
    :raises FrameError: what a part needs is not in the views
    """
    how = how or ObjectiveSettings()
    _check(views, how)
    scene = _scene(views, depths, how)
    looks = [_look(scene, views, j) for j in range(how.scales)]
    terms = {'photometric': _mean([_weighted(k.error, k.weight, views.batch) for k in looks])}
    for name, term in _TERMS.items():
        if (weight := getattr(how, name)) > 0:
            terms[name] = weight * term(scene, views, looks)
    total = torch.stack(list(terms.values())).sum()
    parts = {name: term.detach() for name, term in terms.items()}
    return Outcome(total, parts, looks[0].maps)


def _check(views: TripletViews, how: ObjectiveSettings) -> None:
    if how.needs_neighbours and not views.has_neighbours:
        raise FrameError(
            'disparity of the target alone is not enough for this objective: look at all three '
            'frames, or switch bidirectional, occlusion, motion and structure off'
        )
    if how.needs_features and views.features is None:
        raise FrameError('the feature term needs features: pass them, or set its weight to 0')
    scales = max(how.scales, how.feature_stage + 2 if how.needs_features else 0)
    if len(views.disparities) < scales:
        raise FrameError(
            f'{len(views.disparities)} disparities are too few for this objective: give {scales}'
        )


def _scene(views: TripletViews, depths: DisparityRange, how: ObjectiveSettings) -> _Scene:
    directions = 2 * PAIRS if how.bidirectional else PAIRS
    viewed, sources = VIEWED[:directions], SOURCES[:directions]
    to_source = views.source_from_target.transpose(0, 1).flatten(0, 1)
    pose = torch.cat((to_source, invert(to_source))) if how.bidirectional else to_source
    images = stacked(views.images, sources, FRAMES)
    reference = Reference.of(views.images).stacked(viewed, FRAMES)
    standing = None
    if how.auto_mask:
        with torch.no_grad():
            standing = photometric_error(images, reference, how.ssim)
        if how.selection == 'minimum':
            standing = _better(standing, views.batch)
    return _Scene(
        how,
        depths,
        directions,
        images,
        reference,
        standing,
        pose,
        views.intrinsics.repeat(directions, 1, 1),
    )


def _look(scene: _Scene, views: TripletViews, scale: int) -> _Look:
    how = scene.how
    viewed, source = _depths(scene, views, scale)
    pixels, moved = correspondences(viewed, scene.pose, scene.intrinsics, scene.intrinsics)
    warped, inside = sample(scene.source_images, pixels)
    error = photometric_error(warped, scene.reference, how.ssim)
    mask = (inside & (moved > NEAREST)).to(error.dtype)
    factors: dict[str, Tensor] = {}
    difference = None
    if source is not None and (how.occlusion or how.structure > 0):
        difference = structure_difference(moved, sample(source, pixels)[0])
    if how.occlusion and difference is not None:
        factors['occlusion'] = occlusion_weight(difference)
    if how.motion and source is not None:
        factors['motion'] = _motion(scene, pixels.detach(), source.detach())
    weight = _chosen(scene, error.detach(), mask, views.batch)
    for factor in factors.values():
        weight = weight * factor
    pictures = {'warped': warped, 'error': error, 'weight': weight, **factors}
    maps = {name: picture[: views.batch].detach() for name, picture in pictures.items()}
    return _Look(error, difference, mask, weight, maps)


def _depths(scene: _Scene, views: TripletViews, scale: int) -> tuple[Tensor, Tensor | None]:
    """Return depth of the views and, where it is needed, of the sources, at full resolution."""
    disparity = _exact(views.disparities[scale])
    if scale:
        size = views.images.shape[2:]
        disparity = functional.interpolate(
            disparity, size=size, mode='bilinear', align_corners=False
        )
    depth = depth_from_disparity(disparity, scene.depths)
    if not views.has_neighbours:
        return depth.repeat(scene.directions, 1, 1, 1), None
    viewed = stacked(depth, VIEWED[: scene.directions], FRAMES)
    if not scene.how.needs_neighbours:
        return viewed, None
    return viewed, stacked(depth, SOURCES[: scene.directions], FRAMES)


@torch.no_grad()
def _motion(scene: _Scene, pixels: Tensor, source: Tensor) -> Tensor:
    there = pixels - pixel_grid(pixels.shape[2], pixels.shape[3], pixels)
    if scene.how.bidirectional:
        back = stacked(there, RETURN, len(RETURN))
    else:
        back = rigid_flow(source, invert(scene.pose), scene.intrinsics, scene.intrinsics)
    return motion_weight(there, sample(back, pixels)[0])


@torch.no_grad()
def _chosen(scene: _Scene, error: Tensor, mask: Tensor, batch: int) -> Tensor:
    """Return 1 where a pixel counts: seen, rebuilt by the better neighbour, and by its motion."""
    chosen = mask
    if scene.how.selection == 'minimum':
        best = torch.where(mask > 0, error, torch.inf)
        chosen = chosen * (error <= _better(best, batch))
    if scene.standing is not None:
        chosen = chosen * (error < scene.standing)
    return chosen


def _better(error: Tensor, batch: int) -> Tensor:
    """Give both directions of the target the lower of their errors; the others have but one."""
    target = error[: PAIRS * batch]
    lower = torch.stack(target.chunk(PAIRS)).amin(0).repeat(PAIRS, 1, 1, 1)
    return torch.cat((lower, error[PAIRS * batch :]))


def _structure_term(_: _Scene, views: TripletViews, looks: list[_Look]) -> Tensor:
    """Compare the depth maps of two frames."""
    differences = [(look.difference, look.mask) for look in looks if look.difference is not None]
    return _mean([_weighted(d, m, views.batch) for d, m in differences])


def _feature_term(scene: _Scene, views: TripletViews, looks: list[_Look]) -> Tensor:
    """
    Compare features where depth and motion say that they are the same.

    The features themselves get no gradient: a network that flattens them would win.
    """
    if views.features is None:
        raise FrameError('the feature term needs features: pass them, or set its weight to 0')
    level = scene.how.feature_stage + 1
    features = _exact(views.features.detach())
    disparity = _exact(views.disparities[level])
    if features.shape[2:] != disparity.shape[2:]:
        raise FrameError(
            f'features of {tuple(features.shape[2:])} do not fit feature_stage '
            f'{scene.how.feature_stage}, whose disparity is {tuple(disparity.shape[2:])}'
        )
    frames = VIEWED[: scene.directions]
    depth = depth_from_disparity(disparity, scene.depths)
    if views.has_neighbours:
        depth = stacked(depth, frames, FRAMES)
    else:
        depth = depth.repeat(scene.directions, 1, 1, 1)
    intrinsics = _resized(scene.intrinsics, 1 / (1 << level))
    pixels, moved = correspondences(depth, scene.pose, intrinsics, intrinsics)
    sources = stacked(features, SOURCES[: scene.directions], FRAMES)
    warped, inside = sample(sources, pixels)
    difference = feature_difference(warped, stacked(features, frames, FRAMES))
    trusted = functional.avg_pool2d(looks[0].weight, 1 << level) * (inside & (moved > NEAREST))
    return _weighted(difference, trusted, views.batch)


def _smoothness_term(scene: _Scene, views: TripletViews, _: list[_Look]) -> Tensor:
    images = views.images
    if not views.has_neighbours:
        images = images.chunk(FRAMES)[TARGET]
    terms = []
    for j in range(scene.how.scales):
        terms.append(smoothness(_exact(views.disparities[j]), images).mean() / (1 << j))
        images = functional.avg_pool2d(images, 2)
    return _mean(terms)


# What is added to the photometric error: a term and, of the same name in ObjectiveSettings, its
# weight; 0 switches it off.
_TERMS: dict[str, Callable[[_Scene, TripletViews, list[_Look]], Tensor]] = {
    'structure': _structure_term,
    'feature': _feature_term,
    'smoothness': _smoothness_term,
}


def _resized(intrinsics: Tensor, factor: float) -> Tensor:
    """Return K of the image shrunk by a factor; areas are scaled, c' = s (c + 0.5) - 0.5."""
    rows = intrinsics[:, :2] * factor
    shift = torch.zeros_like(rows)
    shift[:, :, 2] = (factor - 1) / 2
    return torch.cat((rows + shift, intrinsics[:, 2:]), 1)


def _exact(x: Tensor) -> Tensor:
    """Return a tensor of automatic mixed precision in the type that geometry asks for."""
    return x if x.element_size() >= 4 else x.float()


def _weighted(values: Tensor, weight: Tensor, batch: int) -> Tensor:
    """Average over pixels and directions of each triplet, then over the triplets."""
    total = (values * weight).sum(dim=(1, 2, 3)).reshape(-1, batch).sum(0)
    pixels = weight.sum(dim=(1, 2, 3)).reshape(-1, batch).sum(0)
    return (total / pixels.clamp(min=NOTHING)).mean()


def _mean(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).mean()
