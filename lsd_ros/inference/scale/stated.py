"""Scales that somebody states: the weights, or the user."""

from __future__ import annotations

from lsd_ros.inference.scale.settings import ScaleSettings
from lsd_ros.inference.scale.source import Observation
from lsd_ros.models.checkpoint import WeightsCard
from lsd_ros.types import Scale


class StatedScale:
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


def fixed_scale(settings: ScaleSettings) -> StatedScale:
    """Return the factor of the settings, which is metric by the user's word."""
    scale = Scale(settings.factor, metric=True, source='fixed', deviation=settings.deviation)
    return StatedScale(scale)


def checkpoint_scale(settings: ScaleSettings, card: WeightsCard) -> StatedScale:
    """Return what the weights know about themselves."""
    if card.metric:
        scale = Scale(
            card.metres_per_unit,
            metric=True,
            source='checkpoint',
            deviation=settings.deviation,
        )
        return StatedScale(scale)
    problem = (
        f'the weights {card.name!r} are not metric: set scale.source to camera_height or '
        'odometry, or to fixed with the scale.factor that you measured'
    )
    return StatedScale(
        Scale(card.metres_per_unit, metric=False, source='checkpoint', problem=problem)
    )
