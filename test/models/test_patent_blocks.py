"""The blocks of the patent against its equations, written once more with plain functions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.small_depth_net import DecoderStage, SmallDepthNet
from lsd_ros.models.sparse_block import SparseBlock
from lsd_ros.models.weighting import WeightedSum, WeightingModule


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights, biases and statistics that leave no term of an equation at 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            fan_in = max(1, tensor[0].numel()) if tensor.ndim > 1 else 4
            noise = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(1.3 * noise / fan_in**0.5)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.abs_().add_(0.5)
            layer.running_var.copy_(0.5 + torch.rand(layer.running_var.shape, generator=generator))
    return module.eval()


def conv(layer: ConvNormAct, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    """A linear convolution and its normalisation."""
    kernel = layer.conv.weight
    y = functional.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
    norm = layer.norm
    return functional.batch_norm(
        y, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )


def hs(x: Tensor) -> Tensor:
    return x * (x + 3).clamp(0, 6) / 6


def coefficients(module: WeightingModule, *maps: Tensor) -> Tensor:
    """[0089]-[0092]."""
    fused = torch.cat([x.mean(1, keepdim=True) for x in maps], 1)

    def k3(layer: nn.Conv2d, x: Tensor) -> Tensor:
        return functional.conv2d(x, layer.weight, layer.bias, padding=1)

    expanded = hs(k3(module.expand, fused))
    mixed = hs(k3(module.mix, expanded))
    squeezed = k3(module.squeeze, mixed).exp()
    return squeezed / squeezed.sum(1, keepdim=True)


def weighted(fuse: WeightedSum, first: Tensor, second: Tensor) -> Tensor:
    theta = coefficients(fuse.weighting, first, second)
    return theta[:, :1] * first + theta[:, 1:] * second


def sparse_block(block: SparseBlock, x: Tensor) -> Tensor:
    """[0098]-[0103]: every channel coded alone, twice; the squeeze is linear."""
    expanded = hs(conv(block.expand, x))
    coded = expanded
    for layer in block.code:
        coded = hs(conv(layer, coded, groups=coded.shape[1]))
    return weighted(block.fuse, x, conv(block.squeeze, coded))


def close(found: Tensor, wanted: Tensor) -> None:
    scale = float(wanted.detach().abs().max())
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize('paths', [2, 3])
def test_the_weighting_module_is_that_of_the_patent(paths: int) -> None:
    module = randomised(WeightingModule(paths))
    maps = [torch.randn(2, 5 + i, 8, 9) for i in range(paths)]
    close(module(*maps), coefficients(module, *maps))


def test_the_sparse_block_is_that_of_the_patent() -> None:
    block = randomised(SparseBlock(6))
    x = torch.randn(2, 6, 8, 9)
    close(block(x), sparse_block(block, x))


@pytest.mark.parametrize(('kernel', 'upsampling'), [(1, 'bilinear'), (3, 'nearest')])
def test_a_decoder_stage_transforms_then_doubles_then_codes(kernel: int, upsampling: str) -> None:
    """[0113]: F_spblock(F_up(F_ct(X)))."""
    shape = SmallDepthSettings(transform_kernel=kernel, upsampling=upsampling)
    stage = randomised(DecoderStage(12, 6, shape, skip=True))
    x, skip = torch.randn(1, 12, 4, 5), torch.randn(1, 6, 8, 10)
    small = hs(conv(stage.transform, x))
    align = None if shape.upsampling == 'nearest' else False
    up = functional.interpolate(small, size=(8, 10), mode=shape.upsampling, align_corners=align)
    wanted = weighted(stage.fuse, sparse_block(stage.block, up), skip)
    close(stage(x, skip), wanted)
    transformed_late = hs(
        conv(
            stage.transform,
            functional.interpolate(x, size=(8, 10), mode=shape.upsampling, align_corners=align),
        )
    )
    assert not torch.allclose(transformed_late, up, atol=1e-2), 'the order must show'


def test_the_whole_network_is_that_of_the_patent() -> None:
    """[0111]-[0117]: F_down is linear; the disparities come from the three finest maps."""
    shape = SmallDepthSettings(encoder_widths=(4, 6, 8, 10, 12), full_width=4)
    network = randomised(SmallDepthNet(shape))
    image = torch.randn(1, 3, 64, 96)
    encoded, x = [], image
    for down, block in network.encoder:
        x = sparse_block(block, conv(down, x, stride=2))
        encoded.append(x)
    decoded: list[Tensor] = [torch.empty(0)] * 5
    align = None if shape.upsampling == 'nearest' else False
    for i in reversed(range(5)):
        stage = network.decoder[i]
        up = functional.interpolate(
            hs(conv(stage.transform, x)),
            scale_factor=2,
            mode=shape.upsampling,
            align_corners=align,
        )
        x = sparse_block(stage.block, up)
        if i > 0:
            x = weighted(stage.fuse, x, encoded[i - 1])
        decoded[i] = x
    for j, disparity in enumerate(network(image)):
        head = network.heads[j].conv
        wanted = functional.conv2d(decoded[j], head.weight, head.bias, padding=1).sigmoid()
        torch.testing.assert_close(disparity, wanted, rtol=1e-3, atol=1e-4)
