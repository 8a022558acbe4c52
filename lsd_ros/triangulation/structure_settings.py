"""How images are matched for a structure from motion."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.settings import setting


@dataclass(frozen=True)
class StructureSettings:
    """How images are matched, and which part of them counts."""

    features: int = setting(1500, 'Points that are looked for in an image', minimum=64)
    width: int = setting(640, 'Wider images are matched at this width', minimum=64, maximum=8192)
    overlap: int = setting(
        6,
        'Images that each one is matched with, and as many more at twice the distance each',
        minimum=2,
        maximum=50,
    )
    min_images: int = setting(
        10, 'Parts of fewer images that hang together are left out', minimum=3
    )
    threads: int = setting(0, 'CPU threads; 0: one per core', minimum=0, maximum=1024)

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
