"""
The trained networks rewritten for inference: fewer passes over memory, the same numbers.

Batch normalisation is folded into its convolution; the softmax over two paths becomes the sigmoid
of their difference, so that the last 3 x 3 of a weighting module has one output and the fusion is
one linear interpolation; two heads on one map become one; decoder stages and heads that nobody
reads are left out.
"""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lsd_ros.models.checkpoint import Weights
from lsd_ros.models.layers import ConvNormAct, convolution
from lsd_ros.models.pose_net import FRAMES, PoseNet
from lsd_ros.models.preprocessing import Normalise, Preprocessing
from lsd_ros.models.small_depth_net import DisparityHead, SmallDepthNet
from lsd_ros.models.uncertainty_head import UncertaintyHead
from lsd_ros.models.weighting import WeightedSum

Network = TypeVar('Network', bound=nn.Module)


class TwoPathLerp(nn.Module):
    """
    The weighted sum of two maps: with s = softmax(a, b)[0] = sigmoid(a - b), it is lerp(B, A, s).

    :param trained: the weighted sum of two paths to rewrite
    """

    def __init__(self, trained: WeightedSum) -> None:
        super().__init__()
        module = trained.weighting
        self.expand, self.mix = module.expand, module.mix
        self.activation = module.activation
        self.difference = _difference(module.squeeze)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """
        Fuse two maps.

        :param a: shape (B, C, H, W)
        :param b: shape (B, C, H, W)
        :return: shape (B, C, H, W)
        """
        means = torch.cat([a.mean(dim=1, keepdim=True), b.mean(dim=1, keepdim=True)], dim=1)
        wide = self.activation(self.mix(self.activation(self.expand(means))))
        return torch.lerp(b, a, self.difference(wide).sigmoid())


class JoinedHeads(nn.Module):
    """
    Disparity and its deviation from one convolution: the map before them is read only once.

    :param head: gives disparity
    :param uncertainty: gives the logarithm of the deviation, from the same map
    """

    def __init__(self, head: DisparityHead, uncertainty: UncertaintyHead) -> None:
        super().__init__()
        parts = [part.conv.state_dict() for part in (head, uncertainty)]
        conv = head.conv
        self.conv = convolution(conv.in_channels, 2, 3, padding=conv.padding_mode, bias=True)
        self.conv.load_state_dict({name: torch.cat([p[name] for p in parts]) for name in parts[0]})
        self.conv.requires_grad_(requires_grad=False)
        self.uncertainty = uncertainty

    def forward(self, x: Tensor) -> Tensor:
        """
        Regress disparity and deviation.

        :param x: shape (B, C, h, w)
        :return: disparity in (0, 1) and relative deviation, shape (B, 2, h, w)
        """
        disparity, share = self.conv(x).sigmoid().split(1, dim=1)
        return torch.cat((disparity, self.uncertainty.log_deviation(share).exp()), dim=1)


class DepthInference(nn.Module):
    """From bytes to the one disparity map that is read, and its deviation where that is known."""

    def __init__(self, network: SmallDepthNet, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.normalise = Normalise(preprocessing)
        self.network = rewrite(network)
        level = network.shape.read_level
        for stage in range(level):
            self.network.decoder[stage] = nn.Identity()
        for head in range(len(self.network.heads)):
            if head != level:
                self.network.heads[head] = nn.Identity()
        uncertainty = self.network.uncertainty
        if uncertainty is not None:
            self.network.heads[level] = JoinedHeads(
                cast(DisparityHead, self.network.heads[level]), uncertainty
            )
            self.network.uncertainty = None

    def forward(self, image: Tensor) -> Tensor:
        """
        Estimate disparity; see :meth:`SmallDepthNet.read`.

        :param image: RGB in 0 .. 255, shape (B, H, W, 3), uint8
        :return: disparity, and the deviation of its depth where the weights know it, shape
            (B, 1 or 2, H / 2^j, W / 2^j), j = ``read_level``, float32
        """
        return self.network.read(self.normalise(image)).float()


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
    return DepthInference(weights.depth, weights.preprocessing).eval()


def pose_inference(weights: Weights) -> PoseInference:
    """Rewrite the pose network of a weights file; the trained one is left as it is."""
    return PoseInference(weights.pose, weights.preprocessing).eval()


def rewrite(network: Network) -> Network:
    """
    Return an equal network in evaluation mode, rewritten in every part that can be.

    :param network: trained; it is not changed
    """
    rewritten = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    _rewrite_children(rewritten)
    return rewritten


def channels_last(network: Network) -> Network:
    """Return the network in the layout that depthwise convolutions are fast in."""
    # the stubs of torch know memory_format for the device and type of the caller's only
    laid_out: Network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return laid_out


def _rewrite_children(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, ConvNormAct):
            setattr(module, name, _folded(child))
        elif isinstance(child, WeightedSum) and child.weighting.squeeze.out_channels == 2:
            setattr(module, name, TwoPathLerp(child))
        else:
            _rewrite_children(child)


def _folded(layer: ConvNormAct) -> nn.Module:
    conv = fuse_conv_bn_eval(layer.conv, layer.norm)
    if isinstance(layer.activation, nn.Identity):
        return conv
    return nn.Sequential(conv, layer.activation)


def _difference(squeeze: nn.Conv2d) -> nn.Conv2d:
    single = convolution(squeeze.in_channels, 1, 3, padding=squeeze.padding_mode, bias=True)
    first, second = ({n: v[i : i + 1] for n, v in squeeze.state_dict().items()} for i in (0, 1))
    single.load_state_dict({name: first[name] - second[name] for name in first})
    return single.requires_grad_(requires_grad=False)
