"""What turns network depth into metres."""

from __future__ import annotations

from lsd_ros.inference.settings import ScaleSettings
from lsd_ros.models.checkpoint import WeightsCard
from lsd_ros.types import Scale


def scale_of(settings: ScaleSettings, card: WeightsCard) -> Scale:
    """
    Return the scale that the settings choose.

    :param settings: which source, and its factor
    :param card: what the weights say about themselves
    """
    if settings.source == 'fixed':
        return Scale(settings.factor, metric=True, source='fixed')
    return Scale(card.metres_per_unit, metric=card.metric, source='checkpoint')
