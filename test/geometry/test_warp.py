from __future__ import annotations

import torch
from torch import Tensor

from lsd_ros.geometry.camera import back_project, intrinsics_of, project
from lsd_ros.geometry.pose import invert, pose_from_vector, transform
from lsd_ros.geometry.warp import correspondences, rigid_flow, sample, warp
from lsd_ros.types import Camera

CAMERA = Camera(width=9, height=7, fx=8.0, fy=8.5, cx=4.2, cy=2.9)


def _intrinsics(dtype: torch.dtype = torch.float64) -> Tensor:
    return intrinsics_of([CAMERA], dtype=dtype)


def _motion(*vector: float) -> Tensor:
    return pose_from_vector(torch.tensor([vector], dtype=torch.float64))


def test_a_linear_image_is_read_exactly_between_its_pixels() -> None:
    v, u = torch.meshgrid(torch.arange(7.0), torch.arange(9.0), indexing='ij')
    image = torch.stack((u, v))[None].double()
    pixels = torch.rand(1, 2, 5, 5, dtype=torch.float64) * torch.tensor([8.0, 6.0])[:, None, None]
    read, inside = sample(image, pixels)
    torch.testing.assert_close(read, pixels)
    assert inside.all()


def test_the_mask_ends_at_the_outermost_pixel_centres() -> None:
    columns = torch.tensor([-0.1, 0.0, 8.0, 8.1, float('nan')])
    pixels = torch.stack((columns, torch.full_like(columns, 3.0))).reshape(1, 2, 1, 5)
    _, inside = sample(torch.zeros(1, 1, 7, 9), pixels)
    assert inside.flatten().tolist() == [False, True, True, False, False]


def test_an_image_of_one_row_can_be_read() -> None:
    image = torch.arange(4.0).reshape(1, 1, 1, 4)
    read, inside = sample(image, torch.tensor([2.5, 0.0]).reshape(1, 2, 1, 1))
    assert read.item() == 2.5
    assert inside.item()


def test_no_motion_gives_the_image_back_up_to_its_border() -> None:
    source = torch.rand(1, 3, 7, 9)
    depth = torch.rand(1, 1, 7, 9) * 50 + 0.5
    seen = warp(source, depth, torch.eye(4)[None], *[_intrinsics(torch.float32)] * 2)
    torch.testing.assert_close(seen.image, source, rtol=0, atol=1e-4)
    torch.testing.assert_close(seen.depth, depth)
    assert seen.mask.all()


def test_a_step_to_the_right_moves_a_wall_to_the_left_by_focal_times_baseline_by_depth() -> None:
    depth = torch.full((1, 1, 7, 9), 4.0, dtype=torch.float64)
    source_from_target = _motion(-1.0, 0, 0, 0, 0, 0)
    flow = rigid_flow(depth, source_from_target, _intrinsics(), _intrinsics())
    torch.testing.assert_close(flow[:, 0], torch.full_like(flow[:, 0], -8.0 / 4.0))
    torch.testing.assert_close(flow[:, 1], torch.zeros_like(flow[:, 1]))


def test_points_behind_the_source_are_masked() -> None:
    depth = torch.full((1, 1, 7, 9), 4.0, dtype=torch.float64)
    source = torch.rand(1, 3, 7, 9, dtype=torch.float64)
    seen = warp(source, depth, _motion(0, 0, -5.0, 0, 0, 0), _intrinsics(), _intrinsics())
    assert not seen.mask.any()
    assert (seen.depth == -1).all()


def test_correspondences_lead_back_to_where_they_came_from() -> None:
    depth = torch.rand(1, 1, 7, 9, dtype=torch.float64) + 5
    motion = _motion(0.3, -0.2, 0.4, 0.02, -0.05, 0.1)
    other = intrinsics_of([Camera(20, 10, 15.0, 14.0, 9.0, 5.0)], dtype=torch.float64)
    pixels, seen_depth = correspondences(depth, motion, _intrinsics(), other)
    points = torch.cat(
        (
            (pixels[:, :1] - 9) / 15 * seen_depth,
            (pixels[:, 1:] - 5) / 14 * seen_depth,
            seen_depth,
        ),
        1,
    )
    back = transform(invert(motion), points)
    torch.testing.assert_close(back, back_project(depth, _intrinsics()))
    torch.testing.assert_close(project(back, _intrinsics())[1], depth)


def test_warping_has_the_right_gradient_in_depth_and_motion() -> None:
    torch.manual_seed(0)
    v, u = torch.meshgrid(torch.arange(7.0), torch.arange(9.0), indexing='ij')
    source = torch.sin(u / 3) + torch.cos(v / 2) + 0.01 * u * v
    source = source.double()[None, None].requires_grad_()
    depth = (torch.rand(1, 1, 7, 9, dtype=torch.float64) + 3).requires_grad_()
    vector = torch.tensor([[0.11, 0.07, 0.03, 0.01, 0.02, 0.03]], dtype=torch.float64)

    def masked(source: Tensor, depth: Tensor, vector: Tensor) -> Tensor:
        seen = warp(source, depth, pose_from_vector(vector), _intrinsics(), _intrinsics())
        return seen.image * seen.mask

    assert torch.autograd.gradcheck(masked, (source, depth, vector.requires_grad_()), eps=1e-7)
