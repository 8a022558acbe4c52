"""Which source the settings choose."""

from __future__ import annotations

from lsd_ros.inference.odometry.history import OdometryHistory
from lsd_ros.inference.scale.camera_height import CameraHeightScale
from lsd_ros.inference.scale.constant_scale import checkpoint_scale, fixed_scale
from lsd_ros.inference.scale.odometry import OdometryScale
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.scale.source import ScaleSource
from lsd_ros.models.weights import WeightsCard


def scale_source(
    settings: ScaleSettings, card: WeightsCard, odometry_in: OdometryHistory
) -> ScaleSource:
    """
    Return the source that the settings choose, which knows nothing yet.

    :param card: what the weights say about themselves
    :param odometry_in: what another odometry says, where that is the source
    """
    if settings.source == 'fixed':
        return fixed_scale(settings)
    if settings.source == 'camera_height':
        return CameraHeightScale(settings)
    if settings.source == 'odometry':
        return OdometryScale(settings, odometry_in)
    return checkpoint_scale(settings, card)
