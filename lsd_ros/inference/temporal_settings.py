"""The settings of the temporal filter: light, for whoever only names them."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.settings import setting


@dataclass(frozen=True)
class TemporalSettings:
    """Whether depth is steadied over time."""

    filter: bool = setting(
        False,
        'Steady the depth: compare each pixel with the frame before, moved by the odometry. What '
        'is nearer than before counts at once, what is farther with the second frame',
    )
    agreement: float = setting(
        0.15,
        'Depth that differs from that of the frame before by a smaller share is averaged with it',
        minimum=1e-3,
        maximum=1,
    )
    memory: float = setting(
        0.5, 'Share of the average that the frames before have', minimum=0, maximum=0.95
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
