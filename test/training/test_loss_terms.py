import math

import pytest
import torch
from torch.autograd import gradcheck

from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.training.depth_supervision import true_depth_error
from lsd_ros.training.losses import (
    feature_difference,
    motion_weight,
    occlusion_weight,
    smoothness,
    structure_difference,
)
from lsd_ros.training.motion_supervision import motion_error, translation_length_error


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def rand(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64)


def test_structure_difference_is_the_relative_difference_of_depths():
    moved = torch.tensor([4.0, 3.0, 2.0, -1.0]).reshape(1, 1, 2, 2)
    seen = torch.tensor([4.0, 1.0, 6.0, 5.0]).reshape(1, 1, 2, 2)
    difference = structure_difference(moved, seen)
    expected = torch.tensor([0.0, 0.5, 0.5, 1.0]).reshape(1, 1, 2, 2)
    torch.testing.assert_close(difference, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(occlusion_weight(difference), 1 - expected, atol=1e-5, rtol=0)


def test_weights_carry_no_gradient():
    depth = (rand(1, 1, 3, 3) + 1).requires_grad_()
    assert not occlusion_weight(structure_difference(depth, depth * 2)).requires_grad
    flow = rand(1, 2, 3, 3).requires_grad_()
    assert not motion_weight(flow, -flow).requires_grad


def test_motion_weighs_by_how_far_the_way_back_misses():
    there = torch.zeros(1, 2, 1, 4)
    there[0, 0] = torch.tensor([8.0, 8.0, 8.0, 0.1])
    back = -there.clone()
    back[0, 0, 0, 1:] = torch.tensor([0.0, 8.0, 0.1])
    weight = motion_weight(there, back).flatten()
    torch.testing.assert_close(weight, torch.tensor([1, 1 / 9, 1 / 17, 1 - 0.2 / 1.2]))


def test_features_of_one_direction_are_alike_whatever_their_size():
    features = torch.randn(1, 8, 2, 2)
    assert float(feature_difference(features, features).max()) == 0
    assert float(feature_difference(features, -features).min()) > 0.999
    pair = torch.randn(2, 1, 8, 2, 2)
    torch.testing.assert_close(
        feature_difference(*pair), feature_difference(*(100 * pair)), atol=1e-5, rtol=0
    )


def test_smoothness_counts_steps_that_the_image_does_not_have():
    image = torch.zeros(1, 3, 4, 8)
    disparity = torch.full((1, 1, 4, 8), 0.1)
    assert float(smoothness(disparity, image)) == 0
    disparity[..., 4:] = 0.3
    flat = smoothness(disparity, image)
    torch.testing.assert_close(
        flat, torch.tensor([1.0 / 7]), msg='a step of 1 mean, 1 of 7 columns'
    )
    image[..., 4:] = 1
    torch.testing.assert_close(smoothness(disparity, image), flat * torch.exp(torch.tensor(-1.0)))
    torch.testing.assert_close(smoothness(disparity * 7, image), smoothness(disparity, image))


def _poses(*translations: tuple[float, float, float]) -> torch.Tensor:
    poses = torch.eye(4, dtype=torch.float64).repeat(1, len(translations), 1, 1)
    poses[0, :, :3, 3] = torch.tensor(translations, dtype=torch.float64)
    return poses


def test_translation_length_is_compared_where_it_was_measured():
    estimated = _poses((3, 0, 4), (0, 1, 0))
    measured = _poses((0, 0, 4), (torch.nan, 0, 0))
    only_first = torch.tensor([[True, False]])
    torch.testing.assert_close(
        translation_length_error(estimated, measured, only_first), torch.tensor([0.25]).double()
    )
    nothing = translation_length_error(estimated, measured, torch.tensor([[False, False]]))
    assert float(nothing) == 0


def test_a_motion_is_wrong_by_its_length_and_by_its_turn():
    estimated, measured = _poses((0, 0, 3), (0, 0, 4)), _poses((0, 0, 4), (0, 0, 4))
    angle = torch.tensor(0.01).double()
    estimated[0, 1, :3, :3] = torch.tensor(
        [[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]]
    )
    for known, wanted in (((True, True), 0.375), ((True, False), 0.25), ((False, False), 0.0)):
        given = measured.clone()
        given[~torch.tensor([known])] = torch.nan
        leaf = estimated.clone().requires_grad_()
        error = motion_error(leaf, given, torch.tensor([known]), turn_rad=0.02)
        torch.testing.assert_close(error, torch.tensor([wanted]).double(), rtol=1e-3, atol=1e-5)
        error.sum().backward()
        assert leaf.grad.isfinite().all()


def test_a_wrong_turn_counts_less_where_the_camera_turns():
    turned = _poses((0, 0, 4)).clone()
    angle = torch.tensor(0.02).double()
    turned[0, 0, :3, :3] = torch.tensor(
        [[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]]
    )
    known, still = torch.tensor([[True]]), _poses((0, 0, 4))
    told = (
        motion_error(turned, still, known, turn_rad=0.02),
        motion_error(still, turned, known, turn_rad=0.02),
    )
    torch.testing.assert_close(
        torch.cat(told), torch.tensor([1.0, 0.5]).double(), rtol=1e-3, atol=0
    )


def test_true_depth_is_compared_by_its_logarithm_where_it_is_known():
    depths = DisparityRange(0.1, 100.0)
    metres = torch.tensor([[[[2.0, 4.0], [400.0, 3.0]]]]).double()
    disparity = (10 / metres - 1 / 100) / (1 / 0.1 - 1 / 100)  # ten metres a unit
    truth = torch.tensor([[[[2.0, 2.0], [torch.inf, torch.nan]]]]).double()
    disparity.requires_grad_()
    units = torch.tensor([0.1]).double()
    error = true_depth_error(disparity, truth, units, depths, 80.0)
    torch.testing.assert_close(error, torch.tensor([math.log(2) / 3]).double())
    error.sum().backward()
    assert (disparity.grad != 0).flatten().tolist()[1:] == [True, False, False]
    nothing = true_depth_error(disparity, truth * torch.nan, units, depths, 80.0)
    assert float(nothing.detach()) == 0


def test_what_sees_everything_further_than_the_furthest_still_learns():
    depths, units = DisparityRange(0.1, 100.0), torch.tensor([0.1]).double()
    truth = torch.tensor([[[[8.0, 20.0], [torch.inf, 79.0]]]]).double()
    metres = torch.full_like(truth, 500.0)  # a head that begins far too far
    disparity = ((10 / metres - 1 / 100) / (1 / 0.1 - 1 / 100)).requires_grad_()
    error = true_depth_error(disparity, truth, units, depths, 80.0, 0.25, 0.5)
    error.sum().backward()
    assert (disparity.grad < 0).flatten().tolist() == [True, True, False, True]  # nearer
    plain = true_depth_error(disparity, truth, units, depths, 80.0)
    torch.testing.assert_close(
        plain, torch.tensor([math.log(500 / 8 * 500 / 20 * 500 / 79) / 4]).double()
    )


def test_gradients_of_true_depth_are_compared_where_both_pixels_are_known():
    depths, units = DisparityRange(0.1, 100.0), torch.tensor([0.1]).double()
    truth = torch.full((1, 1, 3, 16), 8.0).double()
    truth[..., 12:] = torch.nan

    def told(metres: torch.Tensor, gradient: float) -> float:
        disparity = (10 / metres - 1 / 100) / (1 / 0.1 - 1 / 100)
        return float(true_depth_error(disparity, truth, units, depths, 80.0, gradient))

    even = torch.full_like(truth, 4.0)
    assert told(even, 1.0) == pytest.approx(told(even, 0.0)) == pytest.approx(math.log(2))
    edge = even.clone()
    edge[..., 4:] = 16.0  # as wrong everywhere, but with an edge
    assert told(edge, 0.0) == pytest.approx(math.log(2))
    # of 11, 5, 2 and 1 pairs beside each other one has the edge, or none where strides miss it
    across = math.log(4) * (1 / 11 + 1 / 5 + 1 / 2 + 1) / 8
    assert told(edge, 1.0) == pytest.approx(math.log(2) + across)
    assert told(edge, 0.5) == pytest.approx(math.log(2) + across / 2)


def test_the_scale_free_share_does_not_see_a_wrong_scale_of_the_image():
    depths, units = DisparityRange(0.1, 100.0), torch.tensor([0.1, 0.1]).double()
    truth = torch.tensor([[[[2.0, 4.0, 8.0, torch.nan]]], [[[2.0, 4.0, 8.0, 5.0]]]]).double()
    metres = torch.stack([truth[0].nan_to_num(1) * 3, truth[1].clone()])
    metres[1, ..., 3] = 15.0  # one pixel of four is three times too far
    disparity = (10 / metres - 1 / 100) / (1 / 0.1 - 1 / 100)

    def told(scale_free: float) -> list[float]:
        return true_depth_error(disparity, truth, units, depths, 80.0, 0.0, scale_free).tolist()

    assert told(0.0) == pytest.approx([math.log(3), math.log(3) / 4])
    assert told(1.0) == pytest.approx([0, math.log(3) / 4], abs=1e-12)
    assert told(0.25) == pytest.approx([0.75 * math.log(3), math.log(3) / 4])


def test_standing_still_is_no_division_by_zero():
    error = translation_length_error(
        _poses((0.1, 0, 0)), _poses((0, 0, 0)), torch.tensor([[True]]), shortest_m=0.05
    )
    torch.testing.assert_close(error, torch.tensor([2.0]).double())


def test_unknown_motions_leave_gradients_finite():
    estimated = _poses((3, 0, 4), (0, 1, 0)).requires_grad_()
    measured = _poses((1, 0, 0), (torch.nan, 0, 0))
    translation_length_error(estimated, measured, torch.tensor([[True, False]])).sum().backward()
    assert torch.isfinite(estimated.grad).all()
    assert estimated.grad[0, 0].abs().sum() > 0
    assert estimated.grad[0, 1].abs().sum() == 0


@pytest.mark.parametrize(
    ('term', 'inputs'),
    [
        (structure_difference, (rand(1, 1, 3, 4) + 1, rand(1, 1, 3, 4) + 1)),
        (feature_difference, (rand(1, 3, 2, 4), rand(1, 3, 2, 4))),
        (
            lambda d: smoothness(d, torch.full((2, 3, 3, 4), 0.5).double()),
            (rand(2, 1, 3, 4) + 0.1,),
        ),
        (
            lambda p: translation_length_error(
                p, 2 * torch.ones(2, 2, 4, 4).double(), torch.ones(2, 2, dtype=torch.bool)
            ),
            (rand(2, 2, 4, 4),),
        ),
    ],
)
def test_gradients_are_those_of_finite_differences(term, inputs):
    assert gradcheck(term, tuple(x.clone().requires_grad_() for x in inputs))
