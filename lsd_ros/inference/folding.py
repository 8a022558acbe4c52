"""
Any trained network rewritten part by part: fewer passes over memory, the same numbers.

Batch normalisation is folded into its convolution; the softmax over two paths becomes the sigmoid
of their difference, so that the last 3 x 3 of a weighting module has one output.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lsd_ros.models.layers import ConvNormAct, convolution
from lsd_ros.models.weighting import WeightedSum

Network = TypeVar('Network', bound=nn.Module)


class TwoPathSum(nn.Module):
    """
    The weighted sum of two maps: with s = softmax(a, b)[0] = sigmoid(a - b), it is B + s (A - B).

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
        # torch.lerp would reach ONNX with both of its branches
        fused: Tensor = b + self.difference(wide).sigmoid() * (a - b)
        return fused


def rewrite(network: Network) -> Network:
    """
    Return an equal network in evaluation mode, rewritten in every part that can be.

    :param network: trained; it is not changed
    """
    rewritten = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    _rewrite_children(rewritten)
    return rewritten


def folded(layer: ConvNormAct) -> nn.Module:
    """Return a layer without normalisation, in evaluation mode; the trained one is not changed."""
    layer = copy.deepcopy(layer).eval().requires_grad_(requires_grad=False)
    conv = fuse_conv_bn_eval(layer.conv, layer.norm)
    if isinstance(layer.activation, nn.Identity):
        return conv
    return nn.Sequential(conv, layer.activation)


def _rewrite_children(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, ConvNormAct):
            setattr(module, name, folded(child))
        elif isinstance(child, WeightedSum) and child.weighting.squeeze.out_channels == 2:
            setattr(module, name, TwoPathSum(child))
        else:
            _rewrite_children(child)


def _difference(squeeze: nn.Conv2d) -> nn.Conv2d:
    single = convolution(squeeze.in_channels, 1, 3, padding=squeeze.padding_mode, bias=True)
    first, second = ({n: v[i : i + 1] for n, v in squeeze.state_dict().items()} for i in (0, 1))
    single.load_state_dict({name: first[name] - second[name] for name in first})
    return single.requires_grad_(requires_grad=False)
