"""
The networks of the yardstick, written afresh from Godard et al. 2019 (Monodepth2).

ResNet-18 (He et al. 2016) with the decoder of the appendix of the paper, and a pose network that
looks at two frames at a time. Nothing is pretrained.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros import settings
from lsd_ros.geometry.pose import rotation_from_axis_angle
from lsd_ros.models.network_settings import MOTIONS
from lsd_ros.models.small_depth_net import DepthFeatures, check_network_input
from lsd_ros.settings import setting

STEM = 64
STAGES = (64, 128, 256, 512)  # channels at 1/4 to 1/32 of the image
DECODER = (16, 32, 64, 128, 256)  # channels at 1/1 to 1/16
SCALES = 4
POSE_WIDTH = 256


@dataclass(frozen=True)
class DepthShape:
    """What the paper leaves open."""

    head_bias: float = setting(
        -2.5,
        'Initial bias of the disparity heads, the same help that the student has',
        minimum=-20,
        maximum=20,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and the way around them (He et al. 2016)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.around: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.around = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the block.

        :param x: shape (B, channels_in, H, W)
        :return: shape (B, channels_out, H / stride, W / stride)
        """
        y = functional.relu_(self.norm1(self.conv1(x)))
        return functional.relu_(self.norm2(self.conv2(y)) + self.around(x))


class ResNet18(nn.Module):
    """
    The trunk of ResNet-18.

    :param channels_in: C of the input: 3 for one image, 6 for two
    """

    def __init__(self, channels_in: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels_in, STEM, 7, 2, 3, bias=False),
            nn.BatchNorm2d(STEM),
            nn.ReLU(inplace=True),
        )
        self.pool = nn.MaxPool2d(3, 2, 1)
        inputs = (STEM, *STAGES)
        self.stages = nn.ModuleList(
            nn.Sequential(BasicBlock(before, width, 1 + (i > 0)), BasicBlock(width, width, 1))
            for i, (before, width) in enumerate(zip(inputs, STAGES, strict=False))
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """
        Return the maps of all stages.

        :param x: normalised, shape (B, channels_in, H, W)
        :return: shape (B, C, H / 2^(i+1), W / 2^(i+1)), i = 0 .. 4
        """
        maps = [self.stem(x)]
        x = self.pool(maps[0])
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


class DecoderStage(nn.Module):
    """Convolve, double the size, append the encoder's map, convolve."""

    def __init__(self, channels_in: int, skipped: int, channels_out: int) -> None:
        super().__init__()
        self.before = _reflecting(channels_in, channels_out)
        self.after = _reflecting(channels_out + skipped, channels_out)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """
        Double the resolution of a map.

        :param x: shape (B, channels_in, h, w)
        :param skip: shape (B, skipped, 2 h, 2 w); None at full resolution
        :return: shape (B, channels_out, 2 h, 2 w)
        """
        x = functional.interpolate(functional.elu_(self.before(x)), scale_factor=2)
        x = x if skip is None else torch.cat((x, skip), dim=1)
        return functional.elu_(self.after(x))


class YardstickDepth(nn.Module):
    """
    Disparity at four scales: 14.3 M parameters.

    :param shape: what the paper leaves open
    """

    def __init__(self, shape: DepthShape | None = None) -> None:
        super().__init__()
        self.shape = shape or DepthShape()
        self.encoder = ResNet18()
        self.decoder = nn.ModuleList(
            DecoderStage(channels_in, skipped, width)
            for channels_in, skipped, width in zip(
                (*DECODER[1:], STAGES[-1]), (0, STEM, *STAGES), DECODER, strict=False
            )
        )
        self.heads = nn.ModuleList(
            _reflecting(width, 1, self.shape.head_bias) for width in DECODER[:SCALES]
        )

    def features(self, image: Tensor) -> DepthFeatures:
        """
        Return every map, as the training asks for them.

        :param image: normalised RGB, shape (B, 3, H, W)
        :raises FrameError: the shape does not fit
        """
        check_network_input(image)
        encoded = self.encoder(image)
        decoded = self._decode(encoded)
        disparities = (head(x).sigmoid() for head, x in zip(self.heads, decoded, strict=False))
        return DepthFeatures(encoded, decoded, tuple(disparities))

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """
        Estimate what is read at inference: disparity at full resolution.

        :param image: normalised RGB, shape (B, 3, H, W)
        :return: one map in (0, 1), shape (B, 1, H, W)
        :raises FrameError: the shape does not fit
        """
        check_network_input(image)
        return (self.heads[0](self._decode(self.encoder(image))[0]).sigmoid(),)

    def _decode(self, encoded: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the maps of the decoder, finest first."""
        maps = [encoded[-1]]
        for i in reversed(range(len(DECODER))):
            maps.insert(0, self.decoder[i](maps[0], encoded[i - 1] if i else None))
        return tuple(maps[:-1])


class YardstickPose(nn.Module):
    """
    Motion from pairs of frames, which always come in the order of time: 12.5 M parameters.

    :param output_scale: factor on the motion, 0.01 in the paper
    """

    def __init__(self, output_scale: float = 0.01) -> None:
        super().__init__()
        self.output_scale = output_scale
        self.encoder = ResNet18(2 * 3)
        self.decoder = nn.Sequential(
            nn.Conv2d(STAGES[-1], POSE_WIDTH, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(POSE_WIDTH, POSE_WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(POSE_WIDTH, POSE_WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(POSE_WIDTH, 6, 1),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """
        Estimate both motions; see :class:`lsd_ros.models.pose_net.PoseNet`.

        :param frames: three normalised RGB images in the order of time, shape (B, 9, H, W)
        :return: before_from_target and after_from_target, shape (B, 2, 6): translation in units of
            network depth, then axis-angle [rad]
        """
        earlier, later = frames[:, : 2 * 3], frames[:, 3:]
        pairs = torch.cat((earlier, later)).contiguous(memory_format=torch.channels_last)
        vectors = self.output_scale * self.decoder(self.encoder(pairs)[-1]).mean(dim=(2, 3))
        target_from_before, after_from_target = vectors.float().chunk(MOTIONS)
        return torch.stack((_inverted(target_from_before), after_from_target), dim=1)


def _inverted(vector: Tensor) -> Tensor:
    """Return the vector of the motion back: (-R^T t, -r), shape (B, 6)."""
    back = rotation_from_axis_angle(-vector[:, 3:])
    translation = (back * vector[:, None, :3]).sum(2)
    return -torch.cat((translation, vector[:, 3:]), dim=1)


def _reflecting(channels_in: int, channels_out: int, bias: float | None = None) -> nn.Conv2d:
    conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, padding_mode='reflect')
    if bias is not None and conv.bias is not None:
        nn.init.constant_(conv.bias, bias)
    return conv
