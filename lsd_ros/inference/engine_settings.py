"""The settings of the engine and of its parts; the node's parameters are declared from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.inference.backends.registry import BACKENDS, CPU_BACKENDS, CUDA_BACKENDS
from lsd_ros.inference.mask_settings import MaskSettings
from lsd_ros.inference.obstacles.obstacle_settings import (
    DropOffSettings,
    PointsSettings,
    ScanSettings,
)
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.inference.temporal_settings import TemporalSettings
from lsd_ros.settings import setting


@dataclass(frozen=True)
class MountSettings:
    """Where the camera sits on the robot; used where no transform says it."""

    x_m: float = setting(
        0.0, 'Camera position in the base frame, forward [m]', minimum=-100, maximum=100
    )
    y_m: float = setting(
        0.0, 'Camera position in the base frame, left [m]', minimum=-100, maximum=100
    )
    z_m: float = setting(
        0.0, 'Camera position in the base frame, up [m]', minimum=-100, maximum=100
    )
    roll_deg: float = setting(
        0.0, 'Camera rotation about its forward axis [deg]', minimum=-180, maximum=180
    )
    pitch_deg: float = setting(
        0.0,
        'Camera rotation about its left axis, positive looks down [deg]',
        minimum=-180,
        maximum=180,
    )
    yaw_deg: float = setting(
        0.0,
        'Camera rotation about its up axis, positive looks left [deg]',
        minimum=-180,
        maximum=180,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class EngineSettings:
    """Everything the engine can be told."""

    weights: str = setting(
        '',
        'Weights file (.safetensors), or the name of weights that come with the package; empty: '
        'street',
    )
    device: str = setting(
        'auto',
        'Where the network runs; auto: on CUDA where there is such a device, else on the CPU',
        choices=('auto', 'cpu', 'cuda'),
    )
    backend: str = setting(
        'auto',
        'What runs the network; auto: the fastest on this machine that gives the right depth, '
        'measured once',
        choices=('auto', *dict.fromkeys(entry.name for entry in BACKENDS)),
    )
    precision: str = setting(
        'auto',
        'Numbers that the network computes with; auto: half on CUDA; on the CPU the faster one, '
        'if half is measured to give the right depth',
        choices=('auto', 'full', 'half'),
    )
    threads: int = setting(
        1,
        'CPU threads of the network; a second one saves some milliseconds and costs a fifth of a '
        'core',
        minimum=1,
        maximum=256,
    )
    distortion: str = setting(
        'refuse',
        'Where camera info has lens distortion: refuse the image, undistort it, or take it as '
        'rectified already',
        choices=('refuse', 'undistort', 'rectified'),
    )
    depth_size: str = setting(
        'network',
        'Size of the depth image: that of the network (fast), or that of the camera image',
        choices=('network', 'camera'),
    )
    depth_encoding: str = setting(
        '32FC1',
        'What depth images hold: metres as 32FC1, or millimetres as 16UC1, where 0 is everything '
        'that is no depth',
        choices=('32FC1', '16UC1'),
    )
    min_depth_m: float = setting(0.1, 'Nearer than this is -Inf [m]', minimum=1e-3, maximum=1e4)
    max_depth_m: float = setting(80.0, 'Farther than this is +Inf [m]', minimum=1e-3, maximum=1e4)
    scale: ScaleSettings = field(default_factory=ScaleSettings)
    mount: MountSettings = field(default_factory=MountSettings)
    mask: MaskSettings = field(default_factory=MaskSettings)
    points: PointsSettings = field(default_factory=PointsSettings)
    scan: ScanSettings = field(default_factory=ScanSettings)
    drop_off: DropOffSettings = field(default_factory=DropOffSettings)
    temporal: TemporalSettings = field(default_factory=TemporalSettings)
    odometry: OdometrySettings = field(default_factory=OdometrySettings)

    def __post_init__(self) -> None:
        """Check every value, and the depth range."""
        settings.check(self)
        if self.min_depth_m >= self.max_depth_m:
            raise SettingError(
                f'min_depth_m is {self.min_depth_m} and max_depth_m is {self.max_depth_m}: '
                'the minimum must be below the maximum'
            )
        for part, farthest in (('points', self.points), ('scan', self.scan)):
            if farthest.max_range_m <= self.min_depth_m:
                raise SettingError(
                    f'{part}.max_range_m is {farthest.max_range_m} and min_depth_m is '
                    f'{self.min_depth_m}: the range must go beyond the least depth'
                )
        if self.scan.min_range_m >= self.max_depth_m:
            raise SettingError(
                f'scan.min_range_m is {self.scan.min_range_m} and max_depth_m is '
                f'{self.max_depth_m}: depth must go beyond the least range'
            )
        if self.device == 'cuda' and self.backend not in ('auto', *CUDA_BACKENDS):
            raise SettingError(
                f"backend is {self.backend!r} and device is 'cuda': it runs on the cpu only"
            )
        if self.device == 'cpu' and self.backend not in ('auto', *CPU_BACKENDS):
            raise SettingError(
                f"backend is {self.backend!r} and device is 'cpu': it runs on cuda only"
            )
