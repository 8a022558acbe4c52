"""
Bridges that begin by letting maps through.

A bridge that begins at random destroys what an encoder knows that was trained before: what reads
its map sees noise, ten times in a row. So bridges and refinements begin as near to the identity as
a convolution with batch normalisation and Hardswish allows, by the statistics of a few images.

Branches that are added begin at nothing (Goyal et al., arXiv:1706.02677, 5.1); the rest follows
Net2Net (Chen et al., ICLR 2016): what is put into a network does not change what it says.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lsd_ros.models.bridge import Bridge, BridgedTeacher
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.network_settings import STAGES
from lsd_ros.models.refinement import Refinement

# Hardswish is the identity from 3 on. A hidden map, which the student is to imitate, stays small:
# around 1.5, where the slope is 1. The map that is restored may lie where nothing bends at all.
HIDDEN_MEAN, HIDDEN_SPREAD = 2.25, 0.5
STRAIGHT, REACH = 3.0, 2.5  # standard deviations that stay above


@torch.no_grad()
def let_through(network: BridgedTeacher, images: Tensor) -> None:
    """
    Set the bridges so that each restores nearly the map that it squeezes.

    The maps come back with an offset, which the next batch normalisation takes away again.

    :param network: whose encoder was trained before; it ends in the mode that it had
    :param images: normalised RGB, shape (B, 3, H, W)
    """
    for module in network.modules():
        if isinstance(module, Refinement):
            begin_at_nothing(module)
    mode = network.training
    network.train()
    x, encoded = images, []
    for stage, bridge in zip(network.teacher.encoder, network.encoder_bridges, strict=True):
        x = _through(bridge, stage(x))
        encoded.append(x)
    for level in reversed(range(STAGES)):
        skip = encoded[level - 1] if level > 0 else None
        x = _through(network.decoder_bridges[level], network.teacher.decoder[level](x, skip))
    network.train(mode)


def begin_at_nothing(refinement: Refinement) -> None:
    """Let a refinement begin as the identity: its two branches add nothing at first."""
    for branch in (refinement.near, refinement.far):
        last = branch[1]
        assert isinstance(last, ConvNormAct)
        nn.init.zeros_(last.norm.weight)


def _through(bridge: nn.Module, map_: Tensor) -> Tensor:
    """Set a bridge by a map, and return the map that it restores."""
    assert isinstance(bridge, Bridge)
    squeeze = bridge.squeeze[0]
    assert isinstance(squeeze, ConvNormAct)
    channels, hidden = map_.shape[1], squeeze.conv.out_channels
    kept = min(channels, hidden)
    spread = map_.std(dim=(0, 2, 3))[:kept]
    hidden_spread = torch.full_like(spread, HIDDEN_SPREAD)
    _keep(squeeze, kept, hidden_spread, torch.full_like(spread, HIDDEN_MEAN))
    _keep(bridge.expand, kept, spread, STRAIGHT + REACH * spread)
    restored: Tensor = bridge(map_)[1]
    return restored


def _keep(layer: ConvNormAct, kept: int, spread: Tensor, mean: Tensor) -> None:
    """Let the first channels through with this spread and mean; those after stay random."""
    weight = layer.conv.weight
    middle = weight.shape[2] // 2
    weight[:kept] = 0
    weight[:, kept:] *= 0.1
    for channel in range(kept):
        weight[channel, channel, middle, middle] = 1
    layer.norm.weight[:kept] = spread
    layer.norm.bias[:kept] = mean
