"""
The trained networks as they run: from bytes, without what nobody reads, the same numbers.

The small depth network has a form of its own (:mod:`lsd_ros.inference.fused_depth_net`). What does
not fit that one is rewritten part by part (:mod:`lsd_ros.inference.folding`).
"""

from __future__ import annotations

from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros.inference.folding import rewrite
from lsd_ros.inference.fused_depth_net import FusedDepthNet, can_fuse
from lsd_ros.inference.space_to_depth import convolution_between
from lsd_ros.models.layers import convolution
from lsd_ros.models.network_settings import FRAMES
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import DisparityHead, SmallDepthNet
from lsd_ros.models.weights import Weights

Network = TypeVar('Network', bound=nn.Module)
# of the head: blocks of 4 x 4 pixels give its convolution 16 outputs instead of one
STEP = 4


class PlainDepthNet(nn.Module):
    """
    What is read of the small depth network, but for the head, whatever its shape.

    :param trained: the network to rewrite; it is left as it is
    """

    def __init__(self, trained: SmallDepthNet) -> None:
        super().__init__()
        self.network = rewrite(trained)
        self.level = trained.shape.read_level
        for stage in range(self.level):
            self.network.decoder[stage] = nn.Identity()
        self.network.heads, self.network.uncertainty = nn.ModuleList(), None

    def forward(self, image: Tensor) -> Tensor:
        """See :meth:`FusedDepthNet.forward`."""
        return self.network.decode(self.network.encode(image), last=self.level)[-1]


class ReadHead(nn.Module):
    """
    Disparity and, where it is known, its deviation, from one convolution.

    :param trained: the network whose heads are meant
    """

    def __init__(self, trained: SmallDepthNet) -> None:
        super().__init__()
        head = cast(DisparityHead, trained.heads[trained.shape.read_level])
        uncertainty = trained.uncertainty
        self.log_deviation = None if uncertainty is None else uncertainty.log_deviation
        convs = [part.conv for part in (head, uncertainty) if part is not None]
        kernel, bias = (
            torch.cat([conv.state_dict()[name] for conv in convs]) for name in ('weight', 'bias')
        )
        mode = head.conv.padding_mode
        self.step = STEP if mode == 'zeros' else 1
        if self.step > 1:
            self.conv = convolution_between(kernel, bias, 1, self.step)
        else:
            self.conv = convolution(kernel.shape[1], len(convs), 3, padding=mode, bias=True)
            self.conv.load_state_dict({'weight': kernel, 'bias': bias})

    def forward(self, x: Tensor) -> Tensor:
        """
        Regress disparity and deviation.

        :param x: shape (B, C, h, w)
        :return: disparity in (0, 1) and, where it is known, relative deviation, shape
            (B, 1 or 2, h, w)
        """
        said: Tensor = self.conv(x).sigmoid()
        if self.step > 1:
            said = functional.pixel_shuffle(said, self.step)
        if self.log_deviation is None:
            return said
        return torch.cat((said[:, :1], self.log_deviation(said[:, 1:]).exp()), dim=1)


class DepthInference(nn.Module):
    """From bytes to the one disparity map that is read, and its deviation where that is known."""

    def __init__(self, network: SmallDepthNet, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.normalise = Normalise(preprocessing)
        body = FusedDepthNet if can_fuse(network.shape) else PlainDepthNet
        self.body = body(network)
        self.head = ReadHead(network)

    def forward(self, image: Tensor) -> Tensor:
        """
        Estimate disparity; see :meth:`SmallDepthNet.read`.

        :param image: RGB in 0 .. 255, shape (B, H, W, 3), uint8
        :return: disparity, and the deviation of its depth where the weights know it, shape
            (B, 1 or 2, H / 2^j, W / 2^j), j = ``read_level``, float32
        """
        result: Tensor = self.head(self.body(self.normalise(image)))
        return result.float()


class PoseInference(nn.Module):
    """From the bytes of three frames to the two motions between them."""

    def __init__(self, network: PoseNet, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.normalise = Normalise(preprocessing)
        self.network = rewrite(network)

    def forward(self, frames: Tensor) -> Tensor:
        """
        Estimate motion.

        :param frames: before, target and after of each of B cameras, RGB in 0 .. 255, shape
            (3 B, H, W, 3), uint8
        :return: before_from_target and after_from_target of each, shape (2 B, 6), float32
        """
        planes = self.normalise(frames)
        stacked = planes.reshape(-1, 3 * FRAMES, planes.shape[2], planes.shape[3])
        motions: Tensor = self.network(stacked)
        return motions.reshape(-1, 6).float()


def depth_inference(weights: Weights) -> DepthInference:
    """Rewrite the depth network of a weights file; the trained one is left as it is."""
    return _finished(DepthInference(weights.depth, weights.preprocessing))


def pose_inference(weights: Weights) -> PoseInference:
    """Rewrite the pose network of a weights file; the trained one is left as it is."""
    return _finished(PoseInference(weights.pose, weights.preprocessing))


def channels_last(network: Network) -> Network:
    """Return the network in the layout that depthwise convolutions are fast in."""
    # the stubs of torch know memory_format for the device and type of the caller's only
    laid_out: Network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return laid_out


def _finished(network: Network) -> Network:
    return network.eval().requires_grad_(requires_grad=False)
