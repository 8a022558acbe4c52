"""The settings of the scale."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.settings import setting

STATED = ('checkpoint', 'fixed')
MEASURED = ('camera_height', 'odometry')


@dataclass(frozen=True)
class ScaleSettings:
    """Where metres come from."""

    source: str = setting(
        'checkpoint',
        'Where metres come from: the weights themselves, a fixed factor, the ground seen from a '
        'camera of known height, or odometry_in',
        choices=STATED + MEASURED,
    )
    factor: float = setting(
        1.0,
        'Metres per unit of network depth, used where scale.source is fixed',
        minimum=1e-3,
        maximum=1e3,
    )
    deviation: float = setting(
        0.05,
        'Standard deviation of a fixed factor, or of the scale of metric weights, as a share of '
        'it',
        minimum=0,
        maximum=1,
    )
    camera_height_m: float = setting(
        0.0,
        'Height of the camera above the ground, where scale.source is camera_height; 0: that of '
        'the camera above the base frame, by the transforms or mount.z_m [m]',
        minimum=0,
        maximum=100,
    )
    reference_deviation: float = setting(
        0.01,
        'Standard deviation of the camera height, or of the lengths of odometry_in, as a share of '
        'them: an error that measuring longer does not take out',
        minimum=0,
        maximum=1,
    )
    process_noise: float = setting(
        0.02,
        'How far the factor of the network may wander within a second, as a share of it; it grows '
        'with the square root of the time',
        minimum=1e-4,
        maximum=1,
    )
    min_motion_m: float = setting(
        0.2,
        'How far the camera must have moved before odometry_in settles the scale [m]',
        minimum=0.01,
        maximum=100,
    )
    max_deviation: float = setting(
        0.15,
        'A factor with a larger standard deviation than this is not metric, as a share of it',
        minimum=1e-3,
        maximum=1,
    )
    max_age_s: float = setting(
        30.0,
        'A measured scale that nothing has confirmed for longer is not metric [s]; a robot that '
        'stands needs no new odometry',
        minimum=1,
        maximum=3600,
    )

    def __post_init__(self) -> None:
        """Check every value, and that the source can ever be sure enough."""
        settings.check(self)
        name = 'deviation' if self.source in STATED else 'reference_deviation'
        stated = self.deviation if self.source in STATED else self.reference_deviation
        if stated > self.max_deviation:
            raise SettingError(
                f'scale.{name} is {stated} and scale.max_deviation is {self.max_deviation}: depth '
                f'could never be metric; make scale.{name} smaller, or scale.max_deviation larger'
            )
