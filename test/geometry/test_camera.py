from __future__ import annotations

import numpy as np
import pytest
import torch

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.geometry.camera import back_project, intrinsics_of, project
from lsd_ros.types import Camera, Distortion

CAMERAS = (
    Camera(width=8, height=6, fx=5.0, fy=4.0, cx=3.5, cy=2.5),
    Camera(width=8, height=6, fx=9.0, fy=9.5, cx=3.0, cy=1.0),
)


def test_points_agree_with_the_inverse_matrix() -> None:
    intrinsics = intrinsics_of(CAMERAS, dtype=torch.float64)
    depth = torch.rand(2, 1, 6, 8, dtype=torch.float64) + 0.5
    points = back_project(depth, intrinsics)
    for index, camera in enumerate(CAMERAS):
        expected = np.linalg.inv(camera.matrix) @ (7, 2, 1) * depth[index, 0, 2, 7].item()
        assert points[index, :, 2, 7].tolist() == pytest.approx(expected)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_a_pixel_survives_the_way_to_its_point_and_back(dtype: torch.dtype) -> None:
    intrinsics = intrinsics_of(CAMERAS, dtype=dtype)
    depth = torch.rand(2, 1, 6, 8, dtype=dtype) + 0.5
    pixels, found = project(back_project(depth, intrinsics), intrinsics)
    assert torch.equal(found, depth)
    v, u = np.mgrid[:6, :8]
    expected = torch.tensor(np.stack((u, v)), dtype=dtype).expand(2, 2, 6, 8)
    torch.testing.assert_close(pixels, expected, rtol=0, atol=1e-5)


def test_points_at_and_behind_the_camera_stay_finite_in_value_and_gradient() -> None:
    points = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, -2.0]]).reshape(2, 3, 1, 1)
    pixels, depth = project(points.requires_grad_(), intrinsics_of(CAMERAS))
    (pixels.sum() + depth.sum()).backward()
    assert torch.isfinite(pixels).all()
    assert torch.isfinite(points.grad).all()
    assert depth.flatten().tolist() == [0.0, -2.0]


def test_a_distorted_camera_is_refused() -> None:
    lens = Distortion('plumb_bob', (0.1, 0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), (5, 4, 3.5, 2.5))
    with pytest.raises(CameraError, match='undistort its image first'):
        intrinsics_of([Camera(8, 6, 5.0, 4.0, 3.5, 2.5, lens)])


def test_intrinsics_of_another_batch_are_refused() -> None:
    with pytest.raises(FrameError, match='intrinsics of shape'):
        back_project(torch.ones(3, 1, 6, 8), intrinsics_of(CAMERAS))
