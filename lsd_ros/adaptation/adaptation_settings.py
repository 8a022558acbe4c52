"""What an adaptation can be told; the defaults need none of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from lsd_ros import settings
from lsd_ros.settings import setting
from lsd_ros.triangulation.triangulation_settings import StructureSettings


@dataclass(frozen=True)
class AdaptationSettings:
    """How a recording becomes weights."""

    minutes: float = setting(
        60.0, 'Time for all of it [min]; what geometry leaves is trained', minimum=0.1, maximum=1e5
    )
    held_out: float = setting(
        0.25,
        'Last share of each part, which is measured and not learned',
        minimum=0.1,
        maximum=0.5,
    )
    max_images: int = setting(
        1500,
        'Most images that are used; of a longer recording, stretches that are spread over it',
        minimum=30,
        maximum=10**6,
    )
    stretch: int = setting(
        300, 'Images in a row of a recording that is too long', minimum=30, maximum=10**6
    )
    camera_height_m: float = setting(
        0.0,
        'Height of the camera above the ground, where the recording has no odometry; 0: not known',
        minimum=0,
        maximum=100,
    )
    parallax_px: float = setting(
        3.0,
        'How far what is in the middle distance moves between two views that are compared, at 416 '
        'pixels width [pixels]',
        minimum=0.5,
        maximum=50,
    )
    learn_from: str = setting(
        'geometry',
        'Depth and motions that geometry finds, or the images alone by the whole method: motions '
        'first while depth stays, then both; what was held out is measured by geometry either way',
        choices=('geometry', 'images'),
    )
    depth_rate: float = setting(
        0.2,
        'Learning rate of depth, as a share of that of motions, where images alone are learned '
        'from',
        minimum=1e-6,
        maximum=1,
    )
    anchor: float = setting(
        0.05,
        'Weight of what holds depth to the start weights, where images alone are learned from',
        minimum=0,
        maximum=1e3,
    )
    replay: float = setting(
        0.2,
        'Share of synthetic places in the training, so that these are not forgotten; 0: none',
        minimum=0,
        maximum=0.9,
    )
    learning_rate: float = setting(
        1e-3, 'Of the depth network and of the pose network', minimum=1e-7, maximum=1
    )
    pose_share: float = setting(
        0.25, 'Share of the training that is for the pose network', minimum=0, maximum=0.9
    )
    batch_size: int = setting(4, 'Images of one step', minimum=1, maximum=1024)
    better_by: float = setting(
        0.02,
        'Least relative gain on what was held out that makes new weights worth having',
        minimum=0,
        maximum=1,
    )
    threads: int = setting(
        0, 'CPU threads of the training; 0: one per core', minimum=0, maximum=1024
    )
    seed: int = setting(0, 'Of everything random', minimum=0, maximum=2**31 - 1)
    motions: StructureSettings = field(default_factory=StructureSettings)

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
