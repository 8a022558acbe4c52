"""
Bridges: the teacher's maps squeezed to the student's widths, and back ([0125]-[0128], fig. 12).

A bridge sits on each of the ten maps. What comes out of it takes the place of the map wherever the
teacher reads it: in the next stage, in the decoder stage that the map is handed over to, and in
the disparity head. So nothing gets past the hidden maps, they must carry what the teacher knows,
and they are what the student imitates.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.models.large_depth_net import LargeDepthNet, LargeDepthSettings, refinement
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.network_settings import STAGES, SmallDepthSettings
from lsd_ros.models.small_depth_net import DepthFeatures, check_network_input
from lsd_ros.settings import setting


@dataclass(frozen=True)
class BridgedTeacherSettings:
    """The teacher, and the widths of the student that it is to teach."""

    teacher: LargeDepthSettings = dataclasses.field(default_factory=LargeDepthSettings)
    hidden_encoder_widths: tuple[int, ...] = setting(
        SmallDepthSettings().encoder_widths, 'encoder_widths of the student'
    )
    hidden_full_width: int = setting(
        SmallDepthSettings().full_width, 'full_width of the student', minimum=1, maximum=4096
    )

    def __post_init__(self) -> None:
        """Check the widths."""
        settings.check(self)
        widths = self.hidden_encoder_widths
        if len(widths) != STAGES or not all(isinstance(w, int) and w > 0 for w in widths):
            raise SettingError(
                f'hidden_encoder_widths is {widths}: it must be {STAGES} positive whole numbers'
            )

    @classmethod
    def for_student(
        cls, student: SmallDepthSettings, teacher: LargeDepthSettings
    ) -> BridgedTeacherSettings:
        """Take the hidden widths from the student."""
        return cls(teacher, student.encoder_widths, student.full_width)

    @property
    def hidden_decoder_widths(self) -> tuple[int, ...]:
        """Return C of the hidden decoder maps for i = 0 .. 4."""
        return (self.hidden_full_width, *self.hidden_encoder_widths[:-1])

    def check_student(self, student: SmallDepthSettings) -> None:
        """
        Check that a student's maps have the widths of the hidden maps.

        :raises SettingError: they have not, so that eq. 18 could not compare them
        """
        for part in ('encoder', 'decoder'):
            hidden = getattr(self, f'hidden_{part}_widths')
            wanted = getattr(student, f'{part}_widths')
            if hidden != wanted:
                raise SettingError(
                    f'{part} widths {wanted} of the student do not fit the bridges of the '
                    f'teacher, which are {hidden}: choose the same widths for both, or train a '
                    'teacher for this student'
                )


class Bridge(nn.Module):
    """
    F_bridge_squ and F_bridge_exp ([0128]).

    :param channels: C_z of the teacher's map
    :param hidden: C_small of the student's map
    :param level: the map is at 1 / 2^level of the image
    """

    def __init__(self, channels: int, hidden: int, level: int, shape: LargeDepthSettings) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(
            ConvNormAct(channels, hidden, 3, padding=shape.padding),
            refinement(hidden, level, shape),
        )
        self.expand = ConvNormAct(hidden, channels, 3, padding=shape.padding)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """
        Squeeze a map, and restore it.

        :param x: Z, shape (B, channels, H, W)
        :return: the hidden map, shape (B, hidden, H, W); and Y, shape (B, channels, H, W)
        """
        squeezed = self.squeeze(x)
        return squeezed, self.expand(squeezed)


class BridgedTeacher(nn.Module):
    """
    The teacher with its ten bridges.

    :param shape: the teacher's shape, and the student's widths
    """

    def __init__(self, shape: BridgedTeacherSettings | None = None) -> None:
        super().__init__()
        self.shape = shape or BridgedTeacherSettings()
        teacher = self.shape.teacher
        self.teacher = LargeDepthNet(teacher)
        self.encoder_bridges = nn.ModuleList(
            Bridge(channels, hidden, i + 1, teacher)
            for i, (channels, hidden) in enumerate(
                zip(teacher.encoder_widths, self.shape.hidden_encoder_widths, strict=True)
            )
        )
        self.decoder_bridges = nn.ModuleList(
            Bridge(channels, hidden, i, teacher)
            for i, (channels, hidden) in enumerate(
                zip(teacher.decoder_widths, self.shape.hidden_decoder_widths, strict=True)
            )
        )
        self.frozen = False

    def features(self, image: Tensor) -> DepthFeatures:
        """
        Return what the student imitates.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: the hidden maps and the teacher's disparities, each of the shape of the map of the
            student that eq. 18 compares it with
        :raises FrameError: the shape does not fit
        """
        check_network_input(image)
        x, hidden_encoder, encoded = image, [], []
        for stage, bridge in zip(self.teacher.encoder, self.encoder_bridges, strict=True):
            hidden, x = bridge(stage(x))
            hidden_encoder.append(hidden)
            encoded.append(x)
        hidden_decoder, decoded = [], []
        for i in reversed(range(STAGES)):
            skip = encoded[i - 1] if i > 0 else None
            hidden, x = self.decoder_bridges[i](self.teacher.decoder[i](x, skip))
            hidden_decoder.append(hidden)
            decoded.append(x)
        heads = zip(self.teacher.heads, reversed(decoded), strict=False)
        return DepthFeatures(
            tuple(hidden_encoder),
            tuple(reversed(hidden_decoder)),
            tuple(head(y) for head, y in heads),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Estimate disparity at full, half and quarter resolution.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: three maps in (0, 1), shapes (B, 1, H / 2^j, W / 2^j)
        :raises FrameError: the shape does not fit
        """
        return self.features(image).disparities

    def freeze(self) -> None:
        """Stop learning for good ([0121]): no gradients, and evaluation mode whatever comes."""
        self.frozen = True
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> BridgedTeacher:
        """Change the mode, unless the network is frozen."""
        super().train(mode and not self.frozen)
        return self

    @torch.no_grad()
    def taught(self, image: Tensor) -> DepthFeatures:
        """
        Return :meth:`features` without a way back for gradients.

        :param image: normalised RGB, shape (B, 3, H, W)
        :raises FrameError: the shape does not fit
        """
        return self.features(image)
