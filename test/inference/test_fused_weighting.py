"""The kernel for cards, proven on the CPU by Triton's interpreter."""

import os
import sys
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    os.environ['TRITON_INTERPRET'] = '1'  # read when triton is imported
pytest.importorskip('triton', reason='needs triton')
sys.path.insert(0, str(Path(__file__).parents[2] / 'experiments' / 'gpu'))

from fused_weighting import Matrices, matrices, weighted_sum

from lsd_ros.models.weighting import WeightedSum

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'


@pytest.mark.parametrize(('kind', 'tolerance'), [(torch.float32, 1e-5), (torch.float16, 2e-3)])
@torch.inference_mode()
def test_one_kernel_is_the_weighting_module_and_its_sum(kind, tolerance):
    torch.manual_seed(0)
    trained = WeightedSum(2).eval()
    for parameter in trained.parameters():
        parameter *= 3  # so that shares differ from a half
    a, b = torch.randn(2, 2, 12, 5, 19)  # odd sizes, and more than a program takes
    wanted = trained(a, b)
    assert (wanted - (a + b) / 2).abs().max() > 0.1
    maps = [each.permute(0, 2, 3, 1).contiguous().to(DEVICE, kind) for each in (a, b)]
    means = torch.stack([a.mean(1), b.mean(1)], dim=3).to(DEVICE)
    weights = Matrices(*(each.to(DEVICE) for each in matrices(trained)))
    fused, mean = weighted_sum(*maps, means, weights, pixels=16)
    torch.testing.assert_close(
        fused.float().cpu(), wanted.permute(0, 2, 3, 1), rtol=0, atol=tolerance
    )
    torch.testing.assert_close(mean.cpu(), wanted.mean(1), rtol=0, atol=tolerance)
