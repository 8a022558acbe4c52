"""The large depth network: the teacher, with the scales of the small one ([0121])."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.models.encoder_weights import encoder_weights_file, read_encoder_weights
from lsd_ros.models.large_encoder import BlockGroup, block_group, encoder_layer
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.lite_encoder import GROUPS as LITE
from lsd_ros.models.lite_encoder import lite_stages, lite_widths
from lsd_ros.models.network_settings import PADDING_MODES, STAGES
from lsd_ros.models.refinement import HEAD_WIDTH, Refinement
from lsd_ros.models.small_depth_net import HEADS, DepthFeatures, DisparityHead, check_network_input
from lsd_ros.settings import setting

GROUPS = 6
V2 = 'efficientnet_v2_s'
INNER = 3  # the first of the two groups at 1/16; it may be left out
TOKEN_STRIDE = 16  # pixels of the image along one side of a patch


@dataclass(frozen=True)
class LargeDepthSettings:
    """The shape of the teacher; the defaults have the widths of the publication."""

    group_widths: tuple[int, ...] = setting(
        (24, 48, 64, 128, 160, 256),
        'Of efficientnet_v2_s: channels of its six groups of blocks, at 1/2, 1/4, 1/8, 1/16, '
        '1/16 and 1/32',
    )
    group_blocks: tuple[int, ...] = setting(
        (2, 4, 4, 6, 9, 15),
        'Of efficientnet_v2_s: blocks of each group; the fourth may have none. '
        '(1, 2, 2, 0, 4, 4) is a small teacher',
    )
    full_width: int = setting(
        24, 'Channels of decoder stage 0, at full resolution', minimum=1, maximum=4096
    )
    refinement: bool = setting(True, 'Whether the decoder stages end with a refinement module')
    token_width: int = setting(32, 'Width of the tokens', minimum=HEAD_WIDTH, maximum=1024)
    token_layers: int = setting(2, 'Transformer layers of a refinement', minimum=1, maximum=16)
    padding: str = setting(
        'zeros', 'What 3 x 3 kernels of the decoder see beyond the border', choices=PADDING_MODES
    )
    head_bias: float = setting(
        -2.5, 'Initial bias of the disparity heads: 0 starts far too near', minimum=-20, maximum=20
    )

    encoder: str = setting(
        V2,
        'Its encoder. The lite ones are a fifth as large, and encoder_weights has ImageNet for '
        'them',
        choices=(V2, *LITE),
    )

    def __post_init__(self) -> None:
        """Check every value, the widths and the blocks."""
        settings.check(self)
        for name in ('group_widths', 'group_blocks'):
            given = getattr(self, name)
            least = [0 if name == 'group_blocks' and i == INNER else 1 for i in range(GROUPS)]
            if len(given) != GROUPS or not all(
                isinstance(n, int) and n >= low for n, low in zip(given, least, strict=True)
            ):
                raise SettingError(
                    f'{name} is {given}: it must be {GROUPS} positive whole numbers'
                )
            if (
                self.encoder != V2
                and given != LargeDepthSettings.__dataclass_fields__[name].default
            ):
                raise SettingError(
                    f'{name} is {given}, but encoder is {self.encoder!r}, whose groups are fixed: '
                    f'leave {name} out, or choose {V2!r}'
                )
        if self.token_width % HEAD_WIDTH:
            raise SettingError(
                f'token_width is {self.token_width}: it must be a multiple of {HEAD_WIDTH}'
            )

    @property
    def encoder_widths(self) -> tuple[int, ...]:
        """Return C of Z_enc^i for i = 0 .. 4."""
        if self.encoder != V2:
            return lite_widths(self.encoder)
        return (*self.group_widths[:INNER], *self.group_widths[INNER + 1 :])

    @property
    def decoder_widths(self) -> tuple[int, ...]:
        """Return C of Z_dec^i for i = 0 .. 4: that of the encoder map of the same resolution."""
        return (self.full_width, *self.encoder_widths[:-1])


class LargeDecoderStage(nn.Module):
    """
    One decoder stage: up, joined with the encoder map where there is one, refined.

    :param level: i, the output is at 1 / 2^i of the image
    """

    def __init__(
        self, channels_in: int, channels_out: int, level: int, shape: LargeDepthSettings
    ) -> None:
        super().__init__()
        self.transform = ConvNormAct(channels_in, channels_out, 3, padding=shape.padding)
        joined = 2 * channels_out if level > 0 else channels_out
        self.join = ConvNormAct(joined, channels_out, 3, padding=shape.padding)
        self.refine = refinement(channels_out, level, shape) if shape.refinement else nn.Identity()

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """
        Double the resolution of a map.

        :param x: shape (B, channels_in, h, w)
        :param skip: shape (B, channels_out, 2 h, 2 w); None for stage 0
        :return: Z_dec^i, shape (B, channels_out, 2 h, 2 w)
        """
        up = functional.interpolate(
            self.transform(x), scale_factor=2, mode='bilinear', align_corners=False
        )
        joined = up if skip is None else torch.cat((up, skip), 1)
        refined: Tensor = self.refine(self.join(joined))
        return refined


class LargeDepthNet(nn.Module):
    """
    The teacher: any image size that is a multiple of 32.

    :param shape: widths and options
    """

    def __init__(self, shape: LargeDepthSettings | None = None) -> None:
        super().__init__()
        self.shape = shape or LargeDepthSettings()
        self.encoder = _encoder(self.shape)
        outputs = self.shape.decoder_widths
        inputs = (*outputs[1:], self.shape.encoder_widths[-1])
        self.decoder = nn.ModuleList(
            LargeDecoderStage(channels_in, channels_out, i, self.shape)
            for i, (channels_in, channels_out) in enumerate(zip(inputs, outputs, strict=True))
        )
        self.heads = nn.ModuleList(
            DisparityHead(
                outputs[j], initial_bias=self.shape.head_bias, padding=self.shape.padding
            )
            for j in range(HEADS)
        )

    def features(self, image: Tensor) -> DepthFeatures:
        """
        Return every map that the bridges and the losses ask for.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: Z_enc^i, Z_dec^i and Z_disp^j, in the resolutions of the small network
        :raises FrameError: the shape does not fit
        """
        check_network_input(image)
        encoded = []
        x = image
        for stage in self.encoder:
            x = stage(x)
            encoded.append(x)
        decoded = []
        for i in reversed(range(STAGES)):
            x = self.decoder[i](x, encoded[i - 1] if i > 0 else None)
            decoded.append(x)
        decoded.reverse()
        disparities = tuple(head(z) for head, z in zip(self.heads, decoded, strict=False))
        return DepthFeatures(tuple(encoded), tuple(decoded), disparities)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Estimate disparity at full, half and quarter resolution.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: three maps in (0, 1), shapes (B, 1, H / 2^j, W / 2^j)
        :raises FrameError: the shape does not fit
        """
        return self.features(image).disparities

    def load_encoder(self, wanted: str | Path) -> None:
        """
        Fill the encoder with weights that were trained before.

        :param wanted: ``imagenet``, or the path of a file; see
            :mod:`lsd_ros.models.encoder_weights`
        :raises WeightsError: there are none, they cannot be read, or a name or shape does not fit
        """
        path = encoder_weights_file(self.shape.encoder, str(wanted))
        state = read_encoder_weights(path, self.encoder.state_dict())
        self.encoder.load_state_dict(state, strict=True)


def refinement(channels: int, level: int, shape: LargeDepthSettings) -> Refinement:
    """
    Make the refinement of a map, whose patches are 16 pixels of the image wide where they can be.

    :param level: the map is at 1 / 2^level of the image
    """
    return Refinement(
        channels,
        patch=max(1, TOKEN_STRIDE >> level),
        token_width=shape.token_width,
        token_layers=shape.token_layers,
        padding=shape.padding,
    )


def _encoder(shape: LargeDepthSettings) -> nn.ModuleList:
    if shape.encoder != V2:
        return lite_stages(shape.encoder)
    widths, blocks = shape.group_widths, shape.group_blocks
    inner_stride = 1 if blocks[INNER] else 2
    groups = (
        BlockGroup(widths[0], blocks[0], 1, 1, True),
        BlockGroup(widths[1], blocks[1], 2, 4, True),
        BlockGroup(widths[2], blocks[2], 2, 4, True),
        BlockGroup(widths[3], blocks[3], 2, 4, False),
        BlockGroup(widths[4], blocks[4], inner_stride, 6, False),
        BlockGroup(widths[5], blocks[5], 2, 6, False),
    )
    stages: list[list[nn.Module]] = [[encoder_layer(3, widths[0], 3, 2)], [], [], [], []]
    channels = widths[0]
    for group, stage in zip(groups, (0, 1, 2, 3, 3, 4), strict=True):
        if group.blocks:
            stages[stage] += block_group(channels, group)
            channels = group.width
    return nn.ModuleList(nn.Sequential(*stage) for stage in stages)
