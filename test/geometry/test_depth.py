from __future__ import annotations

import pytest
import torch

from lsd_ros.errors import FrameError, SettingError
from lsd_ros.geometry.depth import DisparityRange, depth_from_disparity, disparity_from_depth

DEPTHS = DisparityRange(0.1, 100.0)


def test_disparity_0_1_and_a_half_are_the_far_the_near_and_the_harmonic_depth() -> None:
    disparity = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64).reshape(1, 1, 1, 3)
    depth = depth_from_disparity(disparity, DEPTHS)
    assert depth.flatten().tolist() == pytest.approx([100.0, 0.1, 2 / (10 + 0.01)])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_depth_goes_back_to_its_disparity(dtype: torch.dtype) -> None:
    disparity = torch.rand(2, 1, 5, 7, dtype=dtype)
    depth = depth_from_disparity(disparity, DEPTHS)
    assert depth.dtype == dtype
    torch.testing.assert_close(
        disparity_from_depth(depth, DEPTHS), disparity, rtol=1e-5, atol=1e-6
    )


def test_depth_has_the_right_gradient() -> None:
    disparity = torch.rand(1, 1, 2, 3, dtype=torch.float64).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda d: depth_from_disparity(d, DEPTHS), disparity)


@pytest.mark.parametrize('bounds', [(0.0, 1.0), (2.0, 1.0), (1.0, float('inf'))])
def test_an_empty_or_endless_depth_range_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(SettingError, match=str(bounds[1])):
        DisparityRange(*bounds)


def test_a_wrong_shape_and_half_precision_are_named() -> None:
    with pytest.raises(FrameError, match=r'\(2, 3\) must be \(B, 1, H, W\)'):
        depth_from_disparity(torch.zeros(2, 3), DEPTHS)
    with pytest.raises(FrameError, match='float16 must be float32'):
        depth_from_disparity(torch.zeros(1, 1, 2, 3, dtype=torch.float16), DEPTHS)
