from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lsd_ros.geometry.camera import intrinsics_of
from lsd_ros.geometry.warp import warp
from lsd_ros.synthetic.drive import Sample, SyntheticDrive
from lsd_ros.types import Camera

CAMERA = Camera(width=208, height=64, fx=120.0, fy=118.0, cx=103.3, cy=31.6)


def _grey(sample: Sample) -> Tensor:
    return torch.from_numpy(sample.frame.image.astype(np.float32).mean(2))[None, None]


def _difference(target: Sample, source: Sample, depth_factor: float, pose: bool = True) -> float:
    """Return the median grey difference of the target and the source seen from its place."""
    motion = np.linalg.inv(source.world_from_camera) @ target.world_from_camera
    source_from_target = torch.from_numpy(motion if pose else np.eye(4)).float()[None]
    depth = np.minimum(target.depth, 1e4) * depth_factor  # a warp takes finite depth
    intrinsics = intrinsics_of([CAMERA])
    seen = warp(
        _grey(source),
        torch.from_numpy(depth)[None, None],
        source_from_target,
        intrinsics,
        intrinsics,
    )
    return float((seen.image - _grey(target)).abs()[seen.mask].median())


@pytest.mark.parametrize('kind', ['room', 'corridor', 'street'])
@pytest.mark.parametrize('seed', [0, 1])
def test_a_neighbour_warped_by_true_depth_and_pose_is_the_target(kind: str, seed: int) -> None:
    drive = SyntheticDrive(kind, seed, CAMERA, 3, rate_hz=5.0, start_s=4.0)
    first, target, last = drive
    for source in (first, last):
        right = _difference(target, source, 1.0)
        assert right < 3.0
        assert _difference(target, source, 1.6) > 2 * right
        assert _difference(target, source, 0.6) > 2 * right
        assert _difference(target, source, 1.0, pose=False) > 2 * right
