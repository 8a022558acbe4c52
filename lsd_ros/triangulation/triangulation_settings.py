"""How images are matched, which depths are triangulated, and what of them is believed."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.settings import setting

SWEEPING = 4.0  # nearest depth, in baselines, where no baseline is given


@dataclass(frozen=True)
class TriangulationSettings:
    """Which views are compared, at which depths, and what is believed."""

    width: int = setting(416, 'Width that images are compared at', minimum=32, maximum=8192)
    nearest_m: float = setting(
        3.0, 'Nearest depth: 3 for streets, 0.4 for rooms [m]', minimum=0.01
    )
    furthest_m: float = setting(100.0, 'Furthest depth: 10 for rooms [m]', minimum=0.1)
    hypotheses: int = setting(
        64, 'Depths that are tried, evenly in inverse depth', minimum=8, maximum=1024
    )
    baseline_m: float = setting(
        0.0,
        'How far the camera moved from view to view; 0: a quarter of nearest_m [m]',
        minimum=0,
    )
    views: int = setting(3, 'Views before an image, and as many after', minimum=1, maximum=8)
    max_gap: int = setting(30, 'Views further away than this are not used [frames]', minimum=1)
    patch: int = setting(
        5, 'Side of the patches that are compared [pixels]', minimum=3, maximum=31
    )
    max_cost: float = setting(
        0.5, 'Patches that differ more than this are not believed', minimum=0, maximum=1
    )
    min_lead: float = setting(0.04, 'By how much other depths must be worse', minimum=0, maximum=1)
    tolerance: float = setting(
        0.05, 'How far another view may say another depth, as a share', minimum=0, maximum=1
    )
    agreeing: int = setting(
        2, 'Views that must say the same depth, where there are so many', minimum=1, maximum=16
    )
    stereo: tuple[str, ...] = setting(
        (), 'Stereo pairs "LEFT RIGHT METRES", as for the training: they are compared, too'
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
        if self.furthest_m <= self.nearest_m:
            raise SettingError(
                f'furthest_m is {self.furthest_m} and nearest_m {self.nearest_m}: the furthest '
                'must be further'
            )
        if self.patch % 2 == 0:
            raise SettingError(f'patch is {self.patch}: it must be odd, to have a middle')

    @property
    def step_m(self) -> float:
        """Return how far the camera moved from view to view [m]."""
        return self.baseline_m or self.nearest_m / SWEEPING


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
