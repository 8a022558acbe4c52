import pytest
import torch

from lsd_ros.errors import FrameError
from lsd_ros.models.pose_net import PoseNet


def test_two_motions_come_out_of_three_frames_of_any_size():
    network = PoseNet()
    for height, width in [(128, 416), (96, 160)]:
        assert network(torch.randn(2, 9, height, width)).shape == (2, 2, 6)


def test_untrained_network_starts_near_rest():
    motion = PoseNet()(torch.randn(4, 9, 128, 416))
    assert motion.abs().max() < 0.05


def test_every_parameter_gets_a_gradient():
    network = PoseNet()
    network(torch.randn(2, 9, 128, 416)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_wrong_number_of_channels_is_refused():
    with pytest.raises(FrameError, match=r'must be \(B, 9, H, W\)'):
        PoseNet()(torch.zeros(1, 6, 128, 416))
