"""Scales that somebody states: the weights, or the user."""

from __future__ import annotations

from dataclasses import replace

from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.scale.source import Observation, ScaleSource
from lsd_ros.models.weights import WeightsCard
from lsd_ros.types import Scale

NO_FOCAL_LENGTH = (
    'the metres of the weights depend on the focal length, and no image had a camera yet: publish '
    'camera info, or choose another scale.source'
)


class ConstantScale:
    """
    The same scale for every frame.

    :param scale: what was stated
    """

    needs_depth = needs_motion = False

    def __init__(self, scale: Scale) -> None:
        self._scale = scale

    def update(self, seen: Observation) -> Scale:
        """Return what was stated."""
        return self._scale

    def reset(self) -> None:
        """Do nothing: nothing was measured."""


class FocalLengthScale:
    """
    Metres that were learned for one focal length, as seen through the camera of each frame.

    A network cannot tell a thing from one of twice the size that is twice as far, or seen through
    a lens twice as long. So it learned what is seen as if every lens were the same, and its
    metres are longer by as much as the real one is (Yin et al. 2023, arXiv 2307.10984).

    :param scale: of the focal length that was learned
    :param focal_px: that focal length, at the size of the network's input [pixels]
    """

    needs_depth = needs_motion = False

    def __init__(self, scale: Scale, focal_px: float) -> None:
        self._learned, self._focal_px = scale, focal_px
        self.reset()

    def update(self, seen: Observation) -> Scale:
        """Return the scale of the frame's camera, or of the last one where it has none."""
        if seen.camera is not None:
            longer = seen.camera.focal_px / self._focal_px
            self._scale = replace(self._learned, factor=self._learned.factor * longer)
        return self._scale

    def reset(self) -> None:
        """Forget the camera."""
        self._scale = replace(self._learned, metric=False, problem=NO_FOCAL_LENGTH)


def fixed_scale(settings: ScaleSettings) -> ConstantScale:
    """Return the factor of the settings, which is metric by the user's word."""
    scale = Scale(settings.factor, metric=True, source='fixed', deviation=settings.deviation)
    return ConstantScale(scale)


def checkpoint_scale(settings: ScaleSettings, card: WeightsCard) -> ScaleSource:
    """Return what the weights know about themselves."""
    if card.metric:
        scale = Scale(
            card.metres_per_unit,
            metric=True,
            source='checkpoint',
            deviation=settings.deviation,
        )
        return FocalLengthScale(scale, card.focal_px) if card.focal_px else ConstantScale(scale)
    problem = (
        f'the weights {card.name!r} are not metric: set scale.source to camera_height or '
        'odometry, or to fixed with the scale.factor that you measured'
    )
    return ConstantScale(
        Scale(card.metres_per_unit, metric=False, source='checkpoint', problem=problem)
    )
