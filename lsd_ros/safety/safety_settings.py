"""The limits beyond which the node counts itself as blind."""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.settings import setting


@dataclass(frozen=True)
class SafetySettings:
    """When obstacles are no longer reported, and when they are again."""

    image_timeout_s: float = setting(
        1.0, 'Without an image for longer the node is blind [s]', minimum=0.05, maximum=60
    )
    frozen_frames: int = setting(
        3,
        'So many images in a row that repeat the one before, bit by bit, are a frozen camera, '
        'and not even the first of them is worked on; 0: images may stand still, as in a '
        'simulator',
        minimum=0,
        maximum=1000,
    )
    dark_level: float = setting(
        20.0,
        'An image is dark where 95 % of its pixels are darker than this grey level; 0: never',
        minimum=0,
        maximum=255,
    )
    saturated_share: float = setting(
        0.6,
        'An image is saturated where a greater share of its pixels is white; 1: never',
        minimum=0,
        maximum=1,
    )
    min_sharpness: float = setting(
        0.28,
        'An image is blurred where its strongest edges rise by a smaller share of their height '
        'from one pixel of the network input to the next; 0: never',
        minimum=0,
        maximum=1,
    )
    max_jump_s: float = setting(
        1.0,
        'Stamps that run ahead of the arrival of the images by more than this, compared with the '
        'images before, are a jump [s]; 0: never',
        minimum=0,
        maximum=3600,
    )
    max_age_s: float = setting(
        1.0,
        'An image whose stamp is farther than this from the clock of the node, in the past or in '
        'the future, is not to be trusted [s]; 0: never. More than an hour in the past '
        'the stamps are taken for those of another clock, and not judged',
        minimum=0,
        maximum=3600,
    )
    max_latency_s: float = setting(
        0.5,
        'A result that is later than this after the arrival of its image is withheld; three in a '
        'row make the node blind [s]',
        minimum=1e-3,
        maximum=60,
    )
    max_pitch_deg: float = setting(
        45.0,
        'A mount by which the camera looks farther up or down than this cannot be right, as where '
        'the frame of the images is a body frame [deg]; 90: the camera really looks up or down',
        minimum=0,
        maximum=90,
    )
    max_ground_tilt_deg: float = setting(
        20.0,
        'The mount is wrong where the ground in the images is tilted by more than this against '
        'it, several times in a row [deg]; 0: never',
        minimum=0,
        maximum=180,
    )
    max_height_ratio: float = setting(
        2.0,
        'Mount or scale are wrong where the ground in the images is so many times as far below '
        'the camera as the mount says, or as near, several times in a row; 0: never',
        minimum=0,
        maximum=100,
    )
    body_frame_names: bool = setting(
        False,
        'Believe mount.* also for a frame that is called like a body frame (link, without '
        'optical), because it is an optical one all the same',
    )
    allow_duplicates: bool = setting(
        False,
        'Report obstacles also while another node of the same name publishes the same topics',
    )
    recovery_frames: int = setting(
        3,
        'So many good images in a row end the blindness; the last of them is reported again',
        minimum=1,
        maximum=1000,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
