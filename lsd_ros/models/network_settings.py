"""
The shapes of the networks that a robot runs, and what they take.

Nothing here needs torch: a robot that runs compiled networks need not have it.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.settings import setting

STAGES = 5
SIZE_MULTIPLE = 1 << STAGES
FRAMES = 3
MOTIONS = 2
PADDING_MODES = ('zeros', 'replicate', 'reflect')


@dataclass(frozen=True)
class SmallDepthSettings:
    """The shape of the small depth network; the defaults have 1.86 M parameters."""

    encoder_widths: tuple[int, ...] = setting(
        (16, 32, 64, 160, 320), 'Channels of the five encoder stages, at 1/2 to 1/32 of the image'
    )
    full_width: int = setting(
        8, 'Channels of decoder stage 0, at full resolution', minimum=1, maximum=4096
    )
    expansion: int = setting(2, 'Expansion ratio r ([0093])', minimum=1, maximum=16)
    group_size: int = setting(
        1, 'Channels that the 3 x 3 pair codes together; 1: each alone', minimum=1, maximum=4096
    )
    fusion: str = setting(
        'weighted',
        'How two paths are fused: as in the patent, or added',
        choices=('weighted', 'sum'),
    )
    transform_kernel: int = setting(3, 'Kernel of the channel transform F_ct', choices=(1, 3))
    upsampling: str = setting('nearest', 'How F_up doubles a map', choices=('nearest', 'bilinear'))
    padding: str = setting(
        'zeros', 'What 3 x 3 kernels see beyond the border', choices=PADDING_MODES
    )
    head_bias: float = setting(
        -2.5, 'Initial bias of the disparity heads: 0 starts far too near', minimum=-20, maximum=20
    )
    read_level: int = setting(
        1,
        'Head that is read at inference: 0 full, 1 half, 2 quarter resolution',
        choices=(0, 1, 2),
    )
    uncertainty: bool = setting(
        False, 'Whether a head beside the one that is read says how far depth may be off'
    )

    def __post_init__(self) -> None:
        """Check every value and the widths."""
        settings.check(self)
        widths = self.encoder_widths
        if len(widths) != STAGES or not all(isinstance(w, int) and w > 0 for w in widths):
            raise SettingError(
                f'encoder_widths is {widths}: it must be {STAGES} positive whole numbers'
            )

    @property
    def decoder_widths(self) -> tuple[int, ...]:
        """Return C_dec^i for i = 0 .. 4: that of the encoder map of the same resolution."""
        return (self.full_width, *self.encoder_widths[:-1])


@dataclass(frozen=True)
class PoseSettings:
    """The shape of the pose network; the defaults have 0.8 M parameters."""

    widths: tuple[int, ...] = setting(
        (16, 32, 64, 128, 192, 256),
        'Channels of the stages, each at half the size of the one before',
    )
    output_scale: float = setting(
        0.01,
        'Factor on the motion, so that an untrained network starts near rest',
        minimum=1e-6,
        maximum=1,
    )
    focal_px: float = setting(
        0.0,
        'Focal length at network size of the camera that every image is made to look as taken by, '
        'with its principal point in the middle; 0: images as they are [pixels]',
        minimum=0,
        maximum=1e5,
    )

    def __post_init__(self) -> None:
        """Check every value and the widths."""
        settings.check(self)
        if not self.widths or not all(isinstance(w, int) and w > 0 for w in self.widths):
            raise SettingError(f'widths is {self.widths}: it must be positive whole numbers')
