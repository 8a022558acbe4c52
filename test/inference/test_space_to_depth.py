import pytest
import torch
from torch import nn
from torch.nn import functional

from lsd_ros.inference.space_to_depth import convolution_between, divisor, scaled_mean

FINE = torch.randn(2, 3, 8, 12)


def at(step, x):
    return functional.pixel_unshuffle(x, step) if step > 1 else x


@pytest.mark.parametrize(('given', 'made'), [(1, 1), (1, 2), (1, 4), (2, 2), (2, 4)])
@torch.inference_mode()
def test_convolution_between_steps_is_the_convolution(given, made):
    conv = nn.Conv2d(3, 5, 3, padding=1)
    rewritten = convolution_between(conv.weight, conv.bias, given, made)
    torch.testing.assert_close(rewritten(at(given, FINE)), at(made, conv(FINE)))


@torch.inference_mode()
def test_blocks_of_equal_pixels_need_one_channel():
    conv = nn.Conv2d(3, 5, 3, padding=1)
    rewritten = convolution_between(conv.weight, conv.bias, 2, 2, uniform=True)
    doubled = functional.interpolate(FINE, scale_factor=2, mode='nearest')
    torch.testing.assert_close(rewritten(FINE), at(2, conv(doubled)))


@pytest.mark.parametrize('step', [1, 2])
@torch.inference_mode()
def test_means_are_scaled_by_a_power_of_two(step):
    wanted = at(step, FINE.mean(dim=1, keepdim=True)) * 3 / 4
    torch.testing.assert_close(scaled_mean(3, step)(FINE), wanted)
    assert [divisor(channels) for channels in (1, 2, 3, 16, 160)] == [1, 2, 4, 16, 256]
