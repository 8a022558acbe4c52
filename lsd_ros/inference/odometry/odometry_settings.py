"""The settings of the odometry."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.settings import setting


@dataclass(frozen=True)
class OdometrySettings:
    """How motion is accumulated, and how sure the engine is of it."""

    max_gap_s: float = setting(
        0.5,
        'A longer time between two frames breaks the chain of motion [s]',
        minimum=0.01,
        maximum=60,
    )
    translation_error: float = setting(
        0.0,
        'Standard deviation of a translation along its direction, as a share of its length; 0: as '
        'measured for the weights, else 0.3',
        minimum=0,
        maximum=10,
    )
    direction_error: float = setting(
        0.0,
        'Standard deviation of a translation across its direction, as a share of its length; 0: '
        'as measured for the weights, else 0.05',
        minimum=0,
        maximum=10,
    )
    rotation_error_deg: float = setting(
        0.0,
        'Standard deviation of the rotation of one step, about each axis [deg]; 0: as measured '
        'for the weights, else 0.5',
        minimum=0,
        maximum=90,
    )
    error_memory_s: float = setting(
        0.0,
        'Time after which the errors of steps have all but forgotten each other [s]; 0: as '
        'measured for the weights, else 2',
        minimum=0,
        maximum=60,
    )
    stand_still: bool = setting(
        True,
        'Take a camera whose images do not change for one that stands still, whatever little the '
        'network says that it moves',
    )
    fuse: bool = setting(
        False,
        'Fuse the motion of odometry_in into the odometry; false: it serves the scale alone',
    )
    input_translation_error: float = setting(
        0.05,
        'Standard deviation of a translation of odometry_in, as a share of its length, where the '
        'messages do not say it',
        minimum=1e-3,
        maximum=10,
    )
    input_rotation_error: float = setting(
        0.05,
        'Standard deviation of a rotation of odometry_in, as a share of its angle, where the '
        'messages do not say it',
        minimum=1e-3,
        maximum=10,
    )
    input_error_memory_s: float = setting(
        10.0,
        'Time after which the errors of odometry_in have all but forgotten each other [s]',
        minimum=0,
        maximum=3600,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
