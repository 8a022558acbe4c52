"""What becomes of a bag on its way to training sequences."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.settings import setting

NONE = 'none'


@dataclass(frozen=True)
class ExtractionSettings:
    """Which frames of a bag are kept, and how they are written."""

    image_topic: str = setting('', 'Images to extract; empty: those of the main camera')
    camera_info_topic: str = setting('', 'Camera info; empty: the one that belongs to the images')
    calibration: str = setting('', 'ROS calibration file (.yaml), used instead of camera info')
    distortion: str = setting(
        'auto',
        'Where a camera has lens distortion: undistort the images, or take them as rectified '
        'already; auto: rectified where the name of the topic says so (image_rect)',
        choices=('auto', 'undistort', 'rectified'),
    )
    max_width: int = setting(
        0, 'Wider images are made as wide as this; 0: none', minimum=0, maximum=16384
    )
    image_format: str = setting('jpg', 'Format of the image files', choices=('jpg', 'png'))
    jpeg_quality: int = setting(95, 'Quality of JPEG files', minimum=1, maximum=100)
    colour: str = setting(
        'keep', 'Write the images as they are, or in grey', choices=('keep', 'grey')
    )
    rate_hz: float = setting(
        0.0, 'Keep at most this many frames per second; 0: all', minimum=0, maximum=1000
    )
    max_gap_s: float = setting(
        1.0,
        'Frames further apart than this go to different sequences [s]',
        minimum=1e-3,
        maximum=3600,
    )
    min_frames: int = setting(
        10, 'Shorter sequences are dropped [frames]', minimum=3, maximum=10**6
    )
    still_by: str = setting(
        'auto',
        'How standing still is noticed; auto: by poses where the bag has them, else by images',
        choices=('auto', 'images', 'poses', NONE),
    )
    min_difference: float = setting(
        1.0,
        'By images: drop frames that differ less than this from the last one kept [grey levels]',
        minimum=0,
        maximum=255,
    )
    min_translation_m: float = setting(
        0.003,
        'By poses: drop frames that moved less than this from the last one kept [m] ...',
        minimum=0,
        maximum=100,
    )
    min_rotation_deg: float = setting(
        0.2, '... and turned less than this [deg]', minimum=0, maximum=180
    )
    pose_topic: str = setting(
        '',
        'Odometry, PoseStamped, TransformStamped or /tf that becomes poses.tum; empty: what the '
        "bag has; 'none': no poses",
    )
    pose_frame: str = setting(
        '',
        "Frame whose poses they are, 'optical' for the camera itself, or 'base' for a robot that "
        'the camera looks ahead from; empty: what the messages say',
    )
    world_frame: str = setting('', 'Fixed frame of /tf; empty: odom, map or world')
    max_pose_gap_s: float = setting(
        0.5,
        'Poses are interpolated between neighbours that are at most this far apart [s]',
        minimum=1e-3,
        maximum=60,
    )
    depth_topic: str = setting(
        '',
        'Depth of the same camera and size that becomes depth/; empty: what fits; '
        "'none': no depth",
    )
    max_depth_offset_s: float = setting(
        0.02, 'Depth belongs to an image if it is at most this far off [s]', minimum=0, maximum=1
    )
    depth_unit_m: float = setting(
        0.001, 'Metres per value of the depth files', minimum=1e-6, maximum=1
    )
    origin: str = setting('', 'Where the data come from, for the manifest')
    licence: str = setting('', 'Under which licence the data are, for the manifest')

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
