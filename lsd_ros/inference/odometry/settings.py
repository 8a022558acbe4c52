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
        0.1,
        'Standard deviation of a translation, as a share of its length',
        minimum=1e-3,
        maximum=10,
    )
    rotation_error_deg: float = setting(
        0.2, 'Standard deviation of the rotation of one step [deg]', minimum=1e-3, maximum=90
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
