from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from lsd_ros.errors import FrameError
from lsd_ros.geometry import pose, rigid

number = st.floats(-1, 1, allow_nan=False)
angle = st.one_of(
    st.floats(0, math.pi - 1e-6), st.floats(0, 1e-3), st.sampled_from([0.0, 1e-2, 3.14159])
)


@st.composite
def rotation_vectors(draw: st.DrawFn) -> Tensor:
    direction = np.array([draw(number), draw(number), draw(number)])
    assume(np.linalg.norm(direction) > 1e-3)
    return torch.from_numpy(direction / np.linalg.norm(direction) * draw(angle))[None]


@st.composite
def motions(draw: st.DrawFn) -> Tensor:
    translation = torch.tensor([[draw(number) * 10 for _ in range(3)]], dtype=torch.float64)
    return pose.pose_from_vector(torch.cat((translation, draw(rotation_vectors())), 1))


@given(rotation_vectors())
@settings(deadline=None)
def test_rotations_agree_with_the_matrix_exponential(vector: Tensor) -> None:
    x, y, z = vector[0].tolist()
    skew = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float64)
    rotation = pose.rotation_from_axis_angle(vector)[0]
    # matrix_exp itself is off by up to 3e-11 at angles below 0.04
    torch.testing.assert_close(rotation, torch.linalg.matrix_exp(skew), rtol=0, atol=1e-10)


@given(rotation_vectors())
@settings(deadline=None)
def test_a_rotation_vector_survives_the_way_to_a_matrix_and_back(vector: Tensor) -> None:
    found = pose.axis_angle_from_rotation(pose.rotation_from_axis_angle(vector))
    torch.testing.assert_close(found, vector, rtol=0, atol=1e-7)


@given(motions(), motions(), motions())
@settings(deadline=None)
def test_motions_form_a_group(first: Tensor, second: Tensor, third: Tensor) -> None:
    identity = torch.eye(4, dtype=torch.float64)[None]
    together = pose.compose(second, first)
    near = {'rtol': 0.0, 'atol': 1e-12}
    torch.testing.assert_close(together, second @ first, **near)
    torch.testing.assert_close(pose.compose(pose.invert(together), together), identity, **near)
    torch.testing.assert_close(
        pose.invert(together), pose.compose(pose.invert(first), pose.invert(second)), **near
    )
    torch.testing.assert_close(
        pose.compose(pose.compose(third, second), first), pose.compose(third, together), **near
    )


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_a_half_turn_keeps_its_axis_up_to_sign(dtype: torch.dtype) -> None:
    axes = torch.nn.functional.normalize(torch.randn(20, 3, dtype=dtype))
    found = pose.axis_angle_from_rotation(pose.rotation_from_axis_angle(axes * math.pi))
    assert torch.allclose((found * axes).sum(1).abs(), torch.tensor(math.pi, dtype=dtype))


@pytest.mark.parametrize('scale', [0.0, 1e-9, 1e-3, 1.0, 2.5])
def test_gradients_are_right_at_zero_and_elsewhere(scale: float) -> None:
    direction = torch.tensor([[0.3, -0.5, 0.8], [-0.6, 0.1, 0.2]], dtype=torch.float64)
    vector = (direction * scale).requires_grad_()
    assert torch.autograd.gradcheck(pose.rotation_from_axis_angle, vector)
    back = torch.autograd.functional.jacobian(
        lambda v: pose.axis_angle_from_rotation(pose.rotation_from_axis_angle(v)), vector
    )
    torch.testing.assert_close(back.reshape(6, 6), torch.eye(6, dtype=torch.float64))


def test_a_vector_is_translation_then_rotation() -> None:
    moved = pose.pose_from_vector(torch.tensor([[1.0, 2.0, 3.0, 0.0, 0.0, math.pi / 2]]))
    point = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    assert pose.transform(moved, point).flatten().tolist() == pytest.approx([1, 3, 3])
    torch.testing.assert_close(
        pose.vector_from_pose(moved), torch.tensor([[1.0, 2.0, 3.0, 0.0, 0.0, math.pi / 2]])
    )


def test_mixed_precision_leaves_motions_exact() -> None:
    vector = torch.tensor([[123.456, 0.0, 0.0, 0.01, 0.02, 0.03]])
    exact = pose.compose(pose.pose_from_vector(vector), pose.pose_from_vector(vector))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        mixed = pose.compose(pose.pose_from_vector(vector), pose.pose_from_vector(vector))
    assert torch.equal(mixed, exact)


def test_different_batches_are_refused() -> None:
    with pytest.raises(FrameError, match=r'b_from_a .* with B = 2'):
        pose.compose(torch.zeros(2, 4, 4), torch.zeros(3, 4, 4))


@pytest.mark.parametrize('turn', [0.0, 1e-9, 1e-3, 1.0, 3.0])
def test_motion_of_one_vector_is_that_of_many(turn):
    axis = np.array((0.36, -0.48, 0.8))
    vector = np.array((1.0, -2.0, 0.5, *(turn * axis)))
    wanted = pose.pose_from_vector(torch.from_numpy(vector)[None])[0].numpy()
    np.testing.assert_allclose(rigid.motion_from_vector(vector), wanted, atol=1e-12)
