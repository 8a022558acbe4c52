"""Bridges that begin by letting maps through."""

from __future__ import annotations

import pytest
import torch

from lsd_ros.models.bridge import BridgedTeacher, BridgedTeacherSettings
from lsd_ros.models.bridge_start import begin_at_nothing, let_through
from lsd_ros.models.large_depth_net import LargeDepthNet, LargeDepthSettings
from lsd_ros.models.refinement import Refinement

SHAPE = BridgedTeacherSettings(LargeDepthSettings(encoder='efficientnet_lite0', full_width=8))


def explained(map_: torch.Tensor, like: torch.Tensor) -> float:
    """Return the share of the variance of a map that another one has, channel by channel."""
    a, b = (m.transpose(0, 1).flatten(1) for m in (map_, like))
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    slope = (a * b).sum(1) / (b * b).sum(1).clamp(min=1e-9)
    rest = (a - slope[:, None] * b).square().sum(1) / a.square().sum(1).clamp(min=1e-9)
    return float(1 - rest.mean())


@pytest.fixture(scope='module')
def images():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(4, 3, 12, 20, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(96, 160), mode='bicubic')


def maps(network: BridgedTeacher, images: torch.Tensor) -> list[torch.Tensor]:
    """Return the encoder's maps as the decoder gets them."""
    with torch.no_grad():
        x, found = images, []
        for stage, bridge in zip(network.teacher.encoder, network.encoder_bridges, strict=True):
            x = bridge(stage(x))[1]
            found.append(x)
    return found


def test_what_the_encoder_knows_gets_through_the_bridges(images):
    torch.manual_seed(0)
    network = BridgedTeacher(SHAPE).train()
    bare = LargeDepthNet(SHAPE.teacher).train()
    bare.load_state_dict(network.teacher.state_dict())
    with torch.no_grad():
        x, plain = images, []
        for stage in bare.encoder:
            x = stage(x)
            plain.append(x)
    before = [explained(a, b) for a, b in zip(plain, maps(network, images), strict=True)]
    let_through(network, images)
    after = [explained(a, b) for a, b in zip(plain, maps(network, images), strict=True)]
    assert max(before[1:]) < 0.1
    assert min(after[:3]) > 0.9  # a random encoder makes much of small differences further on


def test_a_refinement_that_begins_at_nothing_changes_nothing_and_learns():
    torch.manual_seed(0)
    refinement = Refinement(16, patch=4).train()
    x = torch.randn(2, 16, 16, 24)
    assert not torch.allclose(refinement(x), x)
    begin_at_nothing(refinement)
    torch.testing.assert_close(refinement(x), x)
    (refinement(x) * torch.randn_like(x)).sum().backward()
    assert refinement.near[1].norm.weight.grad.abs().sum() > 0
