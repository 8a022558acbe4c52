"""The small depth network, encoder and decoder of five stages each ([0111]-[0117], fig. 11)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros import settings
from lsd_ros.errors import FrameError, SettingError
from lsd_ros.models.layers import PADDING_MODES, ConvNormAct, convolution
from lsd_ros.models.sparse_block import SparseBlock
from lsd_ros.models.uncertainty_head import UncertaintyHead
from lsd_ros.models.weighting import fusion
from lsd_ros.settings import setting

STAGES = 5
HEADS = 3
SIZE_MULTIPLE = 1 << STAGES


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
class DepthFeatures:
    """
    Every map that the small network makes, by stage index.

    :param encoder: X_enc^i, shape (B, C_enc^i, H / 2^(i+1), W / 2^(i+1))
    :param decoder: X_dec^i, shape (B, C_dec^i, H / 2^i, W / 2^i)
    :param disparities: X_disp^j in (0, 1), shape (B, 1, H / 2^j, W / 2^j)
    :param log_deviation: logarithm of the relative standard deviation of the depth that is read,
        of the shape of its disparity; None: the network has no such head
    """

    encoder: tuple[Tensor, ...]
    decoder: tuple[Tensor, ...]
    disparities: tuple[Tensor, ...]
    log_deviation: Tensor | None = None


class DecoderStage(nn.Module):
    """
    One decoder stage: F_spblock(F_up(F_ct(X))), fused with the encoder map where there is one.

    F_ct runs before F_up, at a quarter of the pixels.
    """

    def __init__(
        self, channels_in: int, channels_out: int, shape: SmallDepthSettings, *, skip: bool
    ) -> None:
        super().__init__()
        self.transform = ConvNormAct(
            channels_in, channels_out, shape.transform_kernel, padding=shape.padding
        )
        self.upsampling = shape.upsampling
        self.block = SparseBlock(
            channels_out,
            expansion=shape.expansion,
            group_size=shape.group_size,
            fusion_kind=shape.fusion,
            padding=shape.padding,
        )
        self.fuse = fusion(shape.fusion, shape.expansion, shape.padding) if skip else None

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """
        Double the resolution of a map.

        :param x: shape (B, channels_in, h, w)
        :param skip: X_enc^(i-1), shape (B, channels_out, 2 h, 2 w); None for stage 0
        :return: shape (B, channels_out, 2 h, 2 w)
        """
        align = None if self.upsampling == 'nearest' else False
        up = functional.interpolate(
            self.transform(x), scale_factor=2, mode=self.upsampling, align_corners=align
        )
        decoded: Tensor = self.block(up)
        if self.fuse is not None:
            decoded = self.fuse(decoded, skip)
        return decoded


class DisparityHead(nn.Module):
    """
    X_disp^j = sigmoid(conv k3 s1 (X_dec^j)) ([0116]).

    :param channels: C of the decoder map
    :param initial_bias: what the sigmoid starts from
    """

    def __init__(self, channels: int, *, initial_bias: float, padding: str = 'zeros') -> None:
        super().__init__()
        self.conv = convolution(channels, 1, 3, padding=padding, bias=True)
        if self.conv.bias is not None:
            nn.init.constant_(self.conv.bias, initial_bias)

    def forward(self, x: Tensor) -> Tensor:
        """
        Regress disparity.

        :param x: shape (B, C, h, w)
        :return: in (0, 1), shape (B, 1, h, w)
        """
        return self.conv(x).sigmoid()  # type: ignore[no-any-return]


class SmallDepthNet(nn.Module):
    """
    The student: about 2 M parameters, any image size that is a multiple of 32.

    :param shape: widths and options; the default is the shipped network
    """

    def __init__(self, shape: SmallDepthSettings | None = None) -> None:
        super().__init__()
        self.shape = shape or SmallDepthSettings()
        widths = self.shape.encoder_widths
        self.encoder = nn.ModuleList(
            self._encoder_stage(channels_in, channels_out)
            for channels_in, channels_out in zip((3, *widths), widths, strict=False)
        )
        inputs = (*self.shape.decoder_widths[1:], widths[-1])
        self.decoder = nn.ModuleList(
            DecoderStage(channels_in, channels_out, self.shape, skip=i > 0)
            for i, (channels_in, channels_out) in enumerate(
                zip(inputs, self.shape.decoder_widths, strict=True)
            )
        )
        self.heads = nn.ModuleList(
            DisparityHead(
                self.shape.decoder_widths[j],
                initial_bias=self.shape.head_bias,
                padding=self.shape.padding,
            )
            for j in range(HEADS)
        )
        self.uncertainty = (
            UncertaintyHead(self.shape.decoder_widths[self.shape.read_level], self.shape.padding)
            if self.shape.uncertainty
            else None
        )

    def _encoder_stage(self, channels_in: int, channels_out: int) -> nn.Module:
        shape = self.shape
        down = ConvNormAct(
            channels_in, channels_out, 3, stride=2, activation=False, padding=shape.padding
        )
        block = SparseBlock(
            channels_out,
            expansion=shape.expansion,
            group_size=shape.group_size,
            fusion_kind=shape.fusion,
            padding=shape.padding,
        )
        return nn.Sequential(down, block)

    def encode(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Run the encoder.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: X_enc^0 .. X_enc^4
        :raises FrameError: the shape does not fit
        """
        check_network_input(image)
        maps = []
        for stage in self.encoder:
            image = stage(image)
            maps.append(image)
        return tuple(maps)

    def decode(self, encoded: tuple[Tensor, ...], last: int = 0) -> tuple[Tensor, ...]:
        """
        Run the decoder from stage 4 to stage ``last``.

        :param encoded: X_enc^0 .. X_enc^4
        :return: X_dec^4 .. X_dec^last, in the order in which they are computed
        """
        x = encoded[-1]
        maps = []
        for i in range(STAGES - 1, last - 1, -1):
            x = self.decoder[i](x, encoded[i - 1] if i > 0 else None)
            maps.append(x)
        return tuple(maps)

    def features(self, image: Tensor) -> DepthFeatures:
        """
        Return every map, as the function approximation loss needs them ([0131]).

        :param image: normalised RGB, shape (B, 3, H, W)
        :raises FrameError: the shape does not fit
        """
        encoded = self.encode(image)
        decoded = self.decode(encoded)[::-1]
        disparities = tuple(head(x) for head, x in zip(self.heads, decoded, strict=False))
        deviation = None
        if self.uncertainty is not None:
            # cut off: what this head learns must not reach, and so never harm, the depth
            deviation = self.uncertainty(decoded[self.shape.read_level].detach())
        return DepthFeatures(encoded, decoded, disparities, deviation)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """
        Estimate disparity at full, half and quarter resolution.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: three maps in (0, 1), shapes (B, 1, H / 2^j, W / 2^j)
        :raises FrameError: the shape does not fit
        """
        return self.features(image).disparities

    def read_features(self, image: Tensor) -> DepthFeatures:
        """
        Return the maps that lead to what is read, and the heads from there on; nothing finer.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: ``decoder`` and ``disparities`` begin at 1 / 2^j, j = ``read_level``
        :raises FrameError: the shape does not fit
        """
        level = self.shape.read_level
        encoded = self.encode(image)
        decoded = self.decode(encoded, last=level)[::-1]
        heads = zip(self.heads[level:], decoded, strict=False)
        return DepthFeatures(encoded, decoded, tuple(head(x) for head, x in heads))

    def read(self, image: Tensor) -> Tensor:
        """
        Estimate what is read at inference; what that does not need is skipped.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: disparity in (0, 1) and, where there is a head for it, the relative standard
            deviation of its depth, shape (B, 1 or 2, H / 2^j, W / 2^j), j = ``read_level``
        :raises FrameError: the shape does not fit
        """
        level = self.shape.read_level
        decoded = self.decode(self.encode(image), last=level)[-1]
        disparity: Tensor = self.heads[level](decoded)
        if self.uncertainty is None:
            return disparity
        return torch.cat((disparity, self.uncertainty(decoded).exp()), dim=1)


def check_network_input(image: Tensor) -> None:
    """
    Check what a depth network is fed with.

    :param image: normalised RGB, shape (B, 3, H, W)
    :raises FrameError: the shape is another one, or a side no multiple of 32
    """
    if image.ndim != 4 or image.shape[1] != 3:
        raise FrameError(f'network input of shape {tuple(image.shape)} must be (B, 3, H, W)')
    height, width = image.shape[2:]
    if height % SIZE_MULTIPLE or width % SIZE_MULTIPLE:
        raise FrameError(
            f'network input of {width} x {height} must be a multiple of {SIZE_MULTIPLE} both ways'
        )
