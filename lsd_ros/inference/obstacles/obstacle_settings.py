"""What of the depth becomes obstacles, and how."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.settings import setting

FINEST_DEG = 0.01
EVERY_HEIGHT = (-1e3, 1e3)  # a height band that crops nothing [m]


@dataclass(frozen=True)
class PointsSettings:
    """How depth becomes a point cloud."""

    decimation: int = setting(
        1, 'Keep one point of every N x N pixels, the nearest one', minimum=1, maximum=64
    )
    rgb: bool = setting(True, 'Give every point the colour of its pixel')
    organised: bool = setting(
        False,
        'Keep the image grid, invalid points as NaN; false: only the valid points, as a list',
    )
    edge_width: int = setting(
        3,
        'Drop the points that a depth edge strews between what is before and what is behind it, '
        'where its blur is about this wide or less [pixels]; 0: keep them; the scan drops them, '
        'too',
        minimum=0,
        maximum=16,
    )
    edge_step: float = setting(
        0.15,
        'Smallest step of depth that counts as such an edge, as a share of the depth',
        minimum=1e-3,
        maximum=10,
    )
    max_uncertainty: float = setting(
        0.0,
        'Drop points whose standard deviation is a larger share of their depth than this, where '
        'the weights know it; 0: keep them; the scan does the same',
        minimum=0,
        maximum=10,
    )
    min_range_m: float = setting(
        0.0, 'Drop points nearer than this to the camera [m]', minimum=0, maximum=1e4
    )
    max_range_m: float = setting(
        80.0, 'Drop points farther than this from the camera [m]', minimum=0.01, maximum=1e4
    )
    min_height_m: float = setting(
        EVERY_HEIGHT[0],
        'Drop points lower than this in the base frame [m]',
        minimum=-1e3,
        maximum=1e3,
    )
    max_height_m: float = setting(
        EVERY_HEIGHT[1],
        'Drop points higher than this in the base frame [m]',
        minimum=-1e3,
        maximum=1e3,
    )

    def __post_init__(self) -> None:
        """Check every value, the range and the height band."""
        settings.check(self)
        _check_order('points', 'range', self.min_range_m, self.max_range_m)
        _check_order('points', 'height', self.min_height_m, self.max_height_m)


@dataclass(frozen=True)
class ScanSettings:
    """How depth becomes a laser scan in the base frame."""

    min_height_m: float = setting(
        0.1,
        'What is lower than this above the ground is no obstacle [m]; the ground is where z of '
        'the base frame is 0',
        minimum=-1e3,
        maximum=1e3,
    )
    max_height_m: float = setting(
        2.0, 'What is higher than this is no obstacle [m]', minimum=-1e3, maximum=1e3
    )
    min_range_m: float = setting(
        0.1, 'Nearer obstacles than this to the base are -Inf [m]', minimum=0, maximum=1e4
    )
    max_range_m: float = setting(
        20.0,
        'End of the range [m]; it ends earlier at max_depth_m, and where the camera sees nothing '
        'but ground',
        minimum=0.01,
        maximum=1e4,
    )
    angle_increment_deg: float = setting(
        0.0,
        'Angle between two bearings [deg]; 0: that of two pixels in the middle of the image',
        minimum=0,
        maximum=90,
    )
    ground_slope_deg: float = setting(
        1.0,
        'How much the ground may rise with the distance from the camera, or the mount be tilted '
        'wrongly, before the ground becomes an obstacle [deg]',
        minimum=0,
        maximum=45,
    )
    ground_depth_error: float = setting(
        0.1,
        'How much too short the depth of the ground may be before it becomes an obstacle, as a '
        'share of the depth',
        minimum=0,
        maximum=0.9,
    )

    def __post_init__(self) -> None:
        """Check every value, the range and the height band."""
        settings.check(self)
        _check_order('scan', 'range', self.min_range_m, self.max_range_m)
        _check_order('scan', 'height', self.min_height_m, self.max_height_m)
        if 0 < self.angle_increment_deg < FINEST_DEG:
            raise SettingError(
                f'scan.angle_increment_deg is {self.angle_increment_deg}: it must be 0 (that of '
                f'the pixels) or at least {FINEST_DEG}'
            )


@dataclass(frozen=True)
class DropOffSettings:
    """When missing floor is an obstacle."""

    min_depth_m: float = setting(
        0.0,
        'Floor that is missing, so that something at least so far below it is seen, is an '
        'obstacle in scan and cloud [m]; 0: never. The floor is where z of the base frame is 0',
        minimum=0,
        maximum=100,
    )
    max_range_m: float = setting(
        4.0,
        'Missing floor is looked for up to this far from the base [m]',
        minimum=0.1,
        maximum=1e3,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


def _check_order(part: str, what: str, minimum: float, maximum: float) -> None:
    if minimum >= maximum:
        raise SettingError(
            f'{part}.min_{what}_m is {minimum} and {part}.max_{what}_m is {maximum}: '
            'the minimum must be below the maximum'
        )
