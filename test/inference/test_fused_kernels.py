"""The kernels for cards, proven on the CPU by Triton's interpreter: block, first layer, head."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    os.environ['TRITON_INTERPRET'] = '1'  # read when triton is imported
pytest.importorskip('triton', reason='needs triton')
sys.path.insert(0, str(Path(__file__).parents[2] / 'experiments' / 'gpu'))

from fused_block import Numbers, coded, numbers
from fused_ends import (
    FirstNumbers,
    HeadNumbers,
    first_numbers,
    from_bytes,
    head_numbers,
    read_head,
)
from fused_weighting import Matrices, matrices, weighted_sum
from torch import nn

from lsd_ros.inference.folding import folded
from lsd_ros.inference.fused_depth_net import FusedBlock, FusedStage
from lsd_ros.inference.rewrite import ReadHead
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import DecoderStage, SmallDepthNet
from lsd_ros.models.sparse_block import SparseBlock

GPU = Path(__file__).parents[2] / 'experiments' / 'gpu'
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
KINDS = pytest.mark.parametrize(
    ('kind', 'tolerance'), [(torch.float32, 2e-5), (torch.float16, 5e-3)]
)


def as_if_trained(network):
    """Give every normalisation statistics of its own, and every path something to say."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
        elif isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    return network.eval().requires_grad_(requires_grad=False)


def nhwc(planes, kind):
    return planes.permute(0, 2, 3, 1).contiguous().to(DEVICE, kind)


def assert_near(found, wanted, tolerance):
    assert wanted.std() > 0.05, 'nothing is compared'
    torch.testing.assert_close(found.float().cpu(), wanted, rtol=tolerance, atol=tolerance)


@KINDS
@pytest.mark.parametrize('side', [8, 16])
@torch.inference_mode()
def test_two_kernels_are_a_block(side, kind, tolerance):
    channels = 24  # more than a program makes, and no power of two
    trained = as_if_trained(SparseBlock(channels))
    rewritten = FusedBlock(trained, level=1)
    x = torch.randn(2, channels, 8, 20).to(kind).float()
    wanted, _ = rewritten(x)
    negative = rewritten.squeeze(rewritten.code(rewritten.expand(x)))
    given = nhwc(x, kind)
    weights = Numbers(*(each.to(DEVICE) for each in numbers(trained, kind)))
    found, means = coded(given, weights, side=side, made=16)
    assert_near(found, -negative.permute(0, 2, 3, 1), tolerance)
    both = torch.stack([x.mean(1), -negative.mean(1)], dim=3)
    assert_near(means, both, tolerance)
    shares = Matrices(*(each.to(DEVICE) for each in matrices(trained.fuse)))
    fused, _ = weighted_sum(given, found, means, shares, pixels=16)
    assert_near(fused, wanted.permute(0, 2, 3, 1), tolerance)


@KINDS
@torch.inference_mode()
def test_a_block_of_the_decoder_reads_the_small_map(kind, tolerance):
    trained = as_if_trained(DecoderStage(40, 16, SmallDepthSettings(), skip=True))
    rewritten = FusedStage(trained, level=4)
    small = torch.randn(1, 16, 3, 5).to(kind).float()
    up = nn.functional.interpolate(small, scale_factor=2)
    negative = rewritten.squeeze(rewritten.code(up_of(rewritten.expand(small))))
    weights = Numbers(*(each.to(DEVICE) for each in numbers(trained.block, kind)))
    found, means = coded(nhwc(small, kind), weights, doubled=True, side=8)
    assert_near(found, -negative.permute(0, 2, 3, 1), tolerance)
    assert_near(means, torch.stack([up.mean(1), -negative.mean(1)], dim=3), tolerance)


def up_of(planes):
    return nn.functional.interpolate(planes, scale_factor=2)


@KINDS
@pytest.mark.parametrize('colour', ['rgb', 'grey'])
@torch.inference_mode()
def test_one_kernel_is_the_normalisation_and_the_first_convolution(colour, kind, tolerance):
    trained = as_if_trained(SmallDepthNet())
    settings = Preprocessing(colour=colour, mean=(0.4, 0.5, 0.45), std=(0.2, 0.25, 0.225))
    normalise = Normalise(settings)
    image = torch.randint(0, 256, (2, 6, 38, 3), dtype=torch.uint8)
    wanted = folded(trained.encoder[0][0])(normalise(image))
    weights = FirstNumbers(*(each.to(DEVICE) for each in first_numbers(normalise, trained, kind)))
    found = from_bytes(image.to(DEVICE), weights, grey=colour == 'grey', pixels=16)
    assert_near(found, wanted.permute(0, 2, 3, 1), tolerance)


@KINDS
@pytest.mark.parametrize('uncertainty', [False, True])
@torch.inference_mode()
def test_one_kernel_is_the_head_that_is_read(uncertainty, kind, tolerance):
    trained = as_if_trained(SmallDepthNet(SmallDepthSettings(uncertainty=uncertainty)))
    x = torch.randn(2, 16, 4, 20).to(kind).float()
    wanted = ReadHead(trained)(x)
    assert wanted.shape[1] == 1 + uncertainty
    weights = HeadNumbers(*(each.to(DEVICE) for each in head_numbers(trained)))
    assert_near(read_head(nhwc(x, kind), weights, trained, pixels=16), wanted, tolerance)


def test_every_kernel_compiles_for_cards_that_are_not_here():
    """The interpreter takes much that does not compile."""
    run = subprocess.run(
        [sys.executable, str(GPU / 'compile.py')],
        env={**os.environ, 'PYTHONPATH': str(GPU.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    rows = [row for row in run.stdout.splitlines() if 'H200' in row or 'Jetson' in row]
    assert len(rows) == 12
